"""Verdicts over networks: rare where nothing happens, there where something does, and never more than was shown."""

import itertools

import numpy as np
import pytest
from scipy import stats

from ib_analysis.errors import UserError
from ib_analysis.information.inference.network_stages import (
    ALPHA,
    Curves,
    curves,
    flat_draws,
    network_stages,
    voted_gains,
)

IMAGES = 40


def drawn(rng, truth, networks, fits, *, of_networks=0.0, of_fits=0.0, of_images=0.0):
    """Curves of networks that scatter about the truth (epochs,), each fitted several times."""
    truth = np.asarray(truth, dtype=float)
    each = [
        truth[:, None]
        + rng.normal(0.0, 1.0, (1, len(truth), 1)) * of_networks
        + rng.normal(0.0, 1.0, (fits, len(truth), 1)) * of_fits
        + rng.normal(0.0, 1.0, (1, len(truth), IMAGES)) * of_images
        for _ in range(networks)
    ]
    return Curves(tuple(range(len(truth))), tuple(each))


def one(curve):
    return network_stages({"tap": curve})["tap"]


def test_voted_gains_are_the_literal_loop():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(5, 4))
    for end in (0, 3):
        expected = []
        for n in range(5):
            others = np.delete(values, n, axis=0).mean(axis=0)
            expected.append(values[n, np.argmax(others)] - values[n, end])
        np.testing.assert_allclose(voted_gains(values, end), expected)


@pytest.mark.parametrize(("networks", "epochs"), [(2, 3), (3, 4), (5, 4), (10, 8)])
def test_networks_without_a_gain_are_called_so_as_often_as_is_promised(networks, epochs):
    rng = np.random.default_rng(1)
    values = rng.normal(size=(4000, networks, epochs))
    gains = voted_gains(values, epochs - 1)
    deviation = gains.std(axis=1, ddof=1)
    t = gains.mean(axis=1)[deviation > 0] / deviation[deviation > 0] * np.sqrt(networks)
    critical = np.quantile(flat_draws(networks, epochs, epochs - 1), 1 - ALPHA)
    assert np.count_nonzero(t > critical) / len(values) < 0.034


def test_student_t_alone_would_promise_too_much():
    """What `flat_draws` is for: each network votes on the peaks of the others."""
    t = flat_draws(10, 8, 7)
    assert np.mean(t > stats.t.ppf(1 - ALPHA, 9)) > 0.045


def test_the_p_value_knows_of_the_votes():
    """A gain of ten networks at t = 2.3 is one of 2.5 % by Student's t, and no such thing."""
    rng = np.random.default_rng(13)
    found = [one(drawn(rng, np.full(8, 5.0), 10, 1, of_networks=1.0)).compression for _ in range(200)]
    near = [s for s in found if 1.5 < s.nats / max(s.stderr_nats, 1e-9) < 3.0]
    assert len(near) > 5
    for stage in near:
        assert stage.p_value > 1.3 * stats.t.sf(stage.nats / stage.stderr_nats, 9)


@pytest.mark.parametrize("truth", [[5.0, 4.0, 5.0], [4.0, 4.5, 5.0], [3.0, 5.0, 5.0]])
def test_curves_without_compression_are_rarely_called_compressed(truth):
    rng = np.random.default_rng(2)
    said = [
        one(drawn(rng, truth, 5, 2, of_networks=0.2, of_fits=0.1)).compression.verdict for _ in range(300)
    ]
    assert np.mean([s == "yes" for s in said]) < 0.05


def test_five_networks_that_compress_are_called_so():
    rng = np.random.default_rng(3)
    found = [one(drawn(rng, [3.0, 5.0, 4.0], 5, 2, of_networks=0.2, of_fits=0.1)) for _ in range(40)]
    assert np.mean([f.compression.verdict == "yes" for f in found]) > 0.9
    assert np.mean([f.compression.nats for f in found]) == pytest.approx(1.0, abs=0.05)
    assert {f.peak_epoch for f in found} == {1}


def test_the_value_is_not_flattered_by_the_choice_of_the_peak():
    rng = np.random.default_rng(4)
    flat = [one(drawn(rng, np.full(8, 5.0), 3, 1, of_networks=1.0)).compression.nats for _ in range(300)]
    assert abs(np.mean(flat)) < 0.12
    chosen_and_measured_on_the_same = [
        drawn(rng, np.full(8, 5.0), 3, 1, of_networks=1.0).networks for _ in range(100)
    ]
    means = [
        np.mean([v.mean((0, 2)) for v in networks], axis=0) for networks in chosen_and_measured_on_the_same
    ]
    assert np.mean([m.max() - m[-1] for m in means]) > 0.5


def rotations(rng, fits, seeds_differ=0.5, images=0.3):
    """Five rotations of one h: the same information, read by fits that differ, over images that hardly do."""
    return [
        2.7 + rng.normal(0.0, seeds_differ, (fits, 1)) + rng.normal(0.0, images, (1, IMAGES))
        for _ in range(5)
    ]


def test_rotations_of_one_h_taken_for_epochs_are_compression_in_at_most_five_per_cent():
    """The errors over images are a tenth of the spread of fits, as on CIFAR-10 at 8x8: those alone would say "yes"."""
    rng, said, by_images = np.random.default_rng(5), [], []
    for _ in range(25):
        values = rotations(rng, fits=2)
        for order in itertools.permutations(range(5), 3):
            taken = np.stack([values[k] for k in order], axis=1)
            said.append(one(curves(range(3), [taken])).compression.verdict == "yes")
            by_images.append(surely_falls(taken[0]))
    assert np.mean(said) <= 0.05
    assert np.mean(by_images) > 0.5


def surely_falls(information):
    """Whether some epoch of one fit, (epochs, images), lies above the last by the error over images alone."""
    gains = information[:-1] - information[-1]
    return (gains.mean(axis=1) > 2.3 * gains.std(axis=1, ddof=1) / np.sqrt(IMAGES)).any()


def test_one_network_says_these_fits_and_one_fit_says_nothing():
    rng = np.random.default_rng(6)
    twice = one(drawn(rng, [3.0, 5.0, 1.0], 1, 2, of_fits=0.01, of_images=0.1)).compression
    assert twice.verdict == "yes"
    assert twice.scope == "this network, these fits"
    once = one(drawn(rng, [3.0, 5.0, 1.0], 1, 1, of_images=0.1)).compression
    assert once.spread_nats is None
    assert once.verdict == "undecided"
    assert one(drawn(rng, [3.0, 5.0, 1.0], 3, 1, of_networks=0.1)).compression.scope == "3 networks"


def test_a_gain_below_the_spread_of_fits_is_not_a_yes_however_sure_over_networks():
    rng = np.random.default_rng(7)
    truth = [5.0, 5.5, 5.0]
    noisy = drawn(rng, truth, 4, 2)
    # The fits of every network lie 2 apart, but their means are exact: networks agree, fits do not.
    apart = Curves(
        noisy.epochs,
        tuple(
            v + np.array([-1.0, 1.0])[:, None, None] * np.array([0.0, 1.0, 0.0])[:, None]
            for v in noisy.networks
        ),
    )
    found = one(apart).compression
    assert found.p_holm <= ALPHA
    assert found.spread_nats > found.nats
    assert found.verdict == "undecided"
    assert one(noisy).compression.verdict == "yes"


def test_a_gain_below_one_per_cent_of_the_peak_is_no_gain():
    rng = np.random.default_rng(8)
    found = one(drawn(rng, [100.0, 100.5, 100.0], 5, 2, of_networks=0.01)).compression
    assert found.p_value < 0.001
    assert found.verdict == "no"


def test_too_few_networks_leave_it_undecided_rather_than_no():
    rng = np.random.default_rng(9)
    found = one(drawn(rng, [5.0, 5.5, 5.0], 2, 1, of_networks=1.0)).compression
    assert found.verdict == "undecided"


def test_all_tests_of_the_experiment_are_corrected_together():
    rng = np.random.default_rng(10)
    many = {tap: drawn(rng, [5.0, 5.2, 5.0], 4, 2, of_networks=0.2) for tap in range(12)}
    alone = [network_stages({tap: curve})[tap].compression for tap, curve in many.items()]
    together = network_stages(many)
    for tap, stage in enumerate(alone):
        assert together[tap].compression.p_value == stage.p_value
        assert together[tap].compression.p_holm >= stage.p_holm
    smallest = min(s.p_value for two in together.values() for s in (two.fitting, two.compression))
    held = min(s.p_holm for two in together.values() for s in (two.fitting, two.compression))
    assert held == pytest.approx(min(1.0, 24 * smallest))


def test_a_rising_curve_has_a_fitting_gain_and_a_compression_of_zero():
    rng = np.random.default_rng(11)
    found = one(drawn(rng, [1.0, 2.0, 4.0], 4, 2, of_networks=0.1))
    assert found.fitting.verdict == "yes"
    assert found.compression.nats == 0.0
    assert found.compression.verdict == "no"


def test_the_interval_of_the_gain_covers():
    rng, held = np.random.default_rng(12), []
    for _ in range(300):
        stage = one(drawn(rng, [3.0, 5.0, 4.0], 4, 2, of_networks=0.3, of_fits=0.2)).compression
        held.append(stage.low_nats <= 1.0 <= stage.high_nats)
    assert np.mean(held) > 0.93


@pytest.mark.parametrize(
    ("curve", "word"),
    [
        (Curves((0,), (np.zeros((1, 1, 4)),)), "at least two"),
        (Curves((1, 0), (np.zeros((1, 2, 4)),)), "increasing"),
        (Curves((0, 1), ()), "no network"),
        (Curves((0, 1), (np.zeros((1, 3, 4)),)), "do not belong"),
        (Curves((0, 1), (np.full((1, 2, 4), np.nan),)), "not finite"),
    ],
)
def test_mistakes_are_one_sentence(curve, word):
    with pytest.raises(UserError, match=word):
        one(curve)
