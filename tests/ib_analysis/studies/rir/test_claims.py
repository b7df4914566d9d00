"""Verdicts on tables whose answers are known."""

import pytest

from ib_analysis.studies.rir.claims import PAPER_ACCURACY, verdicts
from ib_analysis.studies.rir.row import RirRow, accuracies, chosen_learning_rates, reported

SEEDS = range(4)
NOISE = (0.002, -0.001, 0.0, -0.001)
LEVELS = {"plain": 0.80, "resnet": 0.84, "resnet_init": 0.87, "rir": 0.90}


def row(arm, seed, accuracy, rate=0.1, images="digits", **rest):
    values = {"validation_accuracy": accuracy, "parameters": 100, "multiply_adds": 1000, "status": "trained"}
    return RirRow(
        images=images, training_images=200, evaluation_images=359, arm=arm, seed=seed, learning_rate=rate,
        accuracy=accuracy, **(values | rest),
    )  # fmt: skip


def table(levels=LEVELS, losses=(0.3, 0.1), noise=NOISE, **rest):
    """Arms at those levels, each seed off by its noise; two blocks that lose (residual, transient)."""
    rows = []
    for i, (arm, level) in enumerate(levels.items()):
        for seed in SEEDS:
            whole = level + noise[(seed + i) % 4]
            rows.append(row(arm, seed, whole, **rest))
            rows += [
                row(arm, seed, whole - loss, block=block, stream=stream, validation_accuracy=None, **rest)
                for block in (1, 2)
                for stream, loss in zip(("residual", "transient"), losses)
            ]
    return rows


def answers(rows):
    return [verdict.reproduced for verdict in verdicts(rows)]


def test_the_paper_reproduced():
    found = verdicts(table())
    assert [v.reproduced for v in found] == ["yes"] * 6 + ["unclear"]
    assert [v.our_value for v in found] == pytest.approx([6.0, 10.0, 3.0, 1.0, 30.0, 10.0, 90.0])
    assert {v.n_seeds for v in found if v.stderr} == {4}


def test_the_paper_contradicted():
    levels = {"plain": 0.70, "resnet": 0.67, "resnet_init": 0.64, "rir": 0.60}
    assert answers(table(levels, losses=(-0.1, -0.2))) == ["no", "no", "no", "yes", "no", "no", "unclear"]


def tried(levels, rates):
    """Each arm at each of those rates; the one that `rates` names learns better than the others."""
    return [
        row(arm, seed, level + NOISE[(seed + i) % 4] - 0.1 * (rate != rates.get(arm, 0.1)), rate=rate)
        for i, (arm, level) in enumerate(levels.items())
        for seed in SEEDS
        for rate in (0.3, 0.1, 0.03)
    ]


@pytest.mark.parametrize(
    ("rates", "answers"),
    [
        ({}, ("yes", "yes")),
        ({"resnet": 0.3}, ("unclear", "yes")),
        ({"resnet": 0.03}, ("unclear", "yes")),
        ({"rir": 0.3}, ("yes", "yes")),  # a rate beyond could only make RiR's lead larger
    ],
)
def test_an_arm_whose_best_rate_ends_the_tried_ones_is_not_beaten(rates, answers):
    found = verdicts(tried(LEVELS, rates))[:2]
    assert tuple(verdict.reproduced for verdict in found) == answers
    assert ("of the ResNet is such an end" in found[0].why) == (answers[0] == "unclear")


def test_rir_at_the_end_of_the_tried_rates_is_not_beaten_either():
    levels = LEVELS | {"rir": 0.7}
    assert [v.reproduced for v in verdicts(tried(levels, {}))[:2]] == ["no", "no"]
    assert [v.reproduced for v in verdicts(tried(levels, {"rir": 0.3}))[:2]] == ["unclear", "unclear"]


@pytest.mark.parametrize(
    ("rates", "middle", "answer"),
    [
        ({}, 0.87, "yes"),
        ({"resnet": 0.3}, 0.87, "unclear"),
        ({"resnet_init": 0.03}, 0.87, "unclear"),
        ({"rir": 0.03}, 0.87, "yes"),  # a rate beyond could only raise the arm above
        ({}, 0.78, "no"),
        ({"resnet_init": 0.03}, 0.78, "unclear"),
    ],
)
def test_resnet_init_lies_between_only_where_no_rate_beyond_may_overturn_it(rates, middle, answer):
    found = verdicts(tried(LEVELS | {"resnet_init": middle}, rates))[2]
    assert (found.reproduced, "is such an end" in found.why) == (answer, answer == "unclear")


@pytest.mark.parametrize(("lost", "answers"), [("rir", ("unclear", "unclear")), ("resnet", ("yes", "yes"))])
def test_an_arm_that_lost_a_network_is_not_better_by_those_that_are_left(lost, answers):
    rows = [
        r.model_copy(update={"status": "diverged", "accuracy": None, "validation_accuracy": None})
        if (r.arm, r.seed) == (lost, 1)
        else r
        for r in table()
    ]
    found = verdicts(rows)[:2]
    assert tuple(v.reproduced for v in found) == answers
    assert ("here 1 of the RiR diverged" in found[0].why) == (lost == "rir")


def test_the_count_of_operations_is_a_check_of_the_implementation():
    assert [v.kind for v in verdicts(table())] == ["claim"] * 3 + ["implementation"] + ["claim"] * 3


def test_differences_within_the_spread_are_unclear():
    noisy = table(dict.fromkeys(LEVELS, 0.9), losses=(0.0, 0.0), noise=(0.03, -0.02, 0.01, -0.02))
    found = verdicts(noisy)
    assert [v.reproduced for v in found] == ["unclear"] * 3 + [
        "yes",
        "no",
        "no",
        "unclear",
    ]  # no stream is read
    assert "point is detectable with about" in found[0].why


def test_differences_are_paired_by_seed():
    """A spread over seeds that all arms share does not hide a difference."""
    rows = []
    for arm, level in LEVELS.items():
        rows += [row(arm, seed, level - 0.04 * seed) for seed in SEEDS]
    assert answers(rows)[0] == "yes"
    assert verdicts(rows)[0].stderr == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(("loss", "answer"), [(0.0, "no"), (0.004, "no"), (0.006, "unclear"), (0.03, "yes")])
def test_a_stream_is_not_used_if_most_blocks_surely_lose_less_than_half_a_point(loss, answer):
    """Losses of single seeds differ by a point, or not at all below half a point."""
    spread = (0.004, -0.004, 0.004, -0.004)
    rows = [
        r.model_copy(update={"accuracy": r.accuracy + 0.1 - loss - spread[r.seed] * (loss > 0.005)})
        if r.stream == "transient"
        else r
        for r in table()
    ]
    assert verdicts(rows)[5].reproduced == answer


def test_one_block_does_not_answer_for_all():
    rows = [
        r.model_copy(update={"accuracy": r.accuracy + 0.1}) if (r.block, r.stream) == (2, "transient") else r
        for r in table()
    ]
    residual, transient = verdicts(rows)[4:6]
    assert (residual.reproduced, transient.reproduced) == ("yes", "unclear")
    assert transient.our_value == pytest.approx(5.0)
    assert "at 1 of 2 blocks" in transient.why


def test_one_seed_decides_nothing():
    rows = [r for r in table() if r.seed == 0]
    assert answers(rows) == ["unclear"] * 3 + ["yes"] + ["unclear"] * 3
    assert all(v.stderr is None for v in verdicts(rows))


def test_more_work_or_more_parameters_is_overhead():
    heavier = [r.model_copy(update={"multiply_adds": 1001}) if r.arm == "rir" else r for r in table()]
    larger = [r.model_copy(update={"parameters": 101}) if r.arm == "rir" else r for r in table()]
    assert answers(heavier)[3] == answers(larger)[3] == "no"


@pytest.mark.parametrize(("level", "answer"), [(0.9499, "yes"), (0.96, "yes"), (0.92, "no")])
def test_the_headline_is_asked_of_cifar10_alone(level, answer):
    levels = LEVELS | {"rir": level}
    assert answers(table(levels, images="cifar10"))[6] == answer
    assert answers(table(levels))[6] == "unclear"
    assert PAPER_ACCURACY == 94.99


def headline(*percents):
    levels = zip(SEEDS, percents)
    return verdicts([row("rir", seed, level / 100, images="cifar10") for seed, level in levels])[-1]


def test_seeds_that_scatter_do_not_reach_the_headline():
    """Their interval holds 94.99, and everything else as well."""
    wide = headline(85.0, 93.0)
    assert (wide.reproduced, wide.our_value) == ("unclear", pytest.approx(89.0))
    assert headline(95.2).reproduced == "unclear"


@pytest.mark.parametrize(
    ("percents", "answer"),
    [
        ((94.6, 94.7, 94.65), "yes"),
        ((94.4, 94.5, 94.55), "unclear"),
        ((94.3, 94.35, 94.4), "no"),
        ((99.0, 99.9), "unclear"),
    ],
)
def test_the_headline_is_reached_within_the_smallest_step_that_is_quoted(percents, answer):
    found = headline(*percents)
    assert found.reproduced == answer
    assert "yes if the interval lies above 94.49" in found.why


def test_learning_rates_are_chosen_on_validation_alone_and_a_diverged_network_counts_as_0():
    rows = [
        row("rir", 0, 0.5, rate=0.1, validation_accuracy=0.9),
        row("rir", 1, 0.5, rate=0.1, validation_accuracy=0.9),
        row("rir", 0, 0.99, rate=0.3, validation_accuracy=0.95),
        row("rir", 1, None, rate=0.3, validation_accuracy=None, status="diverged"),
        row("plain", 0, 0.4, rate=0.3, validation_accuracy=0.8),
        row("plain", 0, 0.6, rate=0.1, validation_accuracy=0.7),
    ]
    assert chosen_learning_rates(rows) == {"rir": 0.1, "plain": 0.3}
    assert accuracies(reported(rows), "rir") == {0: 0.5, 1: 0.5}
    assert accuracies(reported(rows), "plain") == {0: 0.4}


def test_arms_that_all_diverged_leave_verdicts_without_numbers():
    rows = [
        row(arm, seed, None, validation_accuracy=None, status="diverged") for arm in LEVELS for seed in SEEDS
    ]
    found = verdicts(rows)
    assert [v.reproduced for v in found] == ["unclear"] * 3 + ["yes"] + ["unclear"] * 3
    assert [v.our_value for v in found if v.reproduced == "unclear"] == [None] * 6
