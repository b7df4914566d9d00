"""A scratch folder belongs to one process, and comes free however that process ends."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ib_analysis.artefacts import link
from ib_analysis.errors import UserError
from ib_analysis.scratch import is_kept, keep, locked

HOLDER = """
import sys, time
from pathlib import Path
from ib_analysis.scratch import locked
with locked(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(60)
"""


def test_a_second_process_is_refused_by_name_and_a_killed_one_frees_the_folder(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == "locked"
        with pytest.raises(UserError, match=f"in use by process {holder.pid}"), locked(tmp_path):
            pass
    finally:
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
    with locked(tmp_path) as folder:
        assert folder == tmp_path


def test_a_file_system_without_locks_is_told(tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", refused)
    with pytest.raises(UserError, match="refuses to lock a file"), locked(tmp_path):
        pass


def test_finished_work_is_kept_and_damaged_work_is_removed(tmp_path, capsys):
    folder, output = tmp_path / "h1.image.0", tmp_path / "h1.image.safetensors"
    folder.mkdir()
    (folder / "state.pt").write_bytes(b"half a fit")
    assert not is_kept(folder)
    assert (folder / "state.pt").exists()  # unfinished work goes on
    (folder / "decoder").write_bytes(b"weights")
    keep(folder, "decoder")
    link(folder / "decoder", output)
    assert is_kept(folder)
    with output.open("r+b") as file:  # in place: the folder has a hard link to these bytes
        file.write(b"W")
    assert not is_kept(folder)
    assert not folder.exists()
    assert "h1.image.0 is damaged" in capsys.readouterr().out


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(b"weight")])
def test_work_that_lacks_a_file_or_is_cut_is_made_again(tmp_path, spoil):
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "decoder").write_bytes(b"weights")
    keep(folder, "decoder")
    spoil(folder / "decoder")
    assert not is_kept(folder)
    assert not folder.exists()
    folder.mkdir()
    (folder / "kept.json").write_text("{")
    assert not is_kept(folder)
