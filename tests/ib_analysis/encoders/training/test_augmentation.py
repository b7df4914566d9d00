"""Vectorised crops and flips against a literal loop over images."""

import torch

from ib_analysis.encoders.specs.training import TrainingSpec
from ib_analysis.encoders.training.augmentation import augment, crop, flip


def literal_crop(image, padding, top, left):
    height, width = image.shape[1:]
    out = torch.zeros_like(image)
    for i in range(height):
        for j in range(width):
            row, column = i + top - padding, j + left - padding
            if 0 <= row < height and 0 <= column < width:
                out[:, i, j] = image[:, row, column]
    return out


def batch(seed=0, size=(6, 3, 5, 7)):
    return torch.randint(0, 256, size, generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


def test_crop_equals_a_loop_over_pixels():
    x, offsets = batch(), torch.tensor([[0, 1, 2, 3, 4, 2], [4, 3, 2, 0, 1, 2]])
    looped = torch.stack([literal_crop(x[i], 2, offsets[0, i], offsets[1, i]) for i in range(6)])
    assert torch.equal(crop(x, 2, offsets), looped)


def test_a_crop_at_the_padding_is_the_image():
    x = batch()
    assert torch.equal(crop(x, 3, torch.full((2, 6), 3)), x)


def test_flip_exchanges_left_and_right_where_asked():
    x, mask = batch(), torch.tensor([True, False, True, False, False, True])
    out = flip(x, mask)
    for i in range(6):
        assert torch.equal(
            out[i], torch.stack([x[i, :, :, 6 - j] for j in range(7)], -1) if mask[i] else x[i]
        )


def test_draws_follow_from_the_generator():
    spec, x = TrainingSpec(epochs=1, crop_padding=2, flip=True), batch()
    first, second = (augment(x, spec, torch.Generator().manual_seed(5)) for _ in range(2))
    other = augment(x, spec, torch.Generator().manual_seed(6))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_every_offset_and_both_flips_are_drawn():
    marked = torch.zeros(4000, 1, 3, 3, dtype=torch.uint8)
    marked[:, 0, 1, 0] = 1
    out = augment(marked, TrainingSpec(epochs=1, crop_padding=1, flip=True), torch.Generator().manual_seed(0))
    # Three vertical shifts; the mark is in column 0 or, flipped, in column 2, and each shift may move it.
    hits = out.sum(0)[0]
    assert bool((hits > 0).all())


def test_nothing_asked_for_changes_nothing():
    x = batch()
    assert augment(x, TrainingSpec(epochs=1), torch.Generator()) is x
