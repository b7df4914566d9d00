"""Words and numbers of a point, of one network and of the mean over seeds."""

import math
from statistics import fmean, stdev

import pytest
from scipy import stats

from ib_analysis.information.measurement.estimate import Bound
from ib_analysis.point import Network
from ib_analysis.report.explorer.point_numbers import Address, ceilings, numbers

POINT = Network("net", "classifier", 0).at(10, "logits")


def at(found, seed=0):
    (one,) = [n for n in found if n.address == Address("net", "classifier", seed, 10, "logits")]
    return one


def test_a_point_in_words(rows, fits):
    words = at(numbers(rows, fits, {(POINT, "label"): ["half data"]})).words
    assert words == (
        "I(x;h) is 55.7 bits (95 % interval 54.0 to 57.3, over 599 images alone, of one fit); 47% of CE(x) = 118.4.",
        "I(y;h) is 1.84 bits (95 % interval 1.76 to 1.92, over 599 images alone, of one fit); 55% of H(y) = 3.32.",
        "†: the decoder of the image was still improving when its budget ended.",
        "‡: of the label, a control of this point fails: half data.",
    )


def test_warnings_and_truths_are_said(rows):
    changed = [
        row.model_copy(update={"warnings": "Too few images."})
        if (row.point, row.quantity) == (POINT, "I(x;h)") else row
        for row in rows
    ]  # fmt: skip
    (measured,) = [row for row in rows if (row.point, row.quantity) == (POINT, "I(x;h)")]
    truth = measured.model_copy(
        update={"bound": Bound.EXACT, "bits": 57.0, "nats": 57.0 * math.log(2), "interval": "exact"}
    )
    one = at(numbers([*changed, truth]))
    assert one.words[0].endswith("47% of CE(x) = 118.4. The truth is 57.0 bits.")
    assert one.words[-1] == "§ I(x;h): Too few images."
    assert one.exact == {"I(x;h)": 57.0}


def test_the_mean_over_seeds_has_the_interval_over_networks(rows):
    shifts = {1: 2.0, 2: 7.0}
    more = [
        row.model_copy(update={"seed": seed, "bits": row.bits + shift, "nats": (row.bits + shift) * math.log(2)})
        for seed, shift in shifts.items() for row in rows if row.tap
    ]  # fmt: skip
    found = numbers([*rows, *more])
    mean = at(found, None).measured["I(x;h)"]
    values = [55.67, 57.67, 62.67]
    reach = stats.t.ppf(0.975, 2) * stdev(values) / math.sqrt(3)
    assert mean.bits == pytest.approx(fmean(values))
    assert (mean.low, mean.high) == pytest.approx((mean.bits - reach, mean.bits + reach))
    assert "over 3 networks" in at(found, None).words[0]
    assert len([one for one in found if one.address.seed is None]) == 8


def test_one_seed_has_no_mean(rows):
    assert all(one.address.seed == 0 for one in numbers(rows))


def test_ceilings_are_those_of_the_data_set(rows):
    assert ceilings(rows) == {"H(y)": 3.3219, "CE(x)": 118.43}
