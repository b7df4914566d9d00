"""Stored activations equal recomputed ones, or the store is refused with a reason."""

import errno
import json
import os
import shutil
from collections import namedtuple
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from decoders.training.disk import DiskError
from ib_analysis.activations import store as store_module
from ib_analysis.activations.compute import store_activations
from ib_analysis.activations.recomputed import RecomputedActivations
from ib_analysis.activations.store import ActivationStore, StoreWriter
from ib_analysis.datasets.dataset import Part
from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.resnet import ResNet
from ib_analysis.encoders.specs.resnet import ResNetSpec
from ib_analysis.errors import UserError

COUNT, BLOCK = 21, 8
TAPS = ("stem", "h2", "logits")
IMAGE = ImageShape(channels=1, height=8, width=8, levels=17)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr("ib_analysis.activations.recomputed.MOST_AT_ONCE", BLOCK)


@pytest.fixture
def part():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 17, (COUNT, 1, 8, 8)).astype(np.uint8)
    return Part("decoder", images, rng.integers(0, 3, COUNT))


@pytest.fixture
def encoder():
    return ResNet(ResNetSpec(blocks=(1, 1), widths=(8, 8)), "classifier", IMAGE, 3)


def stored(folder, encoder, part, precision="float32"):
    return store_activations(
        encoder,
        part,
        TAPS,
        folder,
        fingerprint="f",
        checkpoint_digest="c",
        device="cpu",
        precision=precision,
    )


def opened(folder, fingerprint="f", part="decoder", checkpoint_digest="c"):
    return ActivationStore.open(
        folder, fingerprint=fingerprint, part=part, checkpoint_digest=checkpoint_digest
    )


def writer(folder, count=4, shape=(3,), precision="float32"):
    return StoreWriter(
        folder,
        fingerprint="f",
        part="decoder",
        count=count,
        shapes={"h": shape},
        checkpoint_digest="c",
        precision=precision,
    )


def test_stored_rows_are_the_recomputed_ones_to_the_bit(tmp_path, encoder, part):
    store, source = stored(tmp_path / "s", encoder, part), RecomputedActivations(encoder, part, "cpu")
    assert len(store) == len(source) == COUNT
    for tap in TAPS:
        assert store.shape(tap) == source.shape(tap)
        for start in range(0, COUNT, BLOCK):
            rows = np.arange(start, min(start + BLOCK, COUNT))
            assert torch.equal(store.rows(tap, rows), source.rows(tap, rows))


def test_rows_come_in_the_order_asked_for(tmp_path, encoder, part):
    store, source = stored(tmp_path / "s", encoder, part), RecomputedActivations(encoder, part, "cpu")
    rows = np.array([20, 3, 3, 0])
    for tap in TAPS:
        assert store.rows(tap, rows).shape == (4, *store.shape(tap))
        torch.testing.assert_close(store.rows(tap, rows), source.rows(tap, rows), rtol=1e-5, atol=1e-5)


def test_float16_rows_are_close_take_half_the_bytes_and_come_as_float32(tmp_path, encoder, part):
    full, half = stored(tmp_path / "full", encoder, part), stored(tmp_path / "half", encoder, part, "float16")
    rows = np.arange(COUNT)
    for tap in TAPS:
        h = half.rows(tap, rows)
        assert h.dtype == torch.float32
        # Eleven significant bits, rounded to the nearest: half of the last one, or of the smallest subnormal.
        torch.testing.assert_close(h, full.rows(tap, rows), rtol=2**-11, atol=2**-25)
    sizes = [(tmp_path / name / "stem.npy").stat().st_size - 128 for name in ("full", "half")]
    assert sizes[0] == 2 * sizes[1] == COUNT * 8 * 64 * 4


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_recomputed_rows_have_the_very_values_of_a_store_of_their_precision(
    tmp_path, encoder, part, precision
):
    store = stored(tmp_path / "s", encoder, part, precision)
    source = RecomputedActivations(encoder, part, "cpu", precision)
    for tap in TAPS:
        for start in range(0, COUNT, BLOCK):
            rows = np.arange(start, min(start + BLOCK, COUNT))
            assert torch.equal(store.rows(tap, rows), source.rows(tap, rows))


def test_a_recomputed_value_beyond_float16_is_refused_like_a_stored_one(part):
    class Huge(torch.nn.Module):
        taps = (SimpleNamespace(name="h", shape=(1,)),)

        def activations(self, x, names):
            return {"h": torch.full((len(x), 1), 7e4)}

    with pytest.raises(UserError, match="h at tap h reaches 7e\\+04, beyond float16: set precision: float32"):
        RecomputedActivations(Huge(), part, "cpu", "float16")


def test_several_taps_from_one_pass_equal_one_pass_each(encoder, part):
    source, rows = RecomputedActivations(encoder, part, "cpu"), np.array([1, 5])
    together = source.rows_at(TAPS, rows)
    assert tuple(together) == TAPS
    assert all(torch.equal(together[tap], source.rows(tap, rows)) for tap in TAPS)
    assert not any(h.requires_grad for h in together.values())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_computes_what_a_cpu_computes(encoder, part):
    rows = np.arange(COUNT)
    on_cpu = RecomputedActivations(encoder, part, "cpu").rows_at(TAPS, rows)
    on_gpu = RecomputedActivations(encoder, part, "cuda").rows_at(TAPS, rows)
    for tap in TAPS:
        assert on_gpu[tap].device.type == "cuda"
        torch.testing.assert_close(on_gpu[tap].cpu(), on_cpu[tap], rtol=1e-2, atol=1e-2)  # TensorFloat-32


def test_an_encoder_in_training_mode_is_read_in_evaluation_mode(encoder, part):
    encoder.train()
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    RecomputedActivations(encoder, part, "cpu").rows("h2", np.arange(4))
    assert all(torch.equal(before[name], value) for name, value in encoder.state_dict().items())


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"fingerprint": "g"}, "made for the fingerprint f, not for g"),
        ({"part": "evaluation"}, "made for the part decoder, not for evaluation"),
        ({"checkpoint_digest": "d"}, "made for the checkpoint_digest c, not for d"),
    ],
)
def test_a_mismatch_is_refused(tmp_path, encoder, part, asked, reason):
    stored(tmp_path / "s", encoder, part)
    with pytest.raises(UserError, match=reason):
        opened(tmp_path / "s", **asked)


def truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


def empty(path):
    path.write_bytes(b"")


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


def another_shape(path):
    np.save(path, np.zeros((COUNT, 2), np.float32))


def pickled(path):
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)


@pytest.mark.parametrize("damage", [truncate, empty, flip_a_bit, another_shape, pickled, os.remove])
def test_a_damaged_array_is_refused(tmp_path, encoder, part, damage):
    stored(tmp_path / "s", encoder, part)
    damage(tmp_path / "s" / "h2.npy")
    with pytest.raises(
        (UserError, DiskError), match=r"(damaged.*h2|h2.*(damaged|does not exist)).*(remove|run)"
    ):
        opened(tmp_path / "s")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"taps": {"../x": {"shape": [1], "sha256": ""}}}'])
def test_a_damaged_header_is_refused(tmp_path, encoder, part, text):
    stored(tmp_path / "s", encoder, part)
    (tmp_path / "s" / "header.json").write_text(text)
    with pytest.raises(UserError, match=r"header\.json: is no header of act"):
        opened(tmp_path / "s")


def test_a_header_cannot_name_a_file_outside_its_folder(tmp_path, encoder, part):
    stored(tmp_path / "s", encoder, part)
    header = json.loads((tmp_path / "s" / "header.json").read_text())
    header["taps"]["../h2"] = header["taps"].pop("h2")
    (tmp_path / "s" / "header.json").write_text(json.dumps(header))
    with pytest.raises(UserError, match="is no header"):
        opened(tmp_path / "s")


def test_a_missing_store_and_a_missing_tap_are_named(tmp_path, encoder, part):
    with pytest.raises(UserError, match="nowhere is missing"):
        opened(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"'h9' was not stored: choose from stem, h2, logits"):
        stored(tmp_path / "s", encoder, part).shape("h9")
    with pytest.raises(UserError, match="no tap 'h9'"):
        RecomputedActivations(encoder, part, "cpu").shape("h9")


def test_a_value_beyond_float16_asks_for_float32(tmp_path):
    h = torch.tensor([[1.0, 2.0, 70000.0]])
    with (
        pytest.raises(UserError, match=r"7e\+04.*precision: float32"),
        writer(tmp_path / "s", 1, precision="float16") as w,
    ):
        w.append({"h": h})
    with writer(tmp_path / "s", 1) as w:
        w.append({"h": h})
    assert torch.equal(opened(tmp_path / "s").rows("h", np.array([0])), h)


def test_a_value_that_is_not_finite_is_refused(tmp_path):
    with pytest.raises(UserError, match="not finite"), writer(tmp_path / "s", 1) as w:
        w.append({"h": torch.tensor([[1.0, float("nan"), 0.0]])})


@pytest.mark.parametrize(
    "block",
    [{"h": torch.zeros(2, 4)}, {"other": torch.zeros(2, 3)}, {"h": torch.zeros(2, 3), "g": torch.zeros(1)}],
)
def test_a_block_of_another_shape_is_refused(tmp_path, block):
    with pytest.raises(ValueError), writer(tmp_path / "s") as w:
        w.append(block)


def interrupted_after_all_rows(folder):
    with writer(folder) as w:
        w.append({"h": torch.ones(4, 3)})
        raise KeyboardInterrupt


def test_what_is_half_written_is_never_at_the_folder(tmp_path):
    with pytest.raises(ValueError, match="2 rows were written"), writer(tmp_path / "s") as w:
        w.append({"h": torch.ones(2, 3)})
    with pytest.raises(KeyboardInterrupt):
        interrupted_after_all_rows(tmp_path / "s")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_rewrite_leaves_the_old_store_whole(tmp_path):
    with writer(tmp_path / "s") as w:
        w.append({"h": torch.ones(4, 3)})
    with pytest.raises(KeyboardInterrupt), writer(tmp_path / "s"):
        raise KeyboardInterrupt
    assert torch.equal(opened(tmp_path / "s").rows("h", np.arange(4)), torch.ones(4, 3))


def test_a_store_and_what_a_killed_process_left_are_replaced(tmp_path):
    for value in (1.0, 2.0):
        (tmp_path / ".s.partial").mkdir(exist_ok=True)
        (tmp_path / ".s.partial" / "h.npy").write_bytes(b"left over")
        with writer(tmp_path / "s") as w:
            w.append({"h": torch.full((4, 3), value)})
    assert torch.equal(opened(tmp_path / "s").rows("h", np.arange(4)), torch.full((4, 3), 2.0))
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


def test_a_folder_of_something_else_is_not_replaced(tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "thesis.tex").write_text("years of work")
    with pytest.raises(UserError, match="other files than activations"), writer(tmp_path / "s"):
        pass
    assert (tmp_path / "s" / "thesis.tex").read_text() == "years of work"


def test_too_little_space_is_said_before_a_row_is_written(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(100, 90, 10))
    with (
        pytest.raises(DiskError, match=r"s: the disk is full \(10 bytes are free\); free 48 bytes"),
        writer(tmp_path / "s"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def write_to_a_full_disk(folder):
    with writer(folder) as w:
        path = w.partial / "h.npy"
        path.unlink()
        path.symlink_to("/dev/full")
        w.append({"h": torch.ones(4, 3)})


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full on this system")
def test_a_disk_that_fills_up_is_said(tmp_path):
    with pytest.raises(DiskError, match=r"No space left.*free 48 bytes"):
        write_to_a_full_disk(tmp_path / "s")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_while_the_store_is_begun_is_said(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store_module.np.lib.format, "write_array_header_1_0", full)
    with pytest.raises(DiskError, match="No space left"), writer(tmp_path / "s"):
        pass
    assert list(tmp_path.iterdir()) == []
