import math

import numpy as np
import pytest

from ib_analysis.errors import UserError
from ib_analysis.information.two_stages import Stage, two_stages

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


def test_a_flat_curve_shows_a_gain_no_oftener_than_chance_although_the_peak_is_a_maximum():
    flat = [10.0] * len(EPOCHS)
    found = [two_stages(*nats_along(flat, n=100, seed=seed), EPOCHS) for seed in range(600)]
    for stage in ("fitting", "compression"):
        share = np.mean([getattr(f, stage).verdict == "yes" for f in found])
        assert share < 0.05
        assert abs(np.mean([getattr(f, stage).nats for f in found])) < 0.05
    # The naive way, peak and gain on the same images, would have found one almost every time:
    naive = [
        max(np.mean(m - c) for c in cs) - np.mean(m - cs[-1])
        for m, cs in (nats_along(flat, 100, seed=s) for s in range(50))
    ]
    assert np.mean(naive) > 0.2


def test_the_error_covers_the_gain_of_a_clear_peak():
    found = [two_stages(*nats_along([10, 12, 20, 17, 16], n=100, seed=seed), EPOCHS) for seed in range(1000)]
    inside = np.mean([abs(f.compression.nats - 4) <= 1.96 * f.compression.stderr_nats for f in found])
    assert abs(inside - 0.95) < 0.025


def test_the_p_value_is_the_normal_tail():
    assert Stage(1.96, 1.0, "undecided").p_value == pytest.approx(0.025, abs=1e-4)
    assert Stage(0.0, 0.0, "no").p_value == 1.0


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
