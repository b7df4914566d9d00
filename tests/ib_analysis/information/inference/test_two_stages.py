import math

import numpy as np
import pytest
from scipy import stats

from ib_analysis.errors import UserError
from ib_analysis.information.inference.two_stages import two_stages

EPOCHS = [0, 1, 10, 100, 200]


def nats_along(curve, n=2000, noise=3.0, seed=0):
    """Per-image nats whose information follows `curve`, with difficulty shared and noise of its own."""
    rng = np.random.default_rng(seed)
    marginal = 100.0 + rng.normal(0, 15, n)
    conditional = [marginal - value - rng.normal(0, noise, n) for value in curve]
    return marginal, conditional


def test_both_stages_are_found_with_their_sizes():
    found = two_stages(*nats_along([10, 14, 20, 17, 16]), EPOCHS)
    assert (found.first_epoch, found.peak_epoch, found.last_epoch) == (0, 10, 200)
    assert found.peak_epochs == (10, 10)
    assert abs(found.fitting.nats - 10) < 4 * found.fitting.stderr_nats
    assert abs(found.compression.nats - 4) < 4 * found.compression.stderr_nats
    assert (found.fitting.verdict, found.compression.verdict) == ("yes", "yes")
    assert abs(found.peak_nats - 20) < 0.5


def test_where_both_halves_agree_the_value_and_error_are_those_of_all_images():
    marginal, conditional = nats_along([10, 14, 20, 17, 16])
    found = two_stages(marginal, conditional, EPOCHS)
    difference = conditional[-1] - conditional[2]
    assert found.compression.nats == pytest.approx(difference.mean())
    assert found.compression.stderr_nats == pytest.approx(difference.std(ddof=1) / math.sqrt(2000), rel=0.01)


def test_growth_to_the_end_is_fitting_without_compression():
    found = two_stages(*nats_along([5, 8, 11, 13, 15]), EPOCHS)
    assert (found.fitting.verdict, found.compression.verdict) == ("yes", "no")
    assert (found.compression.nats, found.compression.stderr_nats, found.compression.p_value) == (
        0.0,
        0.0,
        1.0,
    )
    assert (found.compression.low_nats, found.compression.high_nats) == (0.0, 0.0)


def test_a_fall_from_the_start_is_compression_without_fitting():
    found = two_stages(*nats_along([20, 18, 15, 12, 10]), EPOCHS)
    assert (found.fitting.verdict, found.compression.verdict) == ("no", "yes")
    assert found.fitting.nats == 0.0


def test_a_plateau_measured_sharply_is_no_compression():
    found = two_stages(*nats_along([10, 20, 20, 20, 20], n=20000, noise=1.0, seed=4), EPOCHS)
    assert found.compression.verdict == "no"


def test_a_plateau_measured_bluntly_is_undecided():
    verdicts = {
        two_stages(*nats_along([10, 20, 20, 20, 20], n=100, noise=8.0, seed=seed), EPOCHS).compression.verdict
        for seed in range(10)
    }
    assert "undecided" in verdicts


def loudness(quiet_end):
    """Deviations of the nats at five epochs: alike, or with a last epoch that hardly varies."""
    return np.array([3.0, 3.0, 3.0, 3.0, 0.03 if quiet_end else 3.0])


@pytest.mark.parametrize("quiet_end", [False, True])
def test_a_flat_curve_shows_a_gain_no_oftener_than_chance_although_the_peak_is_a_maximum(quiet_end):
    rng = np.random.default_rng(3)
    p_values, covered, naive, cross_fitted = [], [], [], []
    for seed in range(500):
        conditional = rng.normal(0, loudness(quiet_end)[:, np.newaxis], (5, 100))
        found = two_stages(np.full(100, 10.0), conditional, EPOCHS, seed=seed % 7).compression
        p_values.append(found.p_value)
        covered.append(found.low_nats == 0.0)
        naive.append(conditional[-1].mean() - conditional.mean(axis=1).min())
        cross_fitted.append(found.nats > 1.645 * found.stderr_nats)
    # Three binomial deviations of 500 replications are 0.029 at 5 % and 0.021 at 2.5 %.
    assert abs(np.mean(np.array(p_values) <= 0.05) - 0.05) < 0.029
    assert abs(np.mean(covered) - 0.975) < 0.021
    # What this replaces: peak and gain on the same images, and halves taken for independent.
    assert np.mean(naive) > 0.2
    assert np.mean(cross_fitted) > (0.07 if quiet_end else 0.05)


def test_the_cross_fitted_gain_of_a_flat_curve_is_nought_on_average():
    found = [two_stages(*nats_along([10.0] * 5, n=100, seed=seed), EPOCHS) for seed in range(300)]
    for gains in ([f.fitting.nats for f in found], [f.compression.nats for f in found]):
        assert abs(np.mean(gains)) < 0.05


def test_interval_and_error_cover_the_gain_of_a_clear_peak():
    found = [two_stages(*nats_along([10, 12, 20, 17, 16], n=100, seed=seed), EPOCHS) for seed in range(500)]
    inside = np.mean([abs(f.compression.nats - 4) <= 1.98 * f.compression.stderr_nats for f in found])
    assert abs(inside - 0.95) < 0.029
    assert np.mean([f.compression.low_nats <= 4 <= f.compression.high_nats for f in found]) > 0.95
    assert np.mean([f.compression.high_nats < 4 for f in found]) < 0.04


def test_yes_is_said_exactly_where_the_interval_leaves_nought():
    found = [two_stages(*nats_along([10, 10, 10.5, 10, 10], n=100, seed=seed), EPOCHS) for seed in range(100)]
    verdicts = [f.compression.verdict == "yes" for f in found]
    assert 10 < sum(verdicts) < 90
    assert verdicts == [f.compression.low_nats > 0.0 for f in found]


def test_a_single_comparison_is_the_paired_t_test():
    marginal, conditional = nats_along([10, 10.4], n=60, seed=5)
    found = two_stages(marginal, conditional, [0, 1])
    textbook = stats.ttest_rel(conditional[0], conditional[1], alternative="greater")
    assert found.fitting.p_value == pytest.approx(textbook.pvalue, abs=0.01)


def test_a_corrected_p_value_can_take_back_a_yes():
    stage = two_stages(*nats_along([10, 14, 20, 17, 16]), EPOCHS).compression
    assert (stage.verdict, stage.verdict_at(0.025), stage.verdict_at(0.026)) == ("yes", "yes", "undecided")


def test_equal_decoders_show_no_change_at_all():
    marginal, conditional = nats_along([10, 10])
    found = two_stages(marginal, [conditional[0], conditional[0]], [0, 1])
    assert (found.fitting.p_value, found.fitting.high_nats, found.fitting.verdict) == (1.0, 0.0, "no")


@pytest.mark.parametrize(
    ("epochs", "kept", "message"),
    [
        ([0], slice(0, 1), "at least two"),
        ([0, 5, 5, 7, 9], slice(0, 5), "increasing"),
        ([0, 1, 2], slice(0, 2), "3 epochs but nats of 2"),
    ],
)
def test_bad_epochs(epochs, kept, message):
    marginal, conditional = nats_along([1, 2, 3, 4, 5])
    with pytest.raises(UserError, match=message):
        two_stages(marginal, conditional[kept], epochs)


def test_bad_nats_name_the_epoch():
    marginal, conditional = nats_along([1, 2, 3, 4, 5])
    conditional[3] = conditional[3][:-1]
    with pytest.raises(UserError, match="epoch 100 holds 1999 images where 2000"):
        two_stages(marginal, conditional, EPOCHS)
    with pytest.raises(UserError, match="at least four"):
        two_stages(marginal[:3], [c[:3] for c in conditional[:2]], [0, 1])


def test_no_gain_is_said_exactly_where_the_test_of_equivalence_says_it():
    """Its p-value is at most 2.5 % exactly where the interval of the gain ends below the margin."""
    for seed in range(40):
        stage = two_stages(
            *nats_along([10, 19.9, 20, 20, 20], n=400, noise=1.0, seed=seed), EPOCHS
        ).compression
        test = stage.equivalence
        assert test.margin == pytest.approx(0.01 * 20, rel=0.02)
        assert (test.p_value <= 0.025) == (stage.high_nats <= test.margin)
        assert (test.verdict == "no change") == (test.p_value <= 0.025)


def test_a_gain_beyond_the_margin_is_a_change_and_one_that_is_not_known_well_undecided():
    sharp = two_stages(*nats_along([10, 14, 20, 17, 16]), EPOCHS).compression.equivalence
    assert (sharp.verdict, sharp.p_value) == ("change", pytest.approx(1.0))
    blurred = two_stages(*nats_along([10, 20, 20, 20, 20], n=50, noise=5.0), EPOCHS).compression.equivalence
    assert blurred.verdict == "undecided"
