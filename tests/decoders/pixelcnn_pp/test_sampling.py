"""Cached sampling is naive sampling: the same images under one seed, the same conditionals but for rounding."""

import gc
import math

import pytest
import torch

from decoders.pixelcnn_pp import sampling
from decoders.pixelcnn_pp.logistic_mixture import Noise
from decoders.pixelcnn_pp.pixel_draw import PixelDraw
from decoders.pixelcnn_pp.sampling import CachedSampler, sample_images

CASES = [  # channels, size, levels, sizes of the network
    (1, (8, 8), 17, {}),
    (3, (8, 8), 256, {"layers": 2}),
    (1, (4, 4), 2, {}),
    (3, (5, 7), 256, {}),
    (2, (9, 10), 5, {"layers": 2, "mixtures": 1}),
    (4, (6, 3), 3, {"filters": 3}),
    (1, (1, 1), 4, {}),
    (3, (12, 16), 2, {"filters": 4}),
]


def a_context(context, batch, dtype):
    torch.manual_seed(5)
    return None if context is None else torch.randn(batch, *context, dtype=dtype)


def a_generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("channels", "size", "levels", "sizes"), CASES)
def test_same_images_as_the_naive_loop(decoder, naive_samples, context, channels, size, levels, sizes):
    """Bit for bit, in double precision: no value is near enough to the edge of a level to be rounded apart."""
    model = decoder(channels, size, levels, context, **sizes)
    h = a_context(context, 3, torch.float64)
    cached = model(h).sample(torch.Generator().manual_seed(7), 2)
    naive = naive_samples(model, h, torch.Generator().manual_seed(7), 2)
    assert cached.shape == (2, 1 if h is None else 3, channels, *size)
    assert cached.dtype == torch.uint8
    assert torch.equal(cached, naive)


def test_same_images_as_the_naive_loop_in_float32(decoder, naive_samples, context):
    model = decoder(3, (8, 8), 17, context, dtype=torch.float32)
    h = a_context(context, 3, torch.float32)
    cached = model(h).sample(torch.Generator().manual_seed(7), 2)
    assert torch.equal(cached, naive_samples(model, h, torch.Generator().manual_seed(7), 2))


@pytest.mark.parametrize(("channels", "size", "levels", "sizes"), CASES)
def test_each_pixel_is_the_draw_of_the_full_forward_in_float32(
    decoder, context, channels, size, levels, sizes
):
    """Given the pixels before it; a value at the very edge of two levels may be rounded to either."""
    model = decoder(channels, size, levels, context, dtype=torch.float32, **sizes)
    h = a_context(context, 3, torch.float32)
    with torch.inference_mode():
        x = model(h).sample(torch.Generator().manual_seed(7), 1)[0]
        noise = model.mixture.noise(torch.Generator().manual_seed(7), (*size, len(x)))
        p = model.parameters_of(x, model(h).context).permute(2, 3, 0, 1).flatten(0, 2)
        drawn = model.mixture.draw(p, Noise(*(n.flatten(0, 2).float() for n in noise)))
    difference = (drawn.view(*size, len(x), channels).permute(2, 3, 0, 1) - x).abs()
    assert (difference != 0).sum().item() <= max(1, 2e-3 * difference.numel())


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_conditionals_equal_the_full_forward_within_rounding(decoder, context, dtype):
    """The last map that each pixel step leaves behind is that of a full forward on the finished images."""
    model = decoder(3, (8, 8), 256, context, dtype=dtype, layers=2)
    with torch.inference_mode():
        s = model(a_context(context, 4, dtype)).context
        sampler = CachedSampler(model, 4)
        pairs = [(r.to(torch.uint8), sampler.last_map.clone()) for r in sampler.rows(a_generator(), s)]
        x, cached = (torch.stack(rows, 1).permute(0, 3, 1, 2) for rows in zip(*pairs, strict=True))
        of_scale = s if s is not None else (None,) * 3
        _, ul = model._up(*model._down(model.stem(model.network_input(x)), of_scale), of_scale)
    assert torch.allclose(cached, ul, rtol=0, atol=16 * torch.finfo(dtype).eps * ul.abs().max().item())


def test_a_sampler_forgets_its_last_draw(decoder):
    model = decoder(1, (8, 8), 17)
    with torch.inference_mode():
        sampler = CachedSampler(model, 3)
        first, second, again = (sampler.draw(torch.Generator().manual_seed(i), None) for i in (0, 1, 0))
    assert torch.equal(first, again)
    assert not torch.equal(first, second)


def test_groups_bound_the_memory_and_keep_rows_apart(decoder, monkeypatch):
    """With h that decides the image, each draw in each group must belong to its own h."""
    model = decoder(1, (4, 4), 2, (5,))
    h = torch.eye(5, dtype=torch.float64) * 3
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith("context"):
                p.mul_(20)
    monkeypatch.setattr(sampling, "IMAGES_AT_ONCE", 4)
    count = 60
    x = model(h).sample(torch.Generator().manual_seed(0), count)
    assert x.shape == (count, 5, 1, 4, 4)
    with torch.no_grad():
        own = torch.stack([model(h).log_prob(draw) for draw in x]).mean(0)
        others = torch.stack([model(h.roll(1, 0)).log_prob(draw) for draw in x]).mean(0)
    assert (own > others).all()


@pytest.mark.parametrize("sizes", [{}, {"filters": 3, "mixtures": 10}, {"layers": 3, "filters": 8}])
@pytest.mark.parametrize("size", [(4, 4), (8, 32)])
def test_the_buffers_keep_within_their_bound(decoder, sizes, size):
    """Numbers of all tensors that more images add: the bound is what decides how many are drawn at once."""
    model = decoder(3, size, 17, (5,), **sizes)

    def numbers_of(images):
        gc.collect()
        known = {id(t) for t in gc.get_objects() if issubclass(type(t), torch.Tensor)}
        with torch.inference_mode():
            sampler = CachedSampler(model, images)
        tensors = (t for t in gc.get_objects() if issubclass(type(t), torch.Tensor) and id(t) not in known)
        storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}
        assert sampler.images == images
        return sum(storages.values()) / 8

    kept = (numbers_of(9) - numbers_of(1)) / 8
    bound = sampling.numbers_of_image(model)
    assert 0.5 * bound < kept <= bound


def test_mean_nats_of_own_samples_is_the_entropy(decoder, every_image, context):
    model = decoder(1, (3, 3), 2, context)
    h = None if context is None else a_context(context, 1, torch.float64)
    x = every_image(1, 3, 3, 2)
    with torch.no_grad():
        q = model(None if h is None else h.expand(len(x), *context)).log_prob(x)
        entropy = -(q.exp() * q).sum().item()
        drawn = model(h).sample(torch.Generator().manual_seed(0), 4000).flatten(0, 1)
        index = (drawn.flatten(1) * 2 ** torch.arange(8, -1, -1)).sum(1)
    nats = -q[index]
    assert torch.equal(x[index].to(torch.uint8), drawn)
    assert abs(nats.mean().item() - entropy) < 4 * nats.std().item() / math.sqrt(len(nats))
    share = torch.bincount(index, minlength=len(x)) / len(drawn)
    assert (share - q.exp()).abs().max() < 5 * math.sqrt(q.exp().max().item() / len(drawn))


def test_the_memory_format_of_weights_and_of_h_changes_nothing(decoder):
    model = decoder(3, (6, 10), 17, (4, 3, 2))
    h = a_context((4, 3, 2), 3, torch.float64)
    with torch.no_grad():
        usual = sample_images(model, model(h).context, a_generator(), 2)
        s = tuple(m.to(memory_format=torch.channels_last) for m in model(h).context)
        for p in model.parameters():
            if p.dim() == 4:
                p.data = p.data.to(memory_format=torch.channels_last)
        assert torch.equal(sample_images(model, s, a_generator(), 2), usual)


def test_one_thread_within_a_draw_and_the_threads_given_back(decoder, monkeypatch):
    """Two threads that wait for each other on busy cores make a draw 5 to 100 times as long."""
    model = decoder(1, (4, 4), 2)
    before, within = torch.get_num_threads(), []
    load = PixelDraw.load
    monkeypatch.setattr(
        PixelDraw, "load", lambda *args: within.append(torch.get_num_threads()) or load(*args)
    )
    torch.set_num_threads(2)
    try:
        model(None).sample(a_generator())
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert within == [1] * 4
