"""Errors over fits against simulated fits whose law is known, and the average against what it estimates."""

import math

import numpy as np
import pytest
from scipy import stats

from ib_analysis.errors import UserError
from ib_analysis.information.inference.repeated_fits import (
    FitSpread,
    RepeatedEstimate,
    moderated,
    repeated_estimates,
    satterthwaite,
)


def covered(points, fits, deviations, repeats=400, spread=None):
    """Share of intervals from `fits` fits that hold the mean of endless fits, over points and repetitions."""
    rng = np.random.default_rng(0)
    held = []
    for _ in range(repeats):
        values = rng.normal(0.0, 1.0, size=(points, fits)) * deviations[:, None]
        spreads = moderated(values) if spread is None else [spread(v) for v in values]
        for v, s in zip(values, spreads, strict=True):
            held.append(abs(v.mean()) <= stats.t.ppf(0.975, s.degrees) * s.stderr(fits))
    return float(np.mean(held))


@pytest.mark.parametrize("fits", [2, 3])
def test_two_fits_a_point_cover_where_all_points_have_one_spread(fits):
    assert 0.93 < covered(24, fits, np.ones(24)) < 0.97


def test_two_fits_a_point_cover_where_spreads_differ_threefold():
    assert 0.92 < covered(24, 2, np.random.default_rng(1).uniform(0.5, 1.5, 24)) < 0.98


def test_the_normal_quantile_and_the_own_variance_of_two_fits_do_not_cover():
    """What moderation is for: this is the interval that one would write down without it."""
    own = covered(24, 2, np.ones(24), spread=lambda v: FitSpread(v.var(ddof=1), math.inf))
    assert own < 0.75


def test_moderated_intervals_are_far_shorter_than_those_of_each_point_alone():
    values = np.random.default_rng(3).normal(size=(24, 2))
    width = np.mean([stats.t.ppf(0.975, s.degrees) * s.stderr(2) for s in moderated(values)])
    alone = np.mean([stats.t.ppf(0.975, 1) * v.std(ddof=1) / math.sqrt(2) for v in values])
    assert width < 0.4 * alone


def test_a_point_whose_fits_differ_tenfold_keeps_a_larger_spread():
    values = [*np.random.default_rng(5).normal(size=(20, 4)), np.array([-10.0, 10.0, -12.0, 11.0])]
    found = moderated(values)
    assert found[-1].variance > 20 * np.median([s.variance for s in found[:-1]])


def test_a_point_with_one_fit_gets_the_common_spread_and_one_fit_everywhere_none():
    found = moderated([[0.0, 2.0], [1.0, 3.0], [5.0]])
    assert found[2].variance == pytest.approx(2.0)
    assert found[2].degrees == 2.0
    assert moderated([[0.0], [1.0]]) == [None, None]


def test_equal_fits_have_no_spread():
    assert [s.variance for s in moderated([[1.0, 1.0], [2.0, 2.0]])] == [0.0, 0.0]


def test_the_combined_error_is_that_of_repeated_experiments():
    """Images and fits are drawn anew each time; the estimates must scatter as their own error says, and cover."""
    rng = np.random.default_rng(7)
    n, points, fits, truth, of_fits, of_images = 150, 12, 2, 5.0, 0.4, 4.0
    centre = repeated(rng, 20_000, 1, 200, truth, of_fits, of_images)[0].nats  # what the average tends to
    values, errors, held = [], [], []
    for _ in range(150):
        for estimate in repeated(rng, n, points, fits, truth, of_fits, of_images):
            values.append(estimate.nats)
            errors.append(estimate.stderr_nats)
            held.append(abs(estimate.nats - centre) <= estimate.half_width())
    # The average of two gains less from its members' differences than that of many: a constant, known to first order.
    shift = np.mean(values) - centre
    assert abs(shift) < 0.15
    assert np.std(values) == pytest.approx(np.sqrt(np.mean(np.square(errors))), rel=0.1)
    assert 0.91 < np.mean(held) < 0.985


def repeated(rng, n, points, fits, truth, of_fits, of_images):
    marginal = rng.normal(100.0, 10.0, n)
    averaged, members = [], []
    for _ in range(points):
        gain = rng.normal(truth, of_images, n)
        nats = marginal - gain + rng.normal(0.0, of_fits, (fits, 1)) + rng.normal(0.0, 0.3, (fits, n))
        members.append(nats)
        averaged.append(-np.logaddexp.reduce(-nats, axis=0) + np.log(fits))
    return repeated_estimates(marginal, averaged, members)


def test_one_fit_leaves_the_error_over_fits_unknown_not_zero():
    estimate = repeated_estimates([1.0, 2.0], [[0.0, 1.5]], [[[0.0, 1.5]]])[0]
    assert estimate.stderr_fits_nats is None
    assert estimate.stderr_nats == estimate.stderr_images_nats
    assert estimate.n_fits == 1


def test_the_value_is_that_of_the_averaged_density_not_the_mean_of_members():
    members = [np.array([0.0, 4.0]), np.array([4.0, 0.0])]
    averaged = -np.logaddexp(-members[0], -members[1]) + np.log(2.0)
    found = repeated_estimates([4.0, 4.0], [averaged], [members])[0]
    assert found.nats == pytest.approx(4.0 - averaged.mean())
    assert found.nats > 2.0 + 1.0


def test_degrees_of_a_sum_lie_between_those_of_its_parts():
    assert satterthwaite([(1.0, 1.0), (0.0, 100.0)]) == 1.0
    assert 1.0 < satterthwaite([(1.0, 1.0), (1.0, math.inf)]) < math.inf
    assert satterthwaite([(0.0, 1.0)]) == math.inf


def test_half_width_is_student_t_of_the_combined_degrees():
    found = RepeatedEstimate(5.0, 0.3, FitSpread(0.32, 4.0), n_images=10**6, n_fits=2)
    degrees = satterthwaite([(0.09, 10**6 - 1.0), (0.16, 4.0)])
    assert found.stderr_nats == pytest.approx(0.5)
    assert found.half_width() == pytest.approx(0.5 * stats.t.ppf(0.975, degrees))


def test_points_and_fits_that_do_not_belong_together_are_one_sentence():
    with pytest.raises(UserError, match="fits of every point"):
        repeated_estimates([1.0, 2.0], [[1.0, 2.0]], [])
    with pytest.raises(UserError, match="2 are expected"):
        repeated_estimates([1.0, 2.0], [[1.0, 2.0]], [[[1.0, 2.0, 3.0]]])
