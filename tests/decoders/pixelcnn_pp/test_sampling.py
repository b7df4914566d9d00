"""Cached sampling is naive sampling: the same images under one seed, the same conditionals but for rounding."""

import math

import pytest
import torch

from decoders.pixelcnn_pp import sampling
from decoders.pixelcnn_pp.logistic_mixture import Noise
from decoders.pixelcnn_pp.sampling import CachedSampler

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
    assert (difference != 0).double().mean().item() < 2e-3


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_conditionals_equal_the_full_forward_within_rounding(decoder, context, dtype):
    """The last map that each pixel step leaves behind is that of a full forward on the finished images."""
    model = decoder(3, (8, 8), 256, context, dtype=dtype, layers=2)
    with torch.inference_mode():
        s = model(a_context(context, 4, dtype)).context
        sampler = CachedSampler(model, 4)
        last = sampler.horizontal.scales[0].up[-1].target.raw
        rows, finished = [], sampler.image.finished
        sampler.image.finished = lambda: rows.append(last[:, 1:-1].clone()) or finished()
        x = sampler.draw(torch.Generator().manual_seed(0), s)
        of_scale = s if s is not None else (None,) * 3
        _, ul = model._up(*model._down(model.stem(model.network_input(x)), of_scale), of_scale)
    cached = torch.stack(rows, 1).permute(0, 3, 1, 2)
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


def test_threads_are_given_back(decoder):
    before = torch.get_num_threads()
    decoder(1, (4, 4), 2)(None).sample(torch.Generator().manual_seed(0))
    assert torch.get_num_threads() == before
