"""A scratch folder belongs to one process, and comes free however that process ends."""

import errno
import fcntl
import os
import signal
import subprocess
import sys

import pytest

from ib_analysis.errors import UserError
from ib_analysis.scratch import locked

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
