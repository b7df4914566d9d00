"""The study at toy size: its pieces, its rows and their selection; its verdicts on rows that are known."""

import math

import pytest
import torch
from pydantic import ValidationError

from ib_analysis.rows import read_rows, write_rows
from ib_analysis.studies.beyond_kernels import claims
from ib_analysis.studies.beyond_kernels.row import Point, Row, errors_by_seed
from ib_analysis.studies.beyond_kernels.study import BeyondKernelsStudy
from ib_analysis.studies.specs.beyond_kernels import BeyondKernelsStudySpec
from ib_analysis.studies.study import Setting

GRID = dict.fromkeys(("resnet", "net3", "net2"), (0.1, 0.2))
TOY = BeyondKernelsStudySpec(
    seeds=(0, 1), sweep_seeds=1, samples=40, sample_sizes=(40, 60), width=6, widths=(6, 9), widest_dense=6,
    alphas=(0.2, 0.3), validation=30, test=30, epochs=2, learning_rates=GRID,
    weight_decays=dict.fromkeys(GRID, (0.001,)), ridges=(0.1, 10.0), probes=("linear_probe",), probed=(1,),
    probe_vectors=200, probe_epochs=(0, 2),
)  # fmt: skip
POINT = Point(0.3, 40, 6)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    setting = Setting(torch.device("cpu"), tmp_path_factory.mktemp("scratch"))
    return {piece: list(BeyondKernelsStudy(TOY).measure(piece, setting)) for piece in TOY.pieces}


def test_every_method_and_size_is_measured_once(measured):
    rows = [row for rows in measured.values() for row in rows if row.layer is None]
    keys = [(r.arm, r.seed, r.alpha, r.samples, r.width, r.learning_rate, r.weight_decay) for r in rows]
    assert len(set(keys)) == len(keys)
    assert all((r.error_along_g is not None) == (r.arm in GRID) for r in rows)
    assert all(r.error_along_g <= r.test_error for r in rows if r.arm in GRID)
    assert all((r.error_of_f is not None) == (r.arm in ("resnet", "net2")) for r in rows)
    assert sorted(errors_by_seed(rows, "resnet", POINT)) == [0, 1]
    assert sorted(errors_by_seed(rows, "tangent_net3", POINT, closed_form=True)) == [0, 1]
    for arm in ("net3", "net2"):
        assert sorted(errors_by_seed(rows, arm, POINT._replace(samples=60))) == [0]
    assert not errors_by_seed(rows, "net3", POINT._replace(width=9))
    assert errors_by_seed(rows, "conjugate_resnet", POINT._replace(width=9))
    assert errors_by_seed(rows, "polynomial2", POINT._replace(alpha=0.2), closed_form=True)


def test_one_training_a_seed_is_selected_by_its_validation_error(measured):
    rows = [row for row in measured["net2-widths"] if row.width == 9]
    assert len(rows) == 2
    best = min(rows, key=lambda row: row.validation_error)
    assert [row.selected for row in rows] == [row is best for row in rows]


def test_layers_of_the_selected_resnet_are_probed_at_every_epoch_that_is_asked_for(measured):
    rows = [row for row in measured["resnet-seed0"] if row.layer]
    assert {(row.epoch, row.layer, row.about) for row in rows} == {
        (epoch, layer, about)
        for epoch in (0, 2)
        for layer in ("hidden1", "out1", "hidden2", "out")
        for about in ("F1", "G1")
    }
    assert all(row.bits < 0.5 and row.stderr_bits >= 0 and row.test_error is None for row in rows)
    assert not [row for row in measured["resnet-seed1"] if row.layer]


def test_a_table_reads_back_and_can_be_judged(measured, tmp_path):
    rows = [row for rows in measured.values() for row in rows]
    write_rows(tmp_path / "table.csv", Row, rows)
    assert read_rows(tmp_path / "table.csv", Row) == tuple(rows)
    found = BeyondKernelsStudy(TOY).verdicts(rows)
    assert len(found) == 9
    assert found[0].reproduced != "yes"


def test_a_training_that_diverges_is_a_row_and_no_choice(tmp_path):
    rates = {**GRID, "net2": (1e8, 0.1)}
    spec = TOY.model_copy(update={"learning_rates": rates})
    setting = Setting(torch.device("cpu"), tmp_path)
    lost, kept = BeyondKernelsStudy(spec).measure("net2-samples", setting)
    assert (lost.test_error, lost.error_along_g, lost.error_of_f, lost.selected) == (None, None, None, False)
    assert kept.selected


def row(arm, seed, error, width=6, alpha=0.3, **others):
    values = {"outputs": 15, "samples": 40, "selected": True, "test_error": error}
    return Row(arm=arm, seed=seed, alpha=alpha, width=width, **(values | others))


def known(resnet, net3=2.0, kernel=2.5):
    rows = [row("resnet", seed, error) for seed, error in enumerate(resnet)]
    rows += [row("net3", seed, net3 + 0.01 * seed) for seed in range(len(resnet))]
    return rows + [row("polynomial2", seed, kernel + 0.02 * seed, width=None) for seed in range(len(resnet))]


def test_errors_on_their_sides_of_the_threshold_are_a_yes():
    rows = known([0.4, 0.5, 0.45])
    below, above = (
        f(rows, POINT, TOY) for f in (claims.resnet_below_the_threshold, claims.kernels_above_the_threshold)
    )
    assert (below.reproduced, below.our_value) == ("yes", pytest.approx(0.45))
    assert (above.reproduced, above.our_value) == ("yes", pytest.approx(2.52))
    assert claims.net_without_shortcut_between(rows, POINT).reproduced == "yes"


def test_any_kernel_errs_more_than_a_resnet_below_the_certified_bound():
    """The bound with 40 vectors of 30 inputs is 1.35 (1 - 40 / 5,852,925)."""
    found = claims.any_kernel_errs_more(known([0.4, 0.5, 0.45]), POINT, TOY)
    assert (found.reproduced, found.our_value) == ("yes", pytest.approx(1.35 - 0.45, abs=1e-4))
    assert "one of 5,852,925 orthogonal products" in found.why
    assert claims.any_kernel_errs_more(known([1.6, 1.7, 1.65]), POINT, TOY).reproduced == "no"
    assert claims.any_kernel_errs_more(known([0.4, 2.5, 0.45]), POINT, TOY).reproduced == "unclear"


def test_with_as_many_vectors_as_targets_nothing_is_certified():
    """The error that no resnet can undercut is 0."""
    many = 5_852_925
    rows = [r.model_copy(update={"samples": many}) for r in known([0.4, 0.5, 0.45])]
    found = claims.any_kernel_errs_more(rows, POINT._replace(samples=many), TOY)
    assert (found.reproduced, found.our_value) == ("no", pytest.approx(-0.45))


def test_operations_follow_from_the_dimensions_that_the_error_asks_for():
    """An error of 0.45 asks for two thirds of the targets: k (2/3 C(30, 8))^2 against 3 x 450 x 40 x 2 x 2."""
    found = claims.fewer_multiplications(known([0.45, 0.45, 0.45]), POINT, TOY)
    asked = 15 * (5_852_925 * 2 / 3) ** 2
    assert found.our_value == pytest.approx(math.log10(asked / (3 * 6 * 75 * 40 * 2 * 2)), abs=1e-4)
    assert found.reproduced == "yes"


def test_a_resnet_that_does_not_learn_g_saves_no_operations():
    found = claims.fewer_multiplications(known([1.4, 1.5, 1.45]), POINT, TOY)
    assert (found.reproduced, found.our_value) == ("no", pytest.approx(-math.log10(3 * 6 * 75 * 40 * 2 * 2)))
    lost = claims.fewer_multiplications(known([0.4, None, 0.45]), POINT, TOY)
    assert (lost.reproduced, lost.our_value) == ("unclear", None)


def test_the_resnet_is_judged_at_its_widest():
    rows = known([2.4, 2.44, 2.45]) + [row("resnet", seed, 0.3 + 0.01 * seed, width=9) for seed in range(3)]
    found = claims.resnet_below_the_threshold(rows, POINT, TOY)
    assert (found.reproduced, found.our_value) == ("yes", pytest.approx(0.31))
    assert "median 2.44" in found.why


def test_a_failed_seed_makes_it_unclear_and_is_told():
    found = claims.resnet_below_the_threshold(known([0.4, 2.44, 0.45]), POINT, TOY)
    assert found.reproduced == "unclear"
    assert "m = 6: Seeds 0.40, 2.44, 0.45" in found.why
    assert "3 trainings of the grid 1 stay above" in found.why


def test_errors_on_the_wrong_side_are_a_no():
    rows = known([2.4, 2.5, 2.45], net3=2.0, kernel=1.1)
    assert claims.resnet_below_the_threshold(rows, POINT, TOY).reproduced == "no"
    assert claims.kernels_above_the_threshold(rows, POINT, TOY).reproduced == "no"
    assert claims.net_without_shortcut_between(rows, POINT).reproduced == "no"


def test_a_seed_that_diverged_in_every_setting_forbids_a_yes():
    found = claims.resnet_below_the_threshold(known([0.4, None, 0.45]), POINT, TOY)
    assert (found.reproduced, found.our_value) == ("unclear", None)
    assert "1 diverge" in found.why


def over_alphas(whole, along, seeds=3):
    """Errors of the ResNet that go with those powers of alpha, the part along G apart, and of a kernel with alpha^2."""
    return [
        one
        for seed in range(seeds)
        for a in TOY.alphas
        for one in (
            row("resnet", seed, (1 + seed) * a**whole, alpha=a, error_along_g=(1 + seed) * a**along),
            row("polynomial2", seed, (1 + seed) * a**2, alpha=a, width=None),
        )
    ]


@pytest.mark.parametrize(("along", "answer", "gap"), [(4, "yes", 2.0), (1.5, "no", -0.5)])
def test_the_exponent_is_the_slope_of_the_part_along_g_in_log_log(along, answer, gap):
    """The whole error, which the error of F may fill, does not decide."""
    found = claims.resnet_gains_more_from_a_small_alpha(over_alphas(0.5, along), POINT, TOY)
    assert (found.reproduced, found.our_value) == (answer, pytest.approx(gap))
    assert "ResNet 0.50, polynomial2 2.00" in found.why


def test_a_seed_that_diverged_at_some_alpha_leaves_the_exponent_unclear():
    lost = [
        r.model_copy(update={"test_error": None, "error_along_g": None})
        if (r.arm, r.seed, r.alpha) == ("resnet", 3, 0.2)
        else r
        for r in over_alphas(4, 4, seeds=4)
    ]
    found = claims.resnet_gains_more_from_a_small_alpha(lost, POINT, TOY)
    assert (found.reproduced, found.our_value) == ("unclear", None)
    assert "ResNet inf" in found.why


def first_blocks(alone, jointly):
    nets = (("net2", alone), ("resnet", jointly))
    return [row(net, seed, 1.0, error_of_f=e) for net, errors in nets for seed, e in enumerate(errors)]


@pytest.mark.parametrize(
    ("alone", "jointly", "answer"),
    [
        ((0.9, 1.0, 1.1), (0.2, 0.3, 0.4), "yes"),
        ((0.2, 0.3, 0.4), (0.9, 1.0, 1.1), "no"),
        ((0.9, 1.0, 1.1), (0.3, 1.2, 0.9), "unclear"),
        ((0.9, 1.0, 1.1), (0.2, None, 0.4), "unclear"),
    ],
)
def test_a_first_block_is_corrected_if_f_is_read_off_it_with_a_smaller_error(alone, jointly, answer):
    found = claims.backward_feature_correction(first_blocks(alone, jointly), POINT)
    assert found.reproduced == answer
    assert (found.our_value is None) == (None in jointly)


def layer(seed, name, about, bits, epoch):
    return row(
        "resnet",
        seed,
        None,
        layer=name,
        about=about,
        bits=bits,
        stderr_bits=0.01,
        epoch=epoch,
        probe="linear_probe",
    )


def test_the_epoch_of_half_a_bit_and_the_block_that_holds_g():
    rows = []
    for seed in range(3):
        for epoch, f, g in ((0, 0.0, 0.0), (10, 0.8, 0.1), (100, 1.0, 0.9 + 0.01 * seed)):
            told = {("out1", "F1"): f, ("out1", "F8"): f, ("hidden1", "G1"): 0.0, ("hidden2", "G1"): g}
            rows += [layer(seed, name, about, bits, epoch) for (name, about), bits in told.items()]
    assert claims.first_epochs(rows, "out1", ["F1", "F8"]) == {0: 10.0, 1: 10.0, 2: 10.0}
    assert claims.f_before_g(rows).our_value == pytest.approx(90.0)
    found = claims.second_block_holds_g(rows)
    assert (found.our_value, found.reproduced) == (pytest.approx(0.91), "yes")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"sweep_seeds": 9}, "there are only 5 seeds"),
        ({"widths": (50,)}, "width 200 must be in it"),
        ({"alphas": (0.5,)}, "alpha 0.3 must be in it"),
        ({"widest_dense": 100}, "must not exceed widest_dense"),
        ({"probe_epochs": (900,)}, "training ends at epoch 800"),
        ({"probed": (16,)}, "F has 15 coordinates"),
        ({"probed": ()}, "at least 1 item"),
        ({"alphas": (0.3, 0.3)}, "alphas is .*name each value once"),
        ({"learning_rates": {"resnet": (), "net3": (0.1,), "net2": (0.1,)}}, "at least 1 item"),
        ({"learning_rates": {"resnet": (0.1,)}}, "must each name"),
    ],
)
def test_settings_that_do_not_fit_are_refused(wrong, words):
    with pytest.raises(ValidationError, match=words):
        BeyondKernelsStudySpec(**wrong)


def test_version_2_has_eight_outputs():
    assert BeyondKernelsStudySpec(version="v2").outputs == 8
