import errno

import pytest

from ib_analysis.datasets.disk_space import reserve, writing_to
from ib_analysis.errors import UserError


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_a_sentence(tmp_path, number):
    with pytest.raises(UserError, match=f"{tmp_path}: the disk is full; free space"), writing_to(tmp_path):
        raise OSError(number, "full")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_folder_that_may_not_be_written_is_a_sentence(tmp_path, number):
    with pytest.raises(UserError, match="there: permission denied"), writing_to(tmp_path):
        raise OSError(number, "no", "there")


def test_other_errors_pass(tmp_path):
    with pytest.raises(FileNotFoundError), writing_to(tmp_path):
        (tmp_path / "nothing").read_bytes()


def test_a_reservation_keeps_what_is_there(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"start")
    reserve(path, 100_000)
    assert path.stat().st_size == 100_000
    assert path.read_bytes() == b"start" + bytes(99_995)
    assert path.stat().st_blocks * 512 >= 100_000
