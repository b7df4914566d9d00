import math

import numpy as np
import pytest

from ib_analysis.errors import UserError
from ib_analysis.information.measurement.cross_entropy import cross_entropy, information
from ib_analysis.information.measurement.estimate import Bound
from ib_analysis.information.measurement.quantity import Quantity

RHO = 0.75
TRUTH = -0.5 * math.log(1 - RHO**2)
ENTROPY = 0.5 * math.log(2 * math.pi * math.e)


def gaussian_nats(n, seed):
    """-log p(x) and -log p(x | h) of a pair of standard normals with correlation RHO."""
    rng = np.random.default_rng(seed)
    h = rng.normal(size=n)
    x = RHO * h + math.sqrt(1 - RHO**2) * rng.normal(size=n)
    marginal = 0.5 * x**2 + 0.5 * math.log(2 * math.pi)
    variance = 1 - RHO**2
    conditional = 0.5 * (x - RHO * h) ** 2 / variance + 0.5 * math.log(2 * math.pi * variance)
    return marginal, conditional


def test_the_gaussian_closed_form_within_its_own_error():
    marginal, conditional = gaussian_nats(20000, seed=0)
    found = information(marginal, conditional)
    assert abs(found.value - TRUTH) < 4 * found.stderr
    assert found.bound is Bound.NONE
    entropy = cross_entropy(marginal, Quantity.IMAGE_CROSS_ENTROPY)
    assert abs(entropy.value - ENTROPY) < 4 * entropy.stderr
    assert (entropy.bound, entropy.n, entropy.unit) == (Bound.UPPER, 20000, "nats")


def test_the_paired_error_covers_the_truth_as_often_as_it_says():
    found = [information(*gaussian_nats(300, seed)) for seed in range(2000)]
    inside = np.mean([abs(e.value - TRUTH) <= 1.96 * e.stderr for e in found])
    assert abs(inside - 0.95) < 0.02
    spread = np.std([e.value for e in found])
    assert np.mean([e.stderr for e in found]) == pytest.approx(spread, rel=0.05)


def test_the_paired_error_is_the_bootstraps_and_below_the_unpaired():
    marginal, conditional = gaussian_nats(500, seed=1)
    rng = np.random.default_rng(0)
    difficulty = rng.normal(0, 20, 500)  # shared by both decoders: it must cancel
    marginal, conditional = marginal + difficulty, conditional + difficulty
    rows = rng.integers(0, 500, (4000, 500))
    bootstrap = (marginal - conditional)[rows].mean(1).std()
    found = information(marginal, conditional)
    assert found.stderr == pytest.approx(bootstrap, rel=0.05)
    unpaired = math.hypot(marginal.std(), conditional.std()) / math.sqrt(500)
    assert found.stderr < 0.1 * unpaired


def test_a_known_entropy_makes_it_a_lower_bound():
    _, conditional = gaussian_nats(20000, seed=2)
    worse = conditional + 0.1  # a decoder with a divergence of 0.1 nats
    found = information(None, worse, known_entropy_nats=ENTROPY)
    assert found.bound is Bound.LOWER
    assert abs(found.value - (TRUTH - 0.1)) < 4 * found.stderr
    assert information(None, conditional, known_entropy_nats=ENTROPY).stderr == pytest.approx(
        cross_entropy(conditional, Quantity.CONDITIONAL_IMAGE_CROSS_ENTROPY).stderr
    )


def test_equal_decoders_give_exactly_nothing():
    marginal, _ = gaussian_nats(100, seed=3)
    found = information(marginal, marginal)
    assert (found.value, found.stderr, found.warnings) == (0.0, 0.0, ())


def test_a_negative_value_is_kept_and_warned_of():
    marginal, _ = gaussian_nats(100, seed=3)
    found = information(marginal, marginal + 1.0)
    assert found.value == pytest.approx(-1.0)
    assert "fitted worse" in found.warnings[0]


@pytest.mark.parametrize(
    ("marginal", "conditional", "message"),
    [
        (np.zeros(3), np.zeros(4), "marginal decoder holds 3 images where 4 are expected"),
        (np.zeros(4), np.array([0.0, np.inf, np.nan, 1.0]), "not finite for 2 of 4 images"),
        (np.zeros((4, 2)), np.zeros(4), r"shape \(4, 2\)"),
        (np.zeros(1), np.zeros(1), "two images or more"),
        (None, np.zeros(4), "marginal decoder"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(marginal, conditional, message):
    with pytest.raises(UserError, match=message):
        information(marginal, conditional)


def test_few_images_that_carry_the_variance_are_warned_of():
    marginal, conditional = gaussian_nats(100, seed=3)
    assert information(marginal, conditional).warnings == ()
    conditional = conditional.copy()
    conditional[0] -= 1000.0
    assert "Few of the 100 images" in information(marginal, conditional).warnings[0]
