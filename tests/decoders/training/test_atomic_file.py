import errno
import os

import pytest

from decoders.training.atomic_file import replacing, write_bytes
from decoders.training.disk import DiskError


def test_an_interrupted_write_leaves_the_old_content_and_nothing_else(tmp_path):
    path = tmp_path / "table.csv"
    write_bytes(path, b"old")
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        temporary.write_text("ne" * (1 // 0))
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]


def test_the_suffix_is_kept_and_the_folder_is_made(tmp_path):
    path = tmp_path / "new" / "nats.npz"
    with replacing(path) as temporary:
        assert temporary.suffix == ".npz"
        temporary.write_bytes(b"numbers")
    assert path.read_bytes() == b"numbers"


def test_what_a_killed_process_left_is_overwritten(tmp_path):
    path = tmp_path / "state.pt"
    with replacing(path) as temporary:
        temporary.write_bytes(b"new")
        leftover = temporary
    leftover.write_bytes(b"of a killed process")
    write_bytes(path, b"newer")
    assert path.read_bytes() == b"newer"
    assert [p.name for p in tmp_path.iterdir()] == ["state.pt"]


def test_a_full_disk_is_one_sentence_and_leaves_the_old_content(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "weights"
    write_bytes(path, b"old")
    monkeypatch.setattr("decoders.training.atomic_file.os.fsync", full)
    with pytest.raises(DiskError, match=r"weights: the disk is full \(No space left on device\)"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["weights"]
