import numpy as np
import pytest
from scipy import stats

from ib_analysis.errors import UserError
from ib_analysis.information.inference.confidence_interval import student_quantile
from ib_analysis.information.inference.simultaneous_bands import (
    max_t_draws,
    simultaneous_band,
)


def gaussian_rows(points, images, correlation=0.0, seed=0, mean=0.0):
    """Rows of unit variance with one correlation between any two."""
    rng = np.random.default_rng(seed)
    shared, own = rng.normal(size=images), rng.normal(size=(points, images))
    return mean + np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own


def literal_multiplier_bootstrap(rows, draws, seed):
    """max_k |sum_i g_i (r_ki - m_k)| / (s_k sqrt(n (n - 1))), image by image."""
    n = rows.shape[1]
    g = np.random.default_rng(seed).standard_normal((draws, n))
    centred = rows - rows.mean(axis=1, keepdims=True)
    scaled = centred / (rows.std(axis=1, ddof=1, keepdims=True) * np.sqrt(n - 1))
    return np.abs(g @ scaled.T).max(axis=1)


def test_one_point_gets_the_students_interval():
    band = simultaneous_band(gaussian_rows(1, 20))
    assert band.critical == pytest.approx(student_quantile(0.95, 20), rel=0.02)


def test_independent_points_get_the_quantile_of_sidak():
    band = simultaneous_band(gaussian_rows(6, 50_000))
    assert band.critical == pytest.approx(stats.norm.ppf((1 + 0.95 ** (1 / 6)) / 2), rel=0.01)


def test_equal_points_cost_nothing_and_bonferroni_is_never_reached():
    row = gaussian_rows(1, 400)
    one, five = simultaneous_band(row).critical, simultaneous_band(np.repeat(row, 5, axis=0)).critical
    assert five == pytest.approx(one, rel=0.03)
    for correlation in (0.0, 0.5, 0.95):
        critical = simultaneous_band(gaussian_rows(8, 400, correlation)).critical
        assert student_quantile(0.95, 400) < critical < student_quantile(1 - 0.05 / 8, 400) * 1.01


def test_it_is_the_literal_multiplier_bootstrap():
    rows = np.random.default_rng(1).exponential(size=(5, 300)).cumsum(axis=0)
    literal = np.quantile(literal_multiplier_bootstrap(rows, 20_000, seed=2), (0.5, 0.95))
    assert np.quantile(max_t_draws(rows), (0.5, 0.95)) == pytest.approx(literal, rel=0.02)


def test_the_band_is_symmetric_seeded_and_of_the_shape_of_the_curve():
    rows = gaussian_rows(3, 100, 0.3, mean=np.arange(3.0)[:, np.newaxis])
    band, again = simultaneous_band(rows, seed=5), simultaneous_band(rows, seed=5)
    assert band.critical == again.critical
    assert band.critical != simultaneous_band(rows, seed=6).critical
    assert band.low_nats.shape == band.high_nats.shape == band.nats.shape == (3,)
    assert (band.high_nats + band.low_nats) / 2 == pytest.approx(rows.mean(axis=1))
    assert band.high_nats - band.nats == pytest.approx(band.critical * rows.std(axis=1, ddof=1) / 10)


def test_a_point_without_variation_has_no_width_and_does_not_disturb_the_others():
    rows = gaussian_rows(2, 100)
    band = simultaneous_band([*rows, np.full(100, 7.0)])
    assert band.low_nats[2] == band.high_nats[2] == 7.0
    assert band.critical == simultaneous_band(rows).critical


@pytest.mark.parametrize(
    ("contributions", "message"),
    [
        ([1.0, 2.0], "points, images"),
        ([[1.0, 2.0], [1.0, np.nan]], "point 1 is not finite"),
        ([[1.0]], "two images"),
    ],
)
def test_bad_contributions_are_named(contributions, message):
    with pytest.raises(UserError, match=message):
        simultaneous_band(contributions)
