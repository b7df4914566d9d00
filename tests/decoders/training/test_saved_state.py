import resource
import signal
from contextlib import contextmanager

import pytest
import torch

from decoders.training import saved_state
from decoders.training.disk import DiskError
from decoders.training.saved_state import SavedState


@contextmanager
def files_of_at_most(size):
    """A real failure of a write: the system refuses to let a file grow beyond `size` bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_state_is_read_back(tmp_path):
    state = SavedState(tmp_path / "scratch" / "state.pt", "run")
    assert state.read() is None
    state.write({"step": 3, "weights": {"w": torch.arange(4.0)}})
    found = SavedState(state.path, "run").read()
    assert found["step"] == 3
    assert torch.equal(found["weights"]["w"], torch.arange(4.0))


def test_the_state_of_another_run_is_rejected_with_a_warning(tmp_path):
    SavedState(tmp_path / "state.pt", "run").write({"step": 3})
    with pytest.warns(UserWarning, match="belongs to another run"):
        assert SavedState(tmp_path / "state.pt", "other").read() is None


@pytest.mark.parametrize("share", [0.2, 0.4, 0.6, 0.8])
def test_a_flipped_bit_is_never_a_weight_of_the_resumed_run(tmp_path, share):
    """torch reads past the checksums of its own archive."""
    state = SavedState(tmp_path / "state.pt", "run")
    state.write({"step": 3, "weights": torch.zeros(100_000)})
    content = bytearray(state.path.read_bytes())
    content[int(share * len(content))] ^= 1
    state.path.write_bytes(content)
    with pytest.warns(UserWarning, match="is damaged"):
        assert state.read() is None


@pytest.mark.parametrize("size", [1000, 20_000, 300_000])
def test_a_write_that_the_system_refuses_is_one_sentence_and_leaves_the_old_state(tmp_path, size):
    state = SavedState(tmp_path / "state.pt", "run")
    state.write({"step": 3})
    with files_of_at_most(size), pytest.raises(DiskError, match=r"state\.pt: the disk is full"):
        state.write({"step": 4, "weights": [torch.zeros(1000) for _ in range(100)]})
    assert state.read() == {"step": 3}
    assert [p.name for p in tmp_path.iterdir()] == ["state.pt"]


def test_a_state_is_due_when_the_last_write_is_old_enough(tmp_path, monkeypatch):
    state = SavedState(tmp_path / "state.pt", "run")
    assert not state.is_due
    monkeypatch.setattr(saved_state, "SAVE_EVERY_SECONDS", 0.0)
    assert state.is_due


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-1], lambda b: b[:500], lambda b: b"", lambda b: b.replace(b"\x80?", b"\x81?", 1)]
)
def test_a_damaged_state_is_not_resumed_from(tmp_path, damage):
    state = SavedState(tmp_path / "state.pt", "run")
    state.write({"weights": torch.ones(8)})
    sound = state.path.read_bytes()
    assert damage(sound) != sound
    state.path.write_bytes(damage(sound))
    with pytest.warns(UserWarning, match=r"state\.pt is damaged .*starts from the beginning"):
        assert state.read() is None


def test_a_state_that_the_system_refuses_is_not_thrown_away(tmp_path, monkeypatch):
    state = SavedState(tmp_path / "state.pt", "run")
    state.write({"step": 3})

    def failing(*_, **__):
        raise OSError(5, "Input/output error", str(state.path))

    monkeypatch.setattr(torch, "load", failing)
    with pytest.raises(DiskError, match="the disk fails"):
        state.read()
