"""Intervals calibrated on known cases: covered by cases that did not calibrate, not flattered by those that did."""

import numpy as np
import pytest

from ib_analysis.errors import UserError
from ib_analysis.information.inference.calibrated_interval import (
    Calibration,
    Case,
    Measured,
    calibrate,
    inside,
    judged,
    unit,
)
from ib_analysis.units import nats


def cases(rng, count, *, weight=0.6, scatter=0.5, families=4, family_shift=0.0):
    """Truths between what decoders read of new images and what they memorised, off by `scatter` units."""
    found = []
    shifts = rng.normal(0.0, family_shift, families)
    for k in range(count):
        truth = nats(rng.uniform(0.0, 8.0))
        gap = rng.uniform(0.0, 0.5) * truth + nats(0.1)
        off = (rng.normal(0.0, scatter) + shifts[k % families]) * unit(truth)
        information = truth - weight * gap - off
        found.append(
            Case(
                f"{k}", f"{k % families}", Measured(information, information + gap, nats(0.02)), truth, truth
            )
        )
    return found


def coverage(made, apart):
    return np.mean([inside(c, i) for c, i in zip(made, judged(made, made, apart), strict=True)])


def test_the_weight_of_the_memorised_difference_is_found():
    assert calibrate(cases(np.random.default_rng(0), 60, scatter=0.1)).weight == pytest.approx(0.6, abs=0.1)


def test_new_cases_lie_inside_as_often_as_is_promised():
    rng, held = np.random.default_rng(1), []
    for _ in range(60):
        calibration = calibrate(cases(rng, 80))
        held += [inside(c, calibration.interval(c.measured)) for c in cases(rng, 20)]
    assert 0.93 < np.mean(held) < 0.985


def test_a_case_left_out_is_judged_by_the_others():
    """Three cases calibrate themselves inside, whatever they are; left out, the odd one is not."""
    rng = np.random.default_rng(2)
    made = cases(rng, 3, scatter=0.1)
    odd = Case("odd", "odd", Measured(nats(1.0), nats(1.0), 0.0), nats(7.0), nats(7.0))
    calibration = calibrate([*made, odd])
    assert inside(odd, calibration.interval(odd.measured))
    alone = dict(zip([*made, odd], judged([*made, odd], [*made, odd], lambda c: c.name), strict=True))
    assert not inside(odd, alone[odd])


def test_families_that_differ_are_covered_less_where_their_own_cases_do_not_calibrate_them():
    rng = np.random.default_rng(3)
    made = [cases(rng, 40, scatter=0.05, families=4, family_shift=1.0) for _ in range(4)]
    by_case = np.mean([coverage(m, lambda c: c.name) for m in made])
    by_family = np.mean([coverage(m, lambda c: c.family) for m in made])
    assert by_family < by_case - 0.1


def test_one_code_that_nothing_can_read_moves_no_weight_but_the_reach():
    rng = np.random.default_rng(4)
    made = cases(rng, 30, scatter=0.1)
    unreadable = Case("signs", "signs", Measured(nats(1.0), nats(1.2), 0.0), nats(7.0), nats(7.0))
    without, with_it = calibrate(made), calibrate([*made, unreadable])
    assert with_it.weight == pytest.approx(without.weight, abs=0.1)
    assert with_it.reach > 10 * without.reach
    assert with_it.bias > without.bias


def test_errors_over_images_and_fits_widen_the_interval():
    calibration = calibrate(cases(np.random.default_rng(5), 40))
    sure, unsure = (calibration.interval(Measured(nats(5.0), nats(6.0), s)) for s in (0.0, nats(1.0)))
    assert unsure.high - unsure.low > sure.high - sure.low + nats(1.0)


def test_a_truth_that_is_only_bounded_is_missed_beyond_its_bounds_alone():
    case = Case("same class", "pairs", Measured(nats(2.0), nats(2.0), 0.0), nats(1.5), nats(3.3))
    assert case.miss(0.0) == 0.0
    above = Case("same class", "pairs", Measured(nats(4.0), nats(4.0), 0.0), nats(1.5), nats(3.3))
    assert above.miss(0.0) == pytest.approx(nats(-0.7))


def test_three_cases_are_the_least():
    with pytest.raises(UserError, match="3 or more"):
        calibrate(cases(np.random.default_rng(0), 2))


def test_an_interval_holds_its_own_estimate_and_no_negative_information():
    calibration = Calibration(weight=0.0, bias=2.0, reach=0.5, cases=9, largest=nats(5.0))
    found = calibration.interval(Measured(nats(3.0), nats(3.0), nats(0.1)))
    assert found.low == pytest.approx(nats(3.0 - 0.196), abs=1e-3)
    assert found.high > nats(4.0)
    small = Calibration(0.0, 0.0, 3.0, 9, nats(5.0)).interval(Measured(nats(0.2), nats(0.2), nats(0.01)))
    assert small.low == 0.0


def test_few_cases_reach_farther_than_many():
    rng = np.random.default_rng(6)
    few = np.mean([calibrate(cases(rng, 4)).reach for _ in range(60)])
    many = np.mean([calibrate(cases(rng, 40)).reach for _ in range(20)])
    assert few > 1.3 * many
