"""The study measured on a handful of images: its rows, their sameness, and what chooses the learning rate."""

import dataclasses

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from ib_analysis.datasets.dataset import Dataset, Header, Part
from ib_analysis.errors import UserError
from ib_analysis.rows import read_rows, write_rows
from ib_analysis.studies.shortcut_depth import study
from ib_analysis.studies.shortcut_depth.networks import Problem, least_loss
from ib_analysis.studies.shortcut_depth.study import ShortcutDepthStudy
from ib_analysis.studies.specs.shortcut_depth import ShortcutDepthStudySpec
from ib_analysis.studies.study import Setting

SPEC = ShortcutDepthStudySpec(
    seeds=(0, 2),
    nonlinearities=("identity", "tanh"),
    initializations=("near_zero", "xavier"),
    width=2,
    layers=(6, 12),
    lanczos_layers=(30,),
    nonlinear_layers=(6, 12),
    convolutional_layers=(6, 12),
    channels=1,
    patch=3,
    images=20,
    convolutional_images=8,
    convolutional_hessian_images=6,
    units_at_zero=(1, 2),
    dense_parameters=110,
    learning_rates=(0.01, 0.1, 1e6),
    steps=4,
    checkpoints=(1, 4),
    convolutional_steps=2,
)


def part(name, count, seed):
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    images = rng.integers(0, 9, (count, 1, 6, 6))
    images[labels == 0, :, :3] += 8
    return Part(name, images.astype(np.uint8), labels.astype(np.int64))


def data():
    parts = [part("encoder", 40, 0), part("decoder", 20, 1), part("evaluation", 16, 2)]
    header = Header(
        name="halves", channels=1, height=6, width=6, levels=17, class_names=("up", "down"),
        counts={p.name: len(p) for p in parts}, duplicates_dropped=0, fingerprint="f",
    )  # fmt: skip
    return Dataset(header, *parts)


def measured(piece, scratch, spec=SPEC, dataset=None):
    return ShortcutDepthStudy(spec).measure(piece, Setting(torch.device("cpu"), scratch, dataset or data()))


@pytest.fixture(scope="module")
def linear(tmp_path_factory):
    return measured("identity-seed0", tmp_path_factory.mktemp("linear"))


def of(rows, experiment, **wanted):
    return [
        row
        for row in rows
        if row.experiment == experiment and all(getattr(row, k) == v for k, v in wanted.items())
    ]


def test_a_piece_is_a_kind_of_network_and_a_seed():
    kinds = ("identity", "tanh", "convolutional")
    assert SPEC.pieces == tuple(f"{kind}-seed{seed}" for seed in (0, 2) for kind in kinds)


def test_every_setting_has_its_rows(linear):
    settings = 4 * 2
    assert len(of(linear, "zero")) == 4 * 3 + 5  # two units of three layers are six layers, there already
    assert len(of(linear, "initial")) == 2 * settings + 4
    assert len(of(linear, "along")) == 2 * settings
    assert len(of(linear, "final")) == 2 * settings
    assert {row.method for row in linear if row.layers == 30} == {"lanczos"}
    assert {row.layers for row in of(linear, "along")} == {6}


def test_linear_networks_at_zero_have_the_predicted_condition_number(linear):
    for row in of(linear, "zero", method="dense"):
        if row.shortcut in ("1", "2"):
            assert row.condition_number == pytest.approx(row.predicted_condition_number, rel=1e-9)
        else:
            assert (row.condition_number, row.largest_eigenvalue, row.flat) == (None, 0.0, 1.0)


def test_the_spectrum_at_step_0_is_that_of_the_initial_point(tmp_path):
    spec = SPEC.model_copy(update={"checkpoints": (0,)})
    rows = measured("tanh-seed0", tmp_path, spec)
    for along in of(rows, "along"):
        (initial,) = of(
            rows, "initial", layers=6, shortcut=along.shortcut, initialization=along.initialization
        )
        assert along.largest_eigenvalue == initial.largest_eigenvalue


def test_the_trained_weights_of_the_advised_setting_have_a_spectrum_at_every_depth(linear):
    """At the depth of the checkpoints it is that of the last one, which is the end."""
    with_spectrum = [row for row in of(linear, "final") if row.largest_eigenvalue is not None]
    assert [(row.setting, row.layers) for row in with_spectrum] == [(("2", "near_zero"), n) for n in (6, 12)]
    (last,) = of(linear, "along", shortcut="2", initialization="near_zero", step=4)
    assert with_spectrum[0].largest_eigenvalue == pytest.approx(last.largest_eigenvalue, rel=1e-9)


def test_the_norm_of_a_layer_is_that_of_one_matrix_whatever_the_depth(tmp_path):
    """An orthogonal matrix of two rows has the norm sqrt 2, and a rate of almost 0 leaves it there."""
    few = {"lanczos_layers": (), "units_at_zero": (), "checkpoints": ()}
    start = {"initializations": ("near_zero", "orthogonal"), "learning_rates": (1e-12, 1e-11)}
    spec = SPEC.model_copy(update=few | start)
    ends = of(measured("identity-seed0", tmp_path, spec), "final", initialization="orthogonal")
    assert {row.layers for row in ends} == {6, 12}
    assert [row.layer_norm for row in ends] == pytest.approx([2**0.5] * 8)


def test_the_validation_part_alone_chooses_the_rate(linear, tmp_path, monkeypatch):
    assert {row.learning_rate for row in of(linear, "final", shortcut="2")} <= {0.01, 0.1}
    judged_on, choose = [], study.best
    monkeypatch.setattr(
        study,
        "best",
        lambda net, trained, samples: judged_on.append(samples) or choose(net, trained, samples),
    )
    other = dataclasses.replace(data(), evaluation=part("evaluation", 16, 9))
    first, second = (measured("tanh-seed0", tmp_path, dataset=d) for d in (data(), other))
    half = len(judged_on) // 2
    assert half == len(of(first, "final"))
    for one, another in zip(judged_on[:half], judged_on[half:], strict=True):
        assert torch.equal(one.x, another.x)
    # Sums may be taken in another order where the memory of a run begins elsewhere: losses differ in their last bits.
    chosen = [
        [(r.layers, r.shortcut, r.step, r.outcome, r.learning_rate) for r in rows] for rows in (first, second)
    ]
    assert chosen[0] == chosen[1]
    assert [r.evaluation_loss for r in of(first, "final")] != [r.evaluation_loss for r in of(second, "final")]


def test_where_every_rate_diverges_a_row_says_so(tmp_path):
    spec = SPEC.model_copy(
        update={"learning_rates": (1e6, 1e7), "steps": 40, "checkpoints": (), "lanczos_layers": ()}
    )
    rows = of(measured("identity-seed0", tmp_path, spec), "final", shortcut="2")
    assert {row.outcome for row in rows} == {"diverged"}
    assert {row.training_loss for row in rows} == {None}


def test_convolutions_are_measured_and_read_back_exactly(tmp_path):
    rows = measured("convolutional-seed2", tmp_path)
    assert len(of(rows, "final")) == 2 * 4 * 2
    zero = of(rows, "zero", shortcut="2")
    assert [row.layers for row in zero] == [2, 4, 6, 12]
    assert zero[0].condition_number == pytest.approx(zero[1].condition_number, rel=1e-9)
    assert {row.predicted_condition_number for row in rows} == {None}
    write_rows(tmp_path / "rows.csv", ShortcutDepthStudy.Row, rows)
    assert read_rows(tmp_path / "rows.csv", ShortcutDepthStudy.Row) == tuple(rows)


def test_weights_do_not_depend_on_which_initializations_are_listed(tmp_path):
    """Nor on their order; and one that only convolutions have can be drawn."""
    other = SPEC.model_copy(
        update={
            "initializations": ("xavier", "near_zero"),
            "convolutional_initializations": ("near_zero", "orthogonal"),
        }
    )

    def initial(rows):
        return {(r.shortcut, r.layers, r.initialization): r.largest_eigenvalue for r in of(rows, "initial")}

    first, second = (measured("tanh-seed0", tmp_path, spec) for spec in (SPEC, other))
    assert initial(first) == initial(second)
    assert {r.initialization for r in of(measured("convolutional-seed0", tmp_path, other), "final")} == {
        "near_zero",
        "orthogonal",
    }


def test_no_loss_of_a_linear_network_is_below_the_least(linear):
    ends = of(linear, "final", outcome="measured")
    assert all(row.training_loss >= row.least_loss - 1e-12 for row in ends)
    problem = Problem.of(SPEC, "dense", 0, data(), torch.device("cpu"))
    assert ends[0].least_loss == pytest.approx(least_loss(problem.training))


def test_a_width_below_the_classes_is_refused(tmp_path):
    many = dataclasses.replace(
        data(), header=data().header.model_copy(update={"class_names": ("a", "b", "c")})
    )
    with pytest.raises(UserError, match=r"shortcut_depth\.width is 2.*3 classes"):
        measured("identity-seed0", tmp_path, dataset=many)


def test_a_map_that_is_too_small_for_the_classes_is_refused(tmp_path):
    spec = SPEC.model_copy(update={"patch": 6})
    with pytest.raises(UserError, match="raise channels or lower patch"):
        measured("convolutional-seed0", tmp_path, spec)


def test_a_wider_network_is_read_out(tmp_path):
    spec = SPEC.model_copy(update={"width": 3})
    problem = Problem.of(spec, "dense", 0, data(), torch.device("cpu"))
    torch.testing.assert_close(problem.readout @ problem.readout.T, torch.eye(2).double())
    rows = measured("identity-seed0", tmp_path, spec.model_copy(update={"lanczos_layers": ()}))
    (six,) = of(rows, "zero", shortcut="2", layers=6)
    assert six.condition_number == pytest.approx(six.predicted_condition_number, rel=1e-9)
    assert six.flat == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"layers": (6, 9)}, "multiple of 6"),
        ({"layers": (12, 6)}, "increasing order"),
        ({"checkpoints": (5,), "steps": 4}, "beyond the 4 steps"),
        ({"nonlinearities": ("tanh", "tanh")}, "nonlinearities is .*give each value once"),
        ({"initializations": ("xavier",)}, "initializations.*must contain near_zero"),
        (
            {"convolutional_initializations": ("xavier",)},
            "convolutional_initializations.*must contain near_zero",
        ),
    ],
)
def test_mistakes_in_the_spec_are_sentences(settings, sentence):
    with pytest.raises(ValidationError, match=sentence):
        ShortcutDepthStudySpec(**settings)
