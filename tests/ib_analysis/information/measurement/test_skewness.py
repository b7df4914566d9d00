import numpy as np
import pytest

from benchmarks.known_curves import raster_label
from ib_analysis.datasets.raster_markov import RasterMarkov
from ib_analysis.information.measurement.skewness import images_needed, skewness_warning

LAW = RasterMarkov(3, 8, 0.8, 0.9)


@pytest.mark.parametrize("p", [0.5, 0.1, 0.01])
def test_a_rare_event_needs_as_many_images_as_its_skewness_says(p):
    values = (np.arange(10_000) < 10_000 * p).astype(float)
    assert images_needed(values) == pytest.approx(25 * (1 - 2 * p) ** 2 / (p * (1 - p)))


@pytest.mark.parametrize(("noise", "n", "warned"), [(0.2, 200, False), (0.01, 500, True)])
def test_a_classifier_that_is_rarely_wrong_is_warned_of(noise, n, warned):
    curve = raster_label("", LAW, noise)
    labels, conditional = curve.sample(n, np.random.default_rng(0))
    assert bool(skewness_warning(curve.marginal_nats(labels) - conditional[0])) is warned


def test_the_sentence_names_both_numbers():
    (sentence,) = skewness_warning(np.arange(100) == 0)
    assert "Few of the 100 images" in sentence
    assert "evaluate 2,426 images or more" in sentence
