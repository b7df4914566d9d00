"""The study from images to rows: what a piece holds, and that it can be repeated."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from ib_analysis.datasets.dataset import Dataset, Header, Part
from ib_analysis.encoders.specs.training import TrainingSpec
from ib_analysis.rows import read_rows, write_rows
from ib_analysis.studies.quantized import study
from ib_analysis.studies.quantized.plug_in_entropy import unit_entropies
from ib_analysis.studies.quantized.study import QuantizedStudy
from ib_analysis.studies.specs.quantized import QuantizedStudySpec
from ib_analysis.studies.study import Setting

COUNTS = {"encoder": 48, "decoder": 40, "evaluation": 30}
SPEC = QuantizedStudySpec(
    seeds=(0, 1),
    blocks=((1, 1),),
    widths=((2, 4), (3, 6)),
    bits=("bf16", 2),
    start_epoch=1,
    learning_rates=(0.1,),
    training=TrainingSpec(epochs=2, batch_size=16),
    entropy_images=60,
)


@pytest.fixture
def data():
    rng, parts = np.random.default_rng(0), {}
    for name, count in COUNTS.items():
        labels = np.arange(count, dtype=np.int64) % 2
        images = rng.integers(0, 9, (count, 1, 8, 8))
        images[labels == 1] += 8
        parts[name] = Part(name, images.astype(np.uint8), labels)
    header = Header(
        name="halves", channels=1, height=8, width=8, levels=17, class_names=("dark", "bright"), counts=COUNTS,
        duplicates_dropped=0, fingerprint="f",
    )  # fmt: skip
    return Dataset(header, **parts)


def measured(data, folder, piece, spec=SPEC):
    folder.mkdir(exist_ok=True)
    return QuantizedStudy(spec).measure(piece, Setting(torch.device("cpu"), folder, data))


def test_a_piece_is_every_size_at_one_bit_width_from_one_seed(data, tmp_path):
    names = ("bf16", "bf16", "w2a2", "w2a2")
    assert SPEC.pieces == tuple(f"{name}-rate0.1-seed{i % 2}" for i, name in enumerate(names))
    rows = measured(data, tmp_path / "a", "w2a2-rate0.1-seed1")
    networks = [row for row in rows if not row.tap]
    assert [row.widths for row in networks] == ["2-4", "3-6"]
    assert {(row.bits, row.seed, row.images) for row in rows} == {("w2a2", 1, "halves")}
    for row in networks:
        assert 0 <= row.accuracy <= 1
        assert row.compute_cost < 64 * row.multiplications
        taps = [other for other in rows if other.tap and other.size == row.size]
        assert [other.tap for other in taps] == [f"{t}_quantized" for t in ("stem", "h1", "h2", "pooled")]
        for other in taps:
            assert 0 <= other.entropy_bits <= other.ceiling_bits == pytest.approx(np.log2(60))
            assert other.units_entropy_bits >= other.entropy_bits - 1e-9
            assert other.units_entropy_bits <= 2.2 * other.units
    write_rows(tmp_path / "rows.csv", QuantizedStudy.Row, rows)
    assert list(read_rows(tmp_path / "rows.csv", QuantizedStudy.Row)) == rows
    assert measured(data, tmp_path / "b", "w2a2-rate0.1-seed1") == rows


def test_a_mixture_is_a_bit_width_of_its_own_with_a_part_at_others(data, tmp_path):
    """At the cost of 4 bits with the weights and multiplications of one part at 8."""
    spec = SPEC.model_copy(update={"bits": (4,), "mixed": ({"h1": 8}, {"h2": 2}), "widths": ((2, 4),)})
    assert spec.pieces[2:] == tuple(
        f"w4a4-{part}-rate0.1-seed{seed}" for part in ("h1-w8a8", "h2-w2a2") for seed in (0, 1)
    )
    four, more, less = (
        next(row for row in measured(data, tmp_path / piece, piece, spec) if not row.tap)
        for piece in ("w4a4-rate0.1-seed0", "w4a4-h1-w8a8-rate0.1-seed0", "w4a4-h2-w2a2-rate0.1-seed0")
    )
    assert (four.bits, more.bits, less.bits) == ("w4a4", "w4a4-h1-w8a8", "w4a4-h2-w2a2")
    h1, h2 = 2 * 2 * 2 * 9, 2 * 4 * 9 + 4 * 4 * 9 + 2 * 4
    assert more.memory_bits == four.memory_bits + 4 * h1
    assert less.memory_bits == four.memory_bits - 2 * h2
    assert more.compute_cost == four.compute_cost + (64 - 16) * 64 * h1
    assert less.compute_cost == four.compute_cost - (16 - 4) * 16 * h2


def test_a_piece_is_the_same_whatever_other_pieces_there_are(data, tmp_path):
    spec = SPEC.model_copy(update={"learning_rates": (0.01, 0.1), "seeds": (0, 7)})
    rows = measured(data, tmp_path / "a", "bf16-rate0.1-seed0", spec)
    assert [(row.learning_rate, row.widths) for row in rows if not row.tap] == [(0.1, "2-4"), (0.1, "3-6")]
    assert rows == measured(data, tmp_path / "b", "bf16-rate0.1-seed0")
    alone = spec.of_piece("bf16-rate0.1-seed0")
    assert rows == measured(data, tmp_path / "c", "bf16-rate0.1-seed0", alone)


def test_seeds_of_one_piece_are_measured_as_alone(data, tmp_path):
    spec = SPEC.model_copy(update={"seeds_of_a_piece": 2})
    rows = measured(data, tmp_path / "both", "w2a2-rate0.1-seeds0to1", spec)
    for seed in (0, 1):
        alone = measured(data, tmp_path / str(seed), f"w2a2-rate0.1-seed{seed}")
        own = [row for row in rows if row.seed == seed]
        assert [(row.widths, row.tap, row.status) for row in own] == [
            (row.widths, row.tap, row.status) for row in alone
        ]
        assert [row.accuracy for row in own if not row.tap] == pytest.approx(
            [row.accuracy for row in alone if not row.tap], abs=0.1
        )


def test_a_diverged_training_is_a_row(data, tmp_path):
    spec = SPEC.model_copy(update={"learning_rates": (1e30,)})
    rows = measured(data, tmp_path / "a", "bf16-rate1e+30-seed0", spec)
    assert {row.status for row in rows} == {"diverged"}
    assert all(row.accuracy is None and row.compute_cost for row in rows)
    assert all(v.reproduced == "unclear" for v in QuantizedStudy(spec).verdicts(rows))


def test_costs_are_counted_before_the_networks_leave_the_cpu(data, tmp_path, monkeypatch):
    def leave(members, *_):
        for member in members:
            member.encoder.to("meta")
        return [False]

    monkeypatch.setattr(study, "train_classifiers", leave)
    rows = measured(data, tmp_path / "a", "w2a2-rate0.1-seed0")
    assert all(row.compute_cost > 0 for row in rows)


def test_units_are_counted_one_by_one():
    h = np.random.default_rng(0).integers(0, 3, (200, 2, 5)).astype(np.float32)
    found = unit_entropies(h)
    for unit, entropy in zip(h.reshape(200, 10).T, found, strict=True):
        share = np.unique(unit, return_counts=True)[1] / 200
        assert entropy == pytest.approx(-(share * np.log(share)).sum() + (len(share) - 1) / 400)


def test_mistakes_are_named_before_any_work():
    with pytest.raises(ValidationError, match="start_epoch is 30"):
        QuantizedStudySpec(start_epoch=30)
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        QuantizedStudySpec(blocks=((0, 1, 1),))
    with pytest.raises(ValidationError, match="the same number of stages"):
        QuantizedStudySpec(blocks=((1, 1),))
    with pytest.raises(ValidationError, match="bits names one of its values twice"):
        QuantizedStudySpec(bits=(4, 4))
    with pytest.raises(ValidationError, match="mixed names one of its values twice"):
        QuantizedStudySpec(mixed=({"h1": 8}, {"h1": 8}))
    with pytest.raises(ValidationError, match="mixed names one of its values twice"):
        QuantizedStudySpec(mixed=({"h1": 8, "h2": 2}, {"h2": 2, "h1": 8}))
    with pytest.raises(ValidationError, match="mixed gives h2 4 bits, which it has without: take it away"):
        QuantizedStudySpec(mixed=({"h1": 8, "h2": 4},))
    with pytest.raises(ValidationError, match="resnet has no part 'h4'"):
        QuantizedStudySpec(mixed=({"h4": 8},))
    with pytest.raises(ValidationError, match="learning_rates names one of its values twice"):
        QuantizedStudySpec(learning_rates=(0.1, 0.1))
