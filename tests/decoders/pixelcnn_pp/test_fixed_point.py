"""Fixed-point sampling is naive sampling in fewer passes: the same images, at most one pass a pixel."""

import pytest
import torch
from torch import Generator
from torch.nn import functional as F

from decoders.pixelcnn_pp import fixed_point
from decoders.pixelcnn_pp.fixed_point import FixedPointSampler
from decoders.pixelcnn_pp.sampling import sample_images

CASES = [  # channels, size, levels, sizes of the network
    (1, (5, 7), 17, {}),
    (3, (4, 8), 256, {"layers": 2}),
    (3, (5, 3), 256, {}),
    (2, (9, 2), 5, {"mixtures": 1}),
    (1, (1, 1), 4, {}),
    (1, (1, 5), 2, {}),
]


def a_context(context, batch, dtype=torch.float64):
    torch.manual_seed(5)
    return None if context is None else torch.randn(batch, *context, dtype=dtype)


def drawn(model, h, count, method="fixed_point"):
    with torch.no_grad():
        return sample_images(model, model(h).context, Generator().manual_seed(7), count, method)


def passes_of(model, images):
    sampler = FixedPointSampler(model, images)
    with torch.inference_mode():
        sampler.draw(Generator().manual_seed(0), None)
    return sampler.passes


@pytest.mark.parametrize(("channels", "size", "levels", "sizes"), CASES)
def test_same_images_as_the_naive_loop(decoder, naive_samples, context, channels, size, levels, sizes):
    model = decoder(channels, size, levels, context, **sizes)
    h = a_context(context, 3)
    x = drawn(model, h, 2)
    assert x.dtype == torch.uint8
    assert torch.equal(x, naive_samples(model, h, Generator().manual_seed(7), 2))


def test_same_images_as_the_cached_sampler_in_float32(decoder, context):
    model = decoder(3, (12, 10), 256, context, dtype=torch.float32)
    h = a_context(context, 3, torch.float32)
    different = drawn(model, h, 4) != drawn(model, h, 4, "cached")
    # A value at the very edge of two levels may be rounded to either, and then shifts what follows.
    assert different.double().mean().item() < 2e-3


def test_one_pass_draws_and_one_confirms_where_pixels_are_independent(decoder):
    model = decoder(3, (8, 8), 256)
    with torch.no_grad():
        for layer in (model.stem.above, model.stem.row_above, model.stem.left):
            layer.gain.zero_()
    assert torch.equal(passes_of(model, 4), torch.full((4,), 2))


def test_one_pass_for_each_pixel_where_each_hangs_on_the_last(decoder, monkeypatch):
    """The longest way there is: a pixel is one level above the pixel before it, 1, 2, 3, 4, 0, 1, ..."""
    model = decoder(1, (3, 7), 5, mixtures=1)

    def chain(levels, context):
        level = (F.pad(levels.flatten(2), (1, -1)) + 1).unflatten(2, levels.shape[2:]) % 5
        mean = model.mixture.values(level, torch.float64)
        return torch.cat((torch.zeros_like(mean), mean, torch.full_like(mean, -1e3)), 1)

    monkeypatch.setattr(model, "parameters_of", chain)
    assert torch.equal(passes_of(model, 2), torch.full((2,), 21))
    x = sample_images(model, None, Generator(), 2, "fixed_point").flatten(1)
    assert torch.equal(x, (torch.arange(1, 22) % 5).to(torch.uint8).expand(2, -1))


def test_parts_bound_the_memory_and_change_nothing(decoder, monkeypatch):
    model = decoder(3, (8, 8), 17, (4, 3, 2))
    h = a_context((4, 3, 2), 5)
    together = drawn(model, h, 2)
    monkeypatch.setattr(fixed_point, "NUMBERS_OF_A_PASS", 3 * fixed_point.numbers_of_image(model))
    assert fixed_point.images_of_a_pass(model) == 3
    assert torch.equal(drawn(model, h, 2), together)


def test_a_draw_knows_no_dropout_and_leaves_the_mode(decoder):
    model = decoder(1, (8, 8), 17, dropout=0.5)
    evaluated = drawn(model, None, 4)
    model.train()
    assert torch.equal(drawn(model, None, 4), evaluated)
    assert model.training
