"""Which images are drawn."""

import numpy as np

from ib_analysis.figures.samples import Samples, read_samples, write_samples
from ib_analysis.point import Network
from ib_analysis.stages.draw_samples import spread_over_classes


def test_images_are_spread_over_the_classes_in_turn():
    labels = np.array([2, 2, 0, 1, 0, 2, 1])
    rows = spread_over_classes(labels, 5)
    assert labels[rows].tolist() == [0, 1, 2, 0, 1]
    assert rows.tolist() == [2, 3, 0, 4, 6]


def test_asking_for_more_than_there_are_gives_all():
    assert sorted(spread_over_classes(np.array([0, 0, 1]), 10).tolist()) == [0, 1, 2]


def test_samples_survive_the_disk(tmp_path):
    rng = np.random.default_rng(0)
    network = Network("net", "classifier", 1)
    drawn = {
        network.at(e, t): rng.integers(0, 17, (2, 3, 1, 4, 4), dtype=np.uint8)
        for e in (0, 5)
        for t in ("h1", "h2")
    }
    originals = rng.integers(0, 17, (3, 1, 4, 4), dtype=np.uint8)
    samples = Samples(network, 17, np.arange(3), originals, ("a", "b", "c"), drawn)
    write_samples(tmp_path / "samples.npz", samples)
    read = read_samples(tmp_path / "samples.npz")
    assert (read.network, read.levels) == (network, 17)
    assert read.classes == ("a", "b", "c")
    assert read.epochs() == [0, 5]
    assert read.taps() == ["h1", "h2"]
    assert np.array_equal(read.originals, originals)
    for point, images in drawn.items():
        assert np.array_equal(read.drawn[point], images)
