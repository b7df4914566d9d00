import numpy as np
import pytest

from ib_analysis.datasets.independent_pixels import IndependentPixels
from ib_analysis.units import bits


@pytest.mark.parametrize(
    ("mean", "scale", "per_dim"), [(127.5, 5, 5.20812), (127.5, 20, 7.18726), (60, 10, 6.19513)]
)
def test_reference_entropies(mean, scale, per_dim):
    known = IndependentPixels.logistic(6, 256, (mean,), (scale,)).known(0.0)
    assert bits(known["H(x)"]) / 36 == pytest.approx(per_dim, abs=6e-6)
    assert bits(known["I(x;rows4)"]) / 24 == pytest.approx(per_dim, abs=6e-6)


@pytest.mark.parametrize("levels", [2, 3, 256])
def test_uniform_levels_have_their_logarithm(levels):
    known = IndependentPixels.uniform(32, levels, 3).known(0.0)
    assert bits(known["H(x)"]) / 3072 == pytest.approx(np.log2(levels), abs=1e-10)


def test_entropy_runs_from_nothing_to_thousands_of_bits():
    def total(scale):
        return bits(IndependentPixels.logistic(32, 256, (127.0,) * 3, (scale,) * 3).known(0.0)["H(x)"])

    assert 0 <= total(0.01) < 1e-9
    assert total(0.06) < 25
    assert total(50.0) > 20_000


def test_each_channel_has_its_own_law():
    law = IndependentPixels.logistic(16, 256, means=(30, 100, 200), scales=(2, 5, 9))
    x = law.draw(200, np.random.default_rng(0)).astype(float)
    level = np.arange(256)
    mean = law.pixel @ level
    spread = np.sqrt(law.pixel @ level**2 - mean**2)
    assert (np.abs(x.mean((0, 2, 3)) - mean) < 4.5 * spread / np.sqrt(200 * 256)).all()
    correlation = np.corrcoef(x.transpose(1, 0, 2, 3).reshape(3, -1))
    assert np.abs(correlation - np.eye(3)).max() < 4.5 / np.sqrt(200 * 256)


def test_as_many_means_as_scales():
    with pytest.raises(ValueError):
        IndependentPixels.logistic(8, 256, (1.0, 2.0), (1.0,))
