"""Rungs: what decoders are told, of which images, and which of them may calibrate."""

import numpy as np
import pytest

from ib_analysis.calibration.ladder import FEWEST_IMAGES_A_CLASS, Ladder
from ib_analysis.datasets.dataset import Dataset, Header, Part
from ib_analysis.errors import UserError


def part(name, n, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, n)
    images = rng.integers(0, 17, (n, 1, 4, 4)).astype(np.uint8)
    images[:, 0, 0, 0] = 4 * labels
    return Part(name, images, labels.astype(np.int64))


@pytest.fixture
def data():
    header = Header(
        name="made", channels=1, height=4, width=4, levels=17, class_names=tuple("abcd"),
        counts={"encoder": 90, "decoder": 64, "evaluation": 40}, duplicates_dropped=0, fingerprint="0" * 64,
    )  # fmt: skip
    return Dataset(header, part("encoder", 90, 1), part("decoder", 64, 2), part("evaluation", 40, 3))


@pytest.fixture
def ladder(data):
    return Ladder(data, seed=0, noise_units=5)


def codes_of(rung, units):
    return rung.decoder[:, :units].argmax(axis=1), rung.evaluation[:, :units].argmax(axis=1)


def test_the_label_is_told_alone_and_among_noise(ladder, data):
    alone, noisy = ladder.of_label()
    assert (alone.decoder.shape, noisy.evaluation.shape) == ((64, 4), (40, 9))
    for rung in (alone, noisy):
        decoder, evaluation = codes_of(rung, 4)
        assert np.array_equal(decoder, data.decoder.labels)
        assert np.array_equal(evaluation, data.evaluation.labels)
        assert np.array_equal(rung.codes, np.concatenate([data.decoder.labels, data.evaluation.labels]))
    assert not np.array_equal(noisy.decoder[:40, 4:], noisy.evaluation[:, 4:])


def test_centres_are_those_of_the_encoder_part(ladder, data):
    rung = ladder.of_k_means(3, noise=False)
    moved = Dataset(data.header, part("encoder", 90, 9), data.decoder, data.evaluation)
    assert np.array_equal(rung.codes, ladder.of_k_means(3, noise=True).codes)
    assert not np.array_equal(rung.codes, Ladder(moved, 0, 5).of_k_means(3, noise=False).codes)


def test_without_an_encoder_part_centres_are_those_of_the_decoder_part(ladder, data):
    alone = Dataset(data.header, part("encoder", 0, 1), data.decoder, data.evaluation)
    shared = Dataset(data.header, data.decoder, data.decoder, data.evaluation)
    for of in (lambda made: made.of_k_means(3, noise=False), lambda made: made.of_signs(2)):
        codes = of(Ladder(alone, 0, 5)).codes
        assert np.array_equal(codes, of(Ladder(shared, 0, 5)).codes)
        assert not np.array_equal(codes, of(ladder).codes)


def test_a_code_of_too_many_classes_for_its_images_does_not_calibrate(ladder):
    most = 64 // FEWEST_IMAGES_A_CLASS
    assert ladder.of_k_means(most, noise=False).calibrates
    assert not ladder.of_k_means(most + 1, noise=False).calibrates
    assert not ladder.of_signs(2).calibrates


def test_more_classes_than_images_are_refused(ladder):
    with pytest.raises(UserError, match=r"k-means-105.*cannot be counted on 104 images"):
        ladder.of_k_means(105, noise=False)


def test_a_label_that_is_no_function_of_the_image_is_refused(data):
    images = data.evaluation.images.copy()
    images[0] = data.decoder.images[0]
    labels = data.evaluation.labels.copy()
    labels[0] = (data.decoder.labels[0] + 1) % 4
    broken = Dataset(data.header, data.encoder, data.decoder, Part("evaluation", images, labels))
    with pytest.raises(UserError, match="no function of the image"):
        list(Ladder(broken, 0, 5).of_label())


def test_rotations_keep_distances_and_differ(ladder):
    h = [np.random.default_rng(k).normal(size=(n, 6)).astype(np.float32) for k, n in enumerate((64, 40))]
    rungs = list(ladder.rotations(*h, 3))
    for rung in rungs:
        assert np.linalg.norm(rung.decoder, axis=1) == pytest.approx(np.linalg.norm(h[0], axis=1), rel=1e-5)
        products = rung.decoder @ rung.evaluation.T
        assert products == pytest.approx(
            h[0] @ h[1].T, abs=1e-4
        )  # both parts are turned by the same rotation
    assert not np.allclose(rungs[0].decoder, rungs[1].decoder)
    assert {rung.kind for rung in rungs} == {"equal"}


def test_the_h_of_another_image_of_the_class_and_of_any(ladder, data):
    own = [np.arange(n, dtype=np.float32)[:, None] for n in (64, 40)]
    same, shuffled = ladder.of_another(*own)
    for part_, rows in ((data.decoder, same.decoder), (data.evaluation, same.evaluation)):
        others = rows[:, 0].astype(int)
        assert (others != np.arange(len(part_))).all()
        assert np.array_equal(part_.labels[others], part_.labels)
    assert (shuffled.decoder[:, 0] != np.arange(64)).all()
    assert sorted(shuffled.decoder[:, 0]) == list(range(64))
    assert (same.calibrates, shuffled.calibrates) == (False, True)
