"""Fits of a job: small decoders side by side where memory is given for it, with the results of their lone fits."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from decoders import side_by_side
from decoders.categorical import Categorical
from decoders.density import Decoder
from decoders.fitting import Fit
from decoders.memory import BUDGET
from decoders.pairs import TensorPairs
from decoders.pixelcnn_pp.decoder import PixelCNNPP
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.saving import load_decoder
from decoders.spec import FitSpec, ImageTarget, LabelTarget
from decoders.training import saved_state
from ib_analysis import decoder_fits
from ib_analysis.decoder_fits import (
    Piece,
    bytes_for_stacks,
    bytes_of_member,
    fit_or_reuse,
    fit_stacks,
    stacks_of,
)
from ib_analysis.spec import Described

CPU = torch.device("cpu")
TARGET = ImageTarget(channels=1, height=8, width=8, levels=17)
FIT = FitSpec(steps=12, batch_size=16, learning_rate=4e-3, average_decay=0.9, evaluate_every=4)
COUNT = 120
PLENTY = 10**12


def small(**changes: float) -> Described:
    sizes = {
        "filters": 8,
        "layers": 1,
        "mixtures": 2,
        "context_filters": 8,
        "context_layers": 1,
        "dropout": 0.0,
    }
    return Described(**PixelCNNPPSpec.model_validate(sizes | changes).described())


def images() -> torch.Tensor:
    torch.manual_seed(3)
    return (torch.rand(COUNT, 1, 8, 1) * 17).expand(-1, -1, -1, 8).to(torch.uint8).contiguous()


def piece(name: str, shape: tuple[int, ...], fit: FitSpec = FIT, decoder: Described | None = None) -> Piece:
    x = images()
    h = x.float().mean((1, 2, 3)).view(-1, *[1] * len(shape)) + torch.randn(COUNT, *shape)
    return Piece(f"{name}.image", decoder or small(), TARGET, shape, TensorPairs(x, h), fit, {"code": "0"})


def pieces() -> list[Piece]:
    """Two taps, and the label of one of them."""
    x, h = images(), torch.randn(COUNT, 5)
    labels = x[:, 0, 0, 0].long().clamp(max=9)
    label = Described(**Categorical.Spec().described())
    of_label = Piece("pooled.label", label, LabelTarget(classes=10), (5,), TensorPairs(labels, h), FIT, {})
    return [piece("h1", (3, 4, 4)), piece("pooled", (5,)), of_label]


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder_fits, "bytes_for_stacks", lambda device: PLENTY)


@pytest.mark.usefixtures("memory")
def test_pieces_of_different_taps_side_by_side_have_the_results_of_their_lone_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    found = pieces()
    alone = [fit_or_reuse(one, tmp_path / "alone", CPU) for one in found]
    capfd.readouterr()
    fit_stacks(found, tmp_path / "together", CPU)
    assert "2 side by side: h1.image, pooled.image" in capfd.readouterr().err
    together = [fit_or_reuse(one, tmp_path / "together", CPU) for one in found]
    said = capfd.readouterr().err
    assert "image" not in said  # both are reused; the label is fitted now
    assert "pooled.label" in said
    assert not list((tmp_path / "together").glob("side-by-side*"))
    for a, b in zip(alone, together, strict=True):
        assert sorted(path.name for path in a.iterdir()) == sorted(path.name for path in b.iterdir())
        mine, theirs = (json.loads((folder / "fit.json").read_text()) for folder in (a, b))
        assert mine["steps"] == theirs["steps"] == FIT.steps
        assert theirs["holdout_nats"] == pytest.approx(mine["holdout_nats"], abs=1e-3)
        weights = load_decoder(b / "decoder.safetensors").state_dict()
        for name, tensor in load_decoder(a / "decoder.safetensors").state_dict().items():
            torch.testing.assert_close(weights[name], tensor, rtol=0.02, atol=2e-3)


@pytest.mark.usefixtures("memory")
def test_an_interrupted_stack_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_state, "SAVE_EVERY_SECONDS", 0.0)
    take, steps = side_by_side._Stack._take_gradient_step, []

    def stopped(run: side_by_side._Stack) -> None:
        steps.append(run.step)
        if len(steps) == 8:
            raise KeyboardInterrupt
        take(run)

    monkeypatch.setattr(side_by_side._Stack, "_take_gradient_step", stopped)
    torch.manual_seed(0)
    found = pieces()
    with pytest.raises(KeyboardInterrupt):
        fit_stacks(found, tmp_path, CPU)
    fit_stacks(found, tmp_path, CPU)
    assert steps == [*range(8), *range(7, FIT.steps)]


@pytest.mark.usefixtures("memory")
def test_a_finished_member_is_not_fitted_again(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    found = pieces()
    fit_stacks(found, tmp_path, CPU)
    capfd.readouterr()
    fit_stacks(found, tmp_path, CPU)
    fit_stacks([*found, piece("h2", (4,))], tmp_path, CPU)  # one alone is no stack
    assert not capfd.readouterr().err


def test_a_cpu_fits_one_by_one(tmp_path: Path) -> None:
    assert bytes_for_stacks(CPU) == 0
    fit_stacks(pieces(), tmp_path, CPU)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("memory")
def test_large_decoders_are_fitted_one_by_one(tmp_path: Path) -> None:
    fit_stacks([piece(name, (4,), decoder=small(filters=40)) for name in "ab"], tmp_path, CPU)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("memory")
def test_pieces_of_other_images_are_refused(tmp_path: Path) -> None:
    one, other = piece("a", (4,)), piece("b", (4,))
    assert isinstance(other.pairs, TensorPairs)
    other.pairs.target[3] = 16 - other.pairs.target[3]
    with pytest.raises(ValueError, match=r"a\.image and b\.image do not predict the same examples"):
        fit_stacks([one, other], tmp_path, CPU)


def built(*found: Piece) -> list[tuple[Piece, PixelCNNPP]]:
    return [(one, decoder_fits._built(one)) for one in found]


def names(stacks: list[list[tuple[Piece, PixelCNNPP]]]) -> list[list[str]]:
    return [[one.name for one, _ in members] for members in stacks]


def test_a_stack_has_one_architecture_and_one_recipe() -> None:
    longer = FIT.model_copy(update={"steps": 24})
    candidates = built(
        piece("a", (4,)),
        piece("b", (4,), decoder=small(filters=16)),
        piece("c", (3, 2, 2)),
        piece("d", (4,), fit=longer),
        piece("e", (4,), decoder=small(filters=16)),
    )
    assert names(stacks_of(candidates, PLENTY)) == [["a.image", "c.image"], ["b.image", "e.image"]]


def test_a_stack_ends_where_the_memory_does() -> None:
    candidates = built(*(piece(name, (4,)) for name in "abcde"))
    each = bytes_of_member(*candidates[0])
    assert names(stacks_of(candidates, 2 * each)) == [["a.image", "b.image"], ["c.image", "d.image"]]
    assert stacks_of(candidates, each) == []


def test_the_memory_of_a_member_holds_the_h_of_all_examples() -> None:
    ((one, decoder),) = built(piece("a", (3, 20, 20)))
    of_fit = decoder.memory.fit(round(2.5 * FIT.batch_size), BUDGET)
    assert bytes_of_member(one, decoder) - of_fit == 4 * COUNT * 1200


def test_the_memory_of_a_member_is_that_of_a_mixture_in_torch_operations() -> None:
    """A GPU has no other, and a mixture of many components takes most of a step there."""
    ((one, decoder),) = built(piece("a", (4,), decoder=small(mixtures=40)))
    on_gpu = replace(decoder.memory, mixture_in_c=False).fit(round(2.5 * FIT.batch_size), BUDGET)
    assert bytes_of_member(one, decoder) - 4 * COUNT * 4 == on_gpu
    assert on_gpu > 1.5 * decoder.memory.fit(round(2.5 * FIT.batch_size), BUDGET)


def test_a_piece_that_is_too_large_parts_no_stack() -> None:
    candidates = built(piece("a", (4,)), piece("huge", (40000,)), piece("b", (4,)))
    assert names(stacks_of(candidates, 2 * bytes_of_member(*candidates[0]))) == [["a.image", "b.image"]]


def kill_behind_the_first_member(
    pieces: Sequence[Piece], scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Fit a stack and end while it is written: its first member is kept. Later calls must not take a step."""
    write, written = decoder_fits._write, list[Path]()

    def killed(decoder: Decoder, fitted: Fit, folder: Path, side_by_side: Sequence[str]) -> None:
        if written:
            raise KeyboardInterrupt
        written.append(folder)
        write(decoder, fitted, folder, side_by_side)

    with monkeypatch.context() as patched:
        patched.setattr(decoder_fits, "_write", killed)
        with pytest.raises(KeyboardInterrupt):
            fit_stacks(pieces, scratch, CPU)
    monkeypatch.setattr(
        side_by_side._Stack, "_take_gradient_step", lambda run: pytest.fail("a step was taken")
    )
    return written[0]


def members_of(pieces: Sequence[Piece], scratch: Path) -> list[list[str]]:
    """Of each piece the members of its stack, as its record names them."""
    folders = (fit_or_reuse(one, scratch, CPU) for one in pieces)
    return [json.loads((folder / "fit.json").read_text())["side_by_side"] for folder in folders]


@pytest.mark.usefixtures("memory")
def test_members_that_a_killed_process_did_not_write_are_written_from_the_finished_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    found = [piece(name, (4,)) for name in "abc"]
    first = kill_behind_the_first_member(found, tmp_path, monkeypatch) / "decoder.safetensors"
    before = first.stat().st_mtime_ns
    fit_stacks(found, tmp_path, CPU)
    assert first.stat().st_mtime_ns == before
    assert members_of(found, tmp_path) == [["a.image", "b.image", "c.image"]] * 3
    assert not list(tmp_path.glob("side-by-side*"))


@pytest.mark.usefixtures("memory")
def test_a_finished_stack_of_some_members_is_written_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    found = [piece(name, (4,)) for name in "abcd"]
    fit_or_reuse(found[0], tmp_path, CPU)
    kill_behind_the_first_member(found, tmp_path, monkeypatch)
    fit_stacks(found, tmp_path, CPU)
    assert members_of(found, tmp_path) == [[], *[["b.image", "c.image", "d.image"]] * 3]


@pytest.mark.usefixtures("memory")
def test_the_state_of_other_members_is_no_begin(tmp_path: Path) -> None:
    torch.manual_seed(0)
    found = [piece(name, (4,)) for name in "abcd"]
    fit_stacks(found[:2], tmp_path, CPU)
    left = tmp_path / "side-by-side.left"
    left.mkdir()
    (left / "members.json").write_text(json.dumps([f"{one.name}.{one.key}" for one in found[:2]]))
    fit_stacks(found, tmp_path, CPU)
    assert members_of(found, tmp_path) == [["a.image", "b.image"]] * 2 + [["c.image", "d.image"]] * 2


def test_stacks_of_one_recipe_have_states_of_their_own(tmp_path: Path) -> None:
    a, b, c, d = built(*(piece(name, (4,)) for name in "abcd"))
    assert a[0].key == c[0].key
    assert decoder_fits._names_of_folders([a, b], tmp_path) != decoder_fits._names_of_folders(
        [c, d], tmp_path
    )
