"""Draws are compared with their originals, and with the means over all other images, by the plain sums."""

import numpy as np
import pytest

from ib_analysis.datasets.dataset import Part
from ib_analysis.forgetting.compare import Originals, forgetting_rows, ratio_of_means
from ib_analysis.forgetting.other_images import OtherImages
from ib_analysis.point import Point

POINT = Point("net", "classifier", 0, 10, "h3")
LEVELS, CLASSES = 256, 3


@pytest.fixture
def part():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, CLASSES, 40)
    images = rng.integers(0, 256, (40, 3, 8, 8)) // 2 + 40 * labels[:, None, None, None]
    return Part("evaluation", images.astype(np.uint8), labels)


@pytest.fixture
def told(part):
    """A judge that is wrong on every fifth image."""
    wrong = np.arange(len(part)) % 5 == 0
    return np.where(wrong, (part.labels + 1) % CLASSES, part.labels)


def originals_of(part, told, rows):
    others = OtherImages.of(part, LEVELS, CLASSES, told)
    return Originals(part.images[rows], LEVELS, part.labels[rows], told[rows], others)


def by_kind(rows):
    return {(row.measure, row.low_cycles): row for row in rows}


def test_other_images_are_all_but_the_original_itself(part, told):
    chosen = np.array([3, 17, 30])
    originals = originals_of(part, told, chosen)
    found = by_kind(forgetting_rows(POINT, part.images[chosen][None], told[chosen][None], originals))
    pixels = part.images / 255.0
    for same_class, column in ((True, "same_class"), (False, "any_image")):
        errors, agree = [], []
        for i in chosen:
            others = [
                j for j in range(len(part)) if j != i and (not same_class or part.labels[j] == part.labels[i])
            ]
            errors.append(((pixels[others] - pixels[i]) ** 2).mean())
            agree.append((told[others] == part.labels[i]).mean())
        assert getattr(found["squared error", None], column) == pytest.approx(np.mean(errors))
        assert getattr(found["class agreement", None], column) == pytest.approx(np.mean(agree))


def test_draws_that_are_the_original_have_no_error_and_its_class(part, told):
    chosen = np.arange(10)
    draws = np.stack([part.images[chosen]] * 2)
    originals = originals_of(part, told, chosen)
    rows = by_kind(forgetting_rows(POINT, draws, np.stack([told[chosen]] * 2), originals))
    assert rows["squared error", None].value == pytest.approx(0.0)
    assert rows["class agreement", None].value == rows["class agreement", None].original == 0.8
    assert all((row.n_images, row.n_draws, row.point) == (10, 2, POINT) for row in rows.values())


def test_draws_are_averaged_within_an_image_and_errors_are_over_images(part, told):
    chosen, rng = np.arange(12), np.random.default_rng(1)
    draws = rng.integers(0, 256, (4, 12, 3, 8, 8)).astype(np.uint8)
    originals = originals_of(part, told, chosen)
    row = by_kind(forgetting_rows(POINT, draws, rng.integers(0, CLASSES, (4, 12)), originals))[
        "squared error", None
    ]
    each = ((draws / 255.0 - part.images[chosen] / 255.0) ** 2).mean(axis=(0, 2, 3, 4))
    assert row.value == pytest.approx(each.mean())
    assert row.stderr == pytest.approx(each.std(ddof=1) / np.sqrt(12))
    assert row.relative_any_image == pytest.approx(row.value / row.any_image)


def test_the_error_of_a_ratio_is_that_of_repeated_draws_of_images():
    """The delta method against the spread of the ratio over independent sets of images."""
    rng = np.random.default_rng(2)
    found, errors = [], []
    for _ in range(200):
        labels = rng.integers(0, 2, 600)
        images = rng.integers(0, 200, (600, 1, 4, 4)).astype(np.uint8)
        images[rng.random(600) < 0.3] //= 2
        part = Part("evaluation", images, labels)
        draws = np.clip(images + rng.normal(0, 20, images.shape) * (1 + labels[:, None, None, None]), 0, 255)
        originals = originals_of(part, labels, np.arange(60))
        row = by_kind(
            forgetting_rows(POINT, draws[None, :60].astype(np.uint8), labels[None, :60], originals)
        )["squared error", None]
        found.append(row.relative_any_image)
        errors.append(row.relative_any_image_stderr)
    assert np.mean(errors) == pytest.approx(np.std(found), rel=0.2)


def test_a_class_of_one_image_has_no_other():
    labels = np.array([0, 1, 1])
    part = Part("evaluation", np.zeros((3, 1, 4, 4), np.uint8), labels)
    originals = originals_of(part, labels, np.array([0]))
    row = by_kind(forgetting_rows(POINT, part.images[:1][None], labels[:1][None], originals))[
        "class agreement", None
    ]
    assert row.same_class is None
    assert row.relative_same_class is None
    assert row.any_image == 0.0


def test_what_value_and_reference_share_leaves_the_error_of_their_ratio():
    """Images differ much in both, and hardly in the ratio."""
    rng = np.random.default_rng(3)
    beside = rng.uniform(1.0, 9.0, 200)
    ratio, error = ratio_of_means(0.5 * beside + 0.01 * rng.standard_normal(200), beside)
    assert ratio == pytest.approx(0.5, abs=0.002)
    assert error < 0.001
