"""Verdicts follow from the table by their rules."""

import math

import pytest

from ib_analysis.studies.quantized import claims
from ib_analysis.studies.quantized.row import QuantizedRow

BITS = {"bf16": 16, "w8a8": 8, "w4a4": 4, "w2a2": 2}
SIZES = {("1-1", "2-4"): 100, ("1-1", "4-8"): 1600, ("1-1", "8-16"): 25_600}


def network(bits, size, seed, accuracy, learned=1.0, **settings):
    work = SIZES[size]
    return QuantizedRow(
        images="digits", bits=bits, blocks=size[0], widths=size[1], seed=seed, status="trained", multiplications=work,
        weights=work, compute_cost=work * BITS[bits] ** 2, memory_bits=work * BITS[bits],
        training_accuracy=learned, validation_accuracy=accuracy, accuracy=accuracy, **settings,
    )  # fmt: skip


def layer(bits, size, seed, entropy, alone):
    return QuantizedRow(
        images="digits", bits=bits, blocks=size[0], widths=size[1], seed=seed, status="trained",
        tap="pooled_quantized", entropy_bits=entropy, ceiling_bits=10.0, alone=alone, units=4,
        units_entropy_bits=4.0 * BITS[bits],
    )  # fmt: skip


def table(worse=None, seeds=(0, 1, 2)):
    """Accuracy grows with size; `worse`, by bits, is taken off; seeds differ a little."""
    worse, rows = worse or {}, []
    for bits in BITS:
        for i, size in enumerate(SIZES):
            for seed in seeds:
                noise = 0.001 * ((7 * seed + 3 * i + BITS[bits]) % 3 - 1)
                rows.append(network(bits, size, seed, 0.8 + 0.05 * i + noise - worse.get(bits, 0.0)))
                rows.append(
                    layer(bits, size, seed, min(10.0, BITS[bits] + noise), 0.0 if BITS[bits] < 8 else 0.9)
                )
    return rows


def by_claim(rows):
    return {verdict.claim.split(" (")[0]: verdict for verdict in claims.verdicts(rows)}


def test_a_network_at_the_same_accuracy_and_a_sixteenth_of_the_cost_dominates():
    found = by_claim(table())
    four = found["the w4a4 front lies above the bf16 front at equal compute cost"]
    assert four.reproduced == "yes"
    assert four.our_value == pytest.approx(5.0, abs=0.3)
    assert found["the w8a8 front lies above the bf16 front at equal compute cost"].reproduced == "yes"
    assert found["the w4a4 front lies above the w8a8 front at equal compute cost"].reproduced == "yes"
    assert found["the w4a4 front lies above the w2a2 front at equal compute cost"].reproduced == "no"
    assert all(v.study == "quantized" and v.n_seeds == 3 for v in found.values())


def test_few_bits_that_are_worse_everywhere_do_not_dominate():
    found = by_claim(table({"w4a4": 0.3, "w2a2": 0.5}))
    assert found["the w4a4 front lies above the bf16 front at equal compute cost"].reproduced == "no"
    assert found["the w4a4 front lies above the w2a2 front at equal compute cost"].reproduced == "yes"


def test_a_loss_below_one_point_is_none_and_a_sure_larger_one_is_a_loss():
    claim = "the same network is no less accurate at w8a8 than at bf16"
    assert by_claim(table({"w8a8": 0.002}))[claim].reproduced == "yes"
    assert by_claim(table({"w8a8": 0.05}))[claim].reproduced == "no"
    assert by_claim(table({"w8a8": 0.0095}))[claim].our_value == pytest.approx(-0.95, abs=0.2)


def test_a_loss_whose_interval_holds_one_point_is_unclear():
    """-1.2 points, surely below 0 and not surely below -1."""
    rows = [
        network("w4a4" if few else "bf16", ("1-1", "2-4"), seed, 0.9 - few * loss)
        for seed, loss in enumerate((0.008, 0.012, 0.016))
        for few in (False, True)
    ]
    found = by_claim(rows)["the same network is no less accurate at w4a4 than at bf16"]
    assert found.our_value == pytest.approx(-1.2)
    assert found.reproduced == "unclear"
    surer = [
        row.model_copy(update={"accuracy": row.accuracy - 0.02}) if row.bits == "w4a4" else row
        for row in rows
    ]
    assert by_claim(surer)["the same network is no less accurate at w4a4 than at bf16"].reproduced == "no"


def test_the_share_that_is_matched_is_by_networks_that_validation_chose():
    size, other = ("1-1", "2-4"), ("1-1", "4-8")
    rows = [network("bf16", size, 0, 0.8), network("w4a4", size, 0, 0.7)]
    rows.append(
        network("w4a4", other, 0, 0.9).model_copy(update={"validation_accuracy": 0.6, "compute_cost": 2000})
    )
    assert claims.mean_share(rows, "w4a4", "bf16") == 0.0


def test_the_gap_is_training_less_evaluation_accuracy():
    found = by_claim(table({"w2a2": 0.1}))["the generalization gap is smaller at w2a2 than at bf16"]
    assert found.our_value == pytest.approx(10.0, abs=0.2)
    assert found.reproduced == "no"
    better = by_claim(table({"w4a4": -0.02}))["the generalization gap is smaller at w4a4 than at bf16"]
    assert better.reproduced == "yes"
    assert "training accuracy differs by +0.0" in better.why


def test_entropy_is_judged_where_counting_tells():
    found = by_claim(table())
    assert found["the pooled layer holds less at w2a2 than at w4a4"].our_value == pytest.approx(-2, abs=0.01)
    assert found["the pooled layer holds less at w2a2 than at w4a4"].reproduced == "yes"
    saturated = [row.model_copy(update={"alone": 0.9}) if row.tap else row for row in table()]
    assert by_claim(saturated)["the pooled layer holds less at w2a2 than at w4a4"].reproduced == "unclear"
    assert by_claim(saturated)["the units of the pooled layer hold less at w2a2 than at w4a4"].our_value == -2


def test_one_seed_decides_nothing():
    for verdict in claims.verdicts(table(seeds=(0,))):
        assert verdict.reproduced == "unclear"
        assert verdict.stderr is None


def test_diverged_networks_are_left_out_and_missing_bits_are_unclear():
    rows = [
        row.model_copy(update={"status": "diverged", "accuracy": None, "validation_accuracy": None})
        if row.bits == "w2a2"
        else row
        for row in table()
        if not (row.bits == "w2a2" and row.tap)
    ]
    found = by_claim(rows)
    assert found["the w4a4 front lies above the w2a2 front at equal compute cost"].our_value is None
    assert found["the w4a4 front lies above the bf16 front at equal compute cost"].reproduced == "yes"


def test_a_front_is_compared_along_the_more_expensive_one():
    """4 bits against 2 is 2 against 4, turned round."""
    rows = table({"w2a2": 0.01})
    there, back = (claims.front_difference(rows, *pair) for pair in (("w4a4", "w2a2"), ("w2a2", "w4a4")))
    assert there.mean == -back.mean
    assert math.isfinite(there.half_width)
