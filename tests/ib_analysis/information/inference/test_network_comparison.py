"""Which of two encoders keeps more: covered as promised, paired over images, and never more than was shown."""

import numpy as np
import pytest

from ib_analysis.errors import UserError
from ib_analysis.information.inference.network_comparison import compare_networks
from ib_analysis.information.inference.repeated_fits import FitSpread

IMAGES = 100


def networks(rng, value, count, fits, difficulty, *, of_networks=0.0, of_fits=0.0):
    return [
        value
        + rng.normal(0.0, 1.0) * of_networks
        + rng.normal(0.0, 1.0, (fits, 1)) * of_fits
        + difficulty
        + rng.normal(0.0, 0.5, (1, len(difficulty)))
        for _ in range(count)
    ]


def known(of_fits, degrees=20.0):
    return FitSpread(of_fits**2, degrees)


@pytest.mark.parametrize(("count", "fits"), [(1, 2), (3, 1), (4, 2)])
def test_the_interval_holds_the_difference(count, fits):
    rng, held = np.random.default_rng(0), []
    for _ in range(500):
        difficulty = rng.normal(0.0, 10.0, IMAGES)
        of_networks = 0.3 if count > 1 else 0.0
        pair = [
            networks(rng, v, count, fits, difficulty, of_networks=of_networks, of_fits=0.2)
            for v in (5.0, 4.5)
        ]
        found = compare_networks(*pair, (known(0.2), known(0.2)))
        held.append(found.low_nats <= 0.5 <= found.high_nats)
    assert 0.92 < np.mean(held) < 0.985


def test_an_image_that_is_hard_for_both_is_no_error():
    rng = np.random.default_rng(1)
    difficulty = rng.normal(0.0, 50.0, IMAGES)
    a, b = (networks(rng, v, 1, 2, difficulty) for v in (5.0, 4.0))
    found = compare_networks(a, b, (known(0.0), known(0.0)))
    assert found.stderr_nats < 0.2
    assert found.verdict == "more"
    assert compare_networks(b, a, (known(0.0), known(0.0))).verdict == "less"


def test_fits_that_differ_more_than_the_encoders_leave_it_undecided():
    rng = np.random.default_rng(2)
    difficulty = np.zeros(IMAGES)
    a, b = (networks(rng, v, 1, 2, difficulty) for v in (5.0, 4.0))
    assert compare_networks(a, b, (known(0.0), known(0.0))).verdict == "more"
    assert compare_networks(a, b, (known(1.5), known(1.5))).verdict == "undecided"


def test_fits_of_unknown_spread_show_nothing_of_single_networks_but_networks_do():
    rng = np.random.default_rng(3)
    difficulty = np.zeros(IMAGES)
    one = [networks(rng, v, 1, 1, difficulty) for v in (5.0, 1.0)]
    found = compare_networks(*one, (None, None))
    assert (found.verdict, found.scope) == ("undecided", "these networks, these fits")
    four = [networks(rng, v, 4, 1, difficulty, of_networks=0.1) for v in (5.0, 1.0)]
    found = compare_networks(*four, (None, None))
    assert (found.verdict, found.scope) == ("more", "4 and 4 networks")


@pytest.mark.parametrize(
    ("first", "second", "word"),
    [
        ([], [np.zeros((1, 3))], "first encoder"),
        ([np.zeros((1, 3))], [np.zeros((1, 4))], "same images"),
        ([np.zeros(3)], [np.zeros((1, 3))], "by fit and image"),
    ],
)
def test_mistakes_are_one_sentence(first, second, word):
    with pytest.raises(UserError, match=word):
        compare_networks(first, second, (None, None))
