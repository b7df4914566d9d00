"""Verdicts follow from the table by their rules."""

import math

import pytest

from ib_analysis.studies.quantized import claims
from ib_analysis.studies.quantized.row import QuantizedRow, chosen_learning_rates

BITS = {"bf16": 16, "w8a8": 8, "w4a4": 4, "w2a2": 2}
SIZES = {("1-1", "2-4"): 100, ("1-1", "4-8"): 1600, ("1-1", "8-16"): 25_600}


def network(bits, size, seed, accuracy, learned=1.0, rate=0.4, **settings):
    work = SIZES[size]
    return QuantizedRow(
        images="digits", bits=bits, blocks=size[0], widths=size[1], seed=seed, learning_rate=rate, status="trained",
        multiplications=work, weights=work, compute_cost=work * BITS[bits] ** 2, memory_bits=work * BITS[bits],
        training_accuracy=learned, validation_accuracy=accuracy, accuracy=accuracy, **settings,
    )  # fmt: skip


def layer(bits, size, seed, entropy, alone):
    return QuantizedRow(
        images="digits", bits=bits, blocks=size[0], widths=size[1], seed=seed, learning_rate=0.4, status="trained",
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


def above(bits, other, price="compute cost"):
    return f"the {bits} front lies above the {other} front at equal {price}"


def each(price="compute cost"):
    return f"for each bf16 network there is a quantized one with lower {price} and higher accuracy"


def no_loss(bits):
    return f"the same network is no less accurate at {bits} than at bf16"


def regularizes(bits):
    return f"{bits} regularizes: the generalization gap is smaller than at bf16 and accuracy no lower"


def test_a_network_at_the_same_accuracy_and_a_sixteenth_of_the_cost_dominates():
    found = by_claim(table())
    four = found[above("w4a4", "bf16")]
    assert four.reproduced == "yes"
    assert four.our_value == pytest.approx(5.0, abs=0.3)
    assert found[above("w8a8", "bf16")].reproduced == "yes"
    assert found[above("w4a4", "w8a8")].reproduced == "yes"
    assert found[above("w4a4", "w2a2")].reproduced == "no"
    assert all(v.study == "quantized" and v.n_seeds == 3 for v in found.values() if v.our_value is not None)


def test_few_bits_that_are_worse_everywhere_do_not_dominate():
    found = by_claim(table({"w4a4": 0.3, "w2a2": 0.5}))
    assert found[above("w4a4", "bf16")].reproduced == "no"
    assert found[above("w4a4", "w2a2")].reproduced == "yes"


def test_a_front_at_equal_memory_is_not_that_at_equal_compute():
    """4 bits at a seventeenth of the compute and nine tenths of the memory buy a larger network by the first alone."""
    compute, memory = {"w4a4": 15, "bf16": 256}, {"w4a4": 14, "bf16": 16}
    rows = [
        row.model_copy(
            update={
                "compute_cost": compute[row.bits] * row.weights,
                "memory_bits": memory[row.bits] * row.weights,
            }
        )
        for row in table({"w4a4": 0.02})
        if not row.tap and row.bits in memory
    ]
    found = by_claim(rows)
    assert found[above("w4a4", "bf16")].reproduced == "yes"
    assert found[above("w4a4", "bf16", "memory of the weights")].reproduced == "no"
    assert found[each()].our_value == pytest.approx(200 / 3)
    assert found[each("memory of the weights")].our_value == 0


def dominating(cheaper_accuracy):
    """Three bf16 networks a seed; the same at 4 bits, of that accuracy by size and seed."""
    return [
        row
        for i, size in enumerate(SIZES)
        for seed in (0, 1, 2)
        for row in (
            network("bf16", size, seed, 0.8 + 0.05 * i),
            network("w4a4", size, seed, cheaper_accuracy(i, seed)),
        )
    ]


@pytest.mark.parametrize(
    ("cheaper", "answer", "share"),
    [
        (lambda i, seed: 0.81 + 0.05 * i, "yes", 100),
        (lambda i, seed: 0.8 + 0.05 * i, "no", 0),  # equal is not higher
        (lambda i, seed: 0.81 + 0.05 * i - 0.02 * (i == 0) * (seed == 0), "unclear", 800 / 9),
        (lambda i, seed: 0.5, "no", 0),
    ],
)
def test_each_needs_every_network_of_nearly_every_seed(cheaper, answer, share):
    rows = dominating(cheaper)
    # The next size at 4 bits costs as much as this one at bf16, which is not lower.
    found = by_claim(rows)[each()]
    assert (found.reproduced, found.our_value) == (answer, pytest.approx(share))


def test_a_network_is_dominated_by_any_of_the_bit_widths():
    """At every size only one of 8 and 4 bits is more accurate than bf16."""
    rows = dominating(lambda i, seed: 0.5)
    rows += [
        network("w8a8", size, seed, 0.82 + 0.05 * i) for i, size in enumerate(SIZES) for seed in range(3)
    ]
    found = by_claim(rows)[each()]
    assert (found.reproduced, found.our_value) == ("yes", 100)
    assert "at w4a4, w8a8 that validation images prefer" in found.why


def test_a_loss_that_cannot_be_told_from_none_is_none_and_a_sure_one_is_a_loss():
    assert by_claim(table({"w8a8": 0.0002}))[no_loss("w8a8")].reproduced == "yes"
    assert by_claim(table({"w8a8": 0.05}))[no_loss("w8a8")].reproduced == "no"


def compared(losses):
    """One size a seed, at bf16 and at 4 bits, which lose that."""
    rows = [
        network("w4a4" if few else "bf16", ("1-1", "2-4"), seed, 0.9 - few * loss)
        for seed, loss in enumerate(losses)
        for few in (False, True)
    ]
    return by_claim(rows)[no_loss("w4a4")]


@pytest.mark.parametrize(
    ("losses", "answer"),
    [
        ((0.008, 0.012, 0.016), "no"),  # -1.2 (-2.2 to -0.2): surely some, whether a point is not known
        ((0.004, 0.005, 0.006), "no"),  # -0.5 (-0.7 to -0.3): less than a point, and surely some
        ((0.002, -0.001, 0.001), "yes"),  # -0.07 (-0.4 to 0.3)
        ((0.02, -0.005, 0.012), "unclear"),  # -0.9 (-4.1 to 2.3)
    ],
)
def test_nothing_is_lost_only_where_the_interval_holds_0_and_no_point_below(losses, answer):
    assert compared(losses).reproduced == answer


def tuned(best, worse):
    """Two sizes at bf16 and 4 bits, which lose that, at three rates; `best` says which suits each best."""
    return [
        network(bits, size, seed, 0.8 + 0.05 * i + 0.001 * seed - worse * few - 0.1 * (rate != best[bits]), rate=rate)
        for few, bits in enumerate(("bf16", "w4a4"))
        for i, size in enumerate(list(SIZES)[:2])
        for seed in range(3)
        for rate in (0.8, 0.4, 0.2)
    ]  # fmt: skip


def test_each_bit_width_is_judged_at_the_rate_that_its_validation_images_prefer():
    """At one rate for both, one of them would lose 10 points."""
    rows = tuned({"bf16": 0.4, "w4a4": 0.2}, worse=0.0)
    assert chosen_learning_rates(rows) == {"bf16": 0.4, "w4a4": 0.2}
    found = claims.no_loss(rows, "w4a4", "")
    assert found.our_value == pytest.approx(0.0)
    assert "learning rates bf16 0.4, w4a4 0.2" in found.why
    assert found.n_seeds == 3


@pytest.mark.parametrize(
    ("best", "worse", "lossless", "above_bf16", "said"),
    [
        ({"bf16": 0.4, "w4a4": 0.4}, 0.0, "yes", "yes", None),
        (
            {"bf16": 0.2, "w4a4": 0.4},
            0.0,
            "unclear",
            "unclear",
            "0.2 of bf16",
        ),  # bf16 may do better below 0.2
        ({"bf16": 0.4, "w4a4": 0.2}, 0.0, "yes", "yes", None),  # 4 bits may do better still
        ({"bf16": 0.4, "w4a4": 0.8}, 0.2, "unclear", "unclear", "0.8 of w4a4"),
        ({"bf16": 0.2, "w4a4": 0.4}, 0.2, "no", "no", None),
    ],
)
def test_a_rate_at_the_end_of_the_tried_ones_leaves_open_what_it_may_overturn(
    best, worse, lossless, above_bf16, said
):
    rows = tuned(best, worse)
    one, two = claims.no_loss(rows, "w4a4", ""), claims.above(rows, ["w4a4"], "bf16", "", "compute_cost")
    assert (one.reproduced, two.reproduced) == (lossless, above_bf16)
    for verdict in (one, two):
        assert "not the end of the tried rates" in verdict.why
        assert (f"; here {said} is such an end" in verdict.why) if said else ("; here" not in verdict.why)


def test_networks_at_other_rates_change_no_value_of_any_claim():
    """The same at two worse rates beside the best, which is none of the ends: every claim is as without them."""
    rows = table({"w4a4": 0.002})
    worse = [
        row.model_copy(
            update={
                "learning_rate": rate,
                "accuracy": row.accuracy and row.accuracy / 2,
                "validation_accuracy": row.validation_accuracy and row.validation_accuracy / 2,
                "training_accuracy": row.training_accuracy and 0.5,
                "entropy_bits": row.entropy_bits and 0.1,
                "units_entropy_bits": row.units_entropy_bits and 0.1,
            }
        )
        for row in rows
        for rate in (0.8, 0.2)
    ]
    for tried in ([*worse, *rows], [*rows, *worse]):
        for one, two in zip(claims.verdicts(rows), claims.verdicts(tried), strict=True):
            assert (one.claim, one.our_value, one.reproduced) == (two.claim, two.our_value, two.reproduced)


@pytest.mark.parametrize(("rates", "answer"), [((0.4, 0.4), "no"), ((0.4, 0.8), "unclear")])
def test_what_a_better_rate_may_overturn_is_open_for_each_network_and_for_the_gap_too(rates, answer):
    """4 bits lose 20 points. Were their best rate an end, they might not beyond it."""
    rows = [
        row.model_copy(update={"training_accuracy": 0.9})
        for row in tuned(dict(zip(("bf16", "w4a4"), rates)), worse=0.2)
    ]
    dominated = claims.each_is_dominated(rows, "compute_cost")
    assert dominated.reproduced == claims.regularizes(rows, "w4a4").reproduced == answer


def with_a_mixture(gain):
    """4-bit networks of which one part has 8 bits: a quarter more compute and memory, and better by so much."""
    rows = [row for row in table() if not row.tap]
    return rows + [
        row.model_copy(
            update={
                "bits": "w4a4-h1-w8a8",
                "compute_cost": int(1.25 * row.compute_cost),
                "memory_bits": int(1.25 * row.memory_bits),
                "accuracy": row.accuracy + gain,
                "validation_accuracy": row.accuracy + gain,
            }
        )
        for row in rows
        if row.bits == "w4a4"
    ]


@pytest.mark.parametrize(("gain", "answer"), [(0.03, "yes"), (-0.03, "unclear")])
def test_mixtures_join_the_front_of_4_bits(gain, answer):
    """A worse mixture never enters the front, which is then that of 4 bits alone."""
    found = by_claim(with_a_mixture(gain))
    joined = found[above("w4a4 or w4a4-h1-w8a8", "w4a4")]
    assert joined.reproduced == answer
    assert joined.our_value == pytest.approx(max(gain, 0) * 100, abs=0.9)
    assert found[above("w4a4 or w4a4-h1-w8a8", "w8a8")].our_value >= found[above("w4a4", "w8a8")].our_value
    assert above("w4a4 or w4a4-h1-w8a8", "w4a4", "memory of the weights") in found


def test_without_mixtures_nothing_is_said_of_them():
    assert not any("w4a4 or" in claim for claim in by_claim(table()))


def test_one_rate_alone_is_no_end():
    assert "tried rates" not in compared((0.002, -0.001, 0.001)).why


def test_the_share_that_is_matched_is_by_networks_that_validation_chose():
    size, other = ("1-1", "2-4"), ("1-1", "4-8")
    rows = [network("bf16", size, 0, 0.75), network("w4a4", size, 0, 0.7)]
    rows.append(
        network("w4a4", other, 0, 0.9).model_copy(update={"validation_accuracy": 0.6, "compute_cost": 2000})
    )
    assert claims.shares_dominated(rows, ["w4a4"], "bf16", "compute_cost") == [0.0]


def learning(learned):
    """Training accuracy by bits and size, and accuracies that differ by 2 points for 4 bits."""
    return [
        network(bits, size, seed, 0.8 + 0.05 * i + 0.001 * seed + 0.02 * (bits == "w4a4"), learned(bits, i))
        for bits in ("bf16", "w4a4")
        for i, size in enumerate(SIZES)
        for seed in range(3)
    ]


def test_the_gap_is_training_less_evaluation_accuracy():
    found = by_claim(learning(lambda bits, i: 0.97))[regularizes("w4a4")]
    assert (found.reproduced, found.our_value) == ("yes", pytest.approx(-2.0))
    wider = by_claim(learning(lambda bits, i: 0.99 if bits == "w4a4" else 0.95))[regularizes("w4a4")]
    assert (wider.reproduced, wider.our_value) == ("no", pytest.approx(2.0))


def test_a_gap_of_networks_that_learn_everything_is_not_judged():
    """Of both networks: one that learns everything has no gap that could shrink."""
    everything = by_claim(learning(lambda bits, i: 1.0))[regularizes("w4a4")]
    assert (everything.reproduced, everything.our_value) == ("unclear", None)
    one_of_two = by_claim(learning(lambda bits, i: 1.0 if bits == "bf16" else 0.9))[regularizes("w4a4")]
    assert (one_of_two.reproduced, one_of_two.our_value) == ("unclear", None)
    smallest = by_claim(learning(lambda bits, i: 0.97 if i == 0 else 1.0))[regularizes("w4a4")]
    assert (smallest.reproduced, smallest.our_value) == ("yes", pytest.approx(-2.0))
    assert "3 of 9 pairs" in smallest.why


def test_learning_less_is_no_regularization():
    """The gap shrinks by 5 points because training accuracy falls by 8 and accuracy by 3."""
    rows = [
        network(bits, size, seed, 0.8 - 0.03 * few + 0.001 * seed, 0.95 - 0.08 * few)
        for few, bits in enumerate(("bf16", "w4a4"))
        for size in SIZES
        for seed in range(3)
    ]
    found = by_claim(rows)[regularizes("w4a4")]
    assert (found.reproduced, found.our_value) == ("no", pytest.approx(-5.0))


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


@pytest.mark.parametrize(("lost", "expected"), [("w4a4", "unclear"), ("bf16", "yes")])
def test_few_bits_at_which_networks_diverged_lose_nothing_only_by_those_that_are_left(lost, expected):
    rows = [
        row.model_copy(update={"status": "diverged", "accuracy": None, "validation_accuracy": None})
        if (row.bits, row.widths, row.tap) == (lost, "8-16", "")
        else row
        for row in table()
    ]
    found = by_claim(rows)[no_loss("w4a4")]
    assert found.reproduced == expected
    assert ("here 3 of w4a4 did" in found.why) == (lost == "w4a4")


def test_diverged_networks_are_left_out_and_missing_bits_are_unclear():
    rows = [
        row.model_copy(update={"status": "diverged", "accuracy": None, "validation_accuracy": None})
        if row.bits == "w2a2"
        else row
        for row in table()
        if not (row.bits == "w2a2" and row.tap)
    ]
    found = by_claim(rows)
    assert found[above("w4a4", "w2a2")].our_value is None
    assert found[above("w4a4", "bf16")].reproduced == "yes"


def test_a_front_is_compared_along_the_more_expensive_one():
    """4 bits against 2 is 2 against 4, turned round."""
    rows = table({"w2a2": 0.01})
    there, back = (
        claims.front_difference(rows, *pair, "compute_cost")
        for pair in ((["w4a4"], "w2a2"), (["w2a2"], "w4a4"))
    )
    assert there.mean == -back.mean
    assert math.isfinite(there.half_width)
