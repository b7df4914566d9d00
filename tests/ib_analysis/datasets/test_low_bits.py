import numpy as np
import pytest

from ib_analysis.datasets.factors import Factors
from ib_analysis.datasets.low_bits import LowBits
from ib_analysis.datasets.rectangles import Rectangles
from ib_analysis.units import bits


@pytest.mark.parametrize("k", [1, 3, 7])
@pytest.mark.parametrize("law", [Rectangles(16, 2), Factors(8, 3, 3)], ids=str)
def test_every_low_bit_adds_one_bit_a_sub_pixel(law, k):
    if law.levels << k > 256:
        k = 6
    clean, noisy = law.known(0.1), LowBits(law, k).known(0.1)
    assert bits(noisy["H(x)"] - clean["H(x)"]) == pytest.approx(k * law.dimensions, abs=1e-9)
    row = law.dimensions / law.size
    assert bits(noisy["I(x;rows3)"] - clean["I(x;rows3)"]) == pytest.approx(k * 3 * row, abs=1e-9)
    for name in clean:
        if "I(x;rows" not in name and name != "H(x)":
            assert noisy[name] == clean[name]


def test_low_bits_are_fair_and_independent_of_what_lies_above():
    law = LowBits(Rectangles(8, 2), 2)
    images = law.draw(2000, np.random.default_rng(0))
    high, low = images >> 2, images & 3
    counts = np.stack([np.bincount(low[high == h], minlength=4) / (high == h).sum() for h in (0, 1)])
    assert np.abs(counts - 0.25).max() < 4.5 * np.sqrt(0.25 * 0.75 / (high == 1).sum())
    np.testing.assert_array_equal(law.label(images), law.law.label(high))


def test_more_than_a_byte_is_refused():
    with pytest.raises(ValueError, match="do not fit into a byte"):
        LowBits(Rectangles(8, 256), 1)
    with pytest.raises(ValueError, match="do not fit into a byte"):
        LowBits(Rectangles(8, 4), 0)
