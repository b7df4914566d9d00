"""The study measured on a handful of images: its rows, their sameness, and what is never looked at."""

from itertools import product

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from ib_analysis.datasets.dataset import Dataset, Header, Part
from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.rir import Rir
from ib_analysis.encoders.specs.training import TrainingSpec
from ib_analysis.rows import read_rows, write_rows
from ib_analysis.studies.rir import study
from ib_analysis.studies.rir.study import RirStudy, measure_network
from ib_analysis.studies.specs.rir import ARMS, RirStudySpec
from ib_analysis.studies.study import Setting
from ib_analysis.studies.training_part import training_part

SPEC = RirStudySpec(
    seeds=(0, 2),
    blocks=(1, 1),
    widths=(2, 3),
    training_images=24,
    learning_rates=(0.1, 0.05),
    training=TrainingSpec(epochs=2, batch_size=8),
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
    return RirStudy(spec).measure(piece, Setting(torch.device("cpu"), scratch, dataset or data()))


def test_a_piece_is_an_arm_a_rate_and_a_seed():
    every = product((0, 2), ARMS, ("0.1", "0.05"))
    assert SPEC.pieces == tuple(f"{arm}-rate{rate}-seed{seed}" for seed, arm, rate in every)


def test_rows_are_the_whole_network_and_without_each_stream_at_each_block(tmp_path):
    rows = measured("rir-rate0.05-seed2", tmp_path)
    assert [(r.learning_rate, r.block, r.stream) for r in rows] == [
        (0.05, None, None),
        *((0.05, b, s) for b in (1, 2) for s in ("residual", "transient")),
    ]
    assert {(r.arm, r.seed, r.status, r.training_images, r.evaluation_images) for r in rows} == {
        ("rir", 2, "trained", 24, 16)
    }
    assert all((r.validation_accuracy is None) == (r.block is not None) for r in rows)
    write_rows(tmp_path / "rows.csv", RirStudy.Row, rows)
    assert read_rows(tmp_path / "rows.csv", RirStudy.Row) == tuple(rows)


def test_seeds_of_one_piece_are_measured_as_alone(tmp_path):
    spec = SPEC.model_copy(update={"seeds_of_a_piece": 2})
    rows = measured("rir-rate0.1-seeds0to2", tmp_path / "both", spec)
    one_by_one = [row for seed in (0, 2) for row in measured(f"rir-rate0.1-seed{seed}", tmp_path / str(seed))]
    for row, twin in zip(rows, one_by_one, strict=True):
        assert (row.seed, row.block, row.stream, row.status) == (
            twin.seed,
            twin.block,
            twin.stream,
            twin.status,
        )
        assert row.accuracy == pytest.approx(twin.accuracy, abs=1 / 16 + 1e-9)
    assert len({row.accuracy for row in rows}) > 1


def test_a_piece_measured_again_gives_the_same_rows(tmp_path):
    first = measured("resnet_init-rate0.1-seed0", tmp_path / "a")
    assert measured("resnet_init-rate0.1-seed0", tmp_path / "b") == first
    assert measured("resnet_init-rate0.1-seed0", tmp_path / "a") == first


def test_the_arms_are_equal_in_parameters_and_work(tmp_path):
    spec = SPEC.model_copy(
        update={"learning_rates": (0.1,), "training": TrainingSpec(epochs=0, batch_size=8)}
    )
    rows = [row for arm in ARMS for row in measured(f"{arm}-rate0.1-seed0", tmp_path / arm, spec)]
    assert len({(row.parameters, row.multiply_adds) for row in rows}) == 1


def test_what_is_reported_is_measured_on_the_evaluation_part_and_chosen_on_the_decoder_part(tmp_path):
    """With the labels of one part exchanged, its accuracy is what is left to 1, and nothing else changes."""
    whole = measured("plain-rate0.1-seed0", tmp_path / "a")[0]
    for name, column, other in (
        ("evaluation", "accuracy", "validation_accuracy"),
        ("decoder", "validation_accuracy", "accuracy"),
    ):
        wrong = data()
        wrong.part(name).labels[:] = 1 - wrong.part(name).labels
        row = measured("plain-rate0.1-seed0", tmp_path / name, dataset=wrong)[0]
        assert getattr(row, column) == pytest.approx(1 - getattr(whole, column))
        assert getattr(row, other) == getattr(whole, other)


def test_training_accuracy_is_of_the_images_that_a_seed_drew_without_a_stream_being_zero(tmp_path):
    rows = measured("rir-rate0.1-seed0", tmp_path / "a")
    assert all((row.training_accuracy is None) == (row.block is not None) for row in rows)
    other = data()
    drawn = training_part(other.encoder, 24, 0, "rir").images
    unseen = [not any(np.array_equal(image, one) for one in drawn) for image in other.encoder.images]
    other.encoder.labels[unseen] = 1 - other.encoder.labels[unseen]
    assert sum(unseen) == 16
    assert measured("rir-rate0.1-seed0", tmp_path / "b", dataset=other) == rows
    encoder = Rir(SPEC.network("rir"), "classifier", ImageShape.of(data().header), 2)
    row = rows[0].model_copy(update={"status": "trained"})
    learned = training_part(data().encoder, 24, 0, "rir")
    right = measure_network(row, encoder, learned, data(), torch.device("cpu"))[0]
    learned.labels[:] = 1 - learned.labels
    wrong = measure_network(row, encoder, learned, data(), torch.device("cpu"))[0]
    assert wrong.training_accuracy == pytest.approx(1 - right.training_accuracy)
    assert wrong.model_copy(update={"training_accuracy": right.training_accuracy}) == right


def test_a_diverged_training_is_a_row(tmp_path):
    spec = SPEC.model_copy(update={"learning_rates": (1e30,)})
    (row,) = measured("plain-rate1e+30-seed0", tmp_path, spec)
    assert (row.status, row.accuracy, row.validation_accuracy, row.block) == ("diverged", None, None, None)


def test_size_and_work_are_counted_before_the_networks_leave_the_cpu(tmp_path, monkeypatch):
    def leave(members, *_):
        for member in members:
            member.encoder.to("meta")
        return [False]

    monkeypatch.setattr(study, "train_classifiers", leave)
    (row,) = measured("rir-rate0.1-seed0", tmp_path)
    assert min(row.parameters, row.multiply_adds) > 0


def test_arms_that_cannot_be_built_are_refused_before_any_work():
    with pytest.raises(ValidationError, match="one width for each stage"):
        RirStudySpec(blocks=(1,), widths=(2, 3))


def test_an_absorbed_identity_is_for_the_arms_that_have_one():
    spec = RirStudySpec(identity="absorbed")
    assert [spec.network(arm).identity for arm in ARMS] == ["explicit", "explicit", "absorbed", "absorbed"]
