import errno
import os

import pytest

from decoders.training.disk import DiskError, explain_disk_errors


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_a_sentence(tmp_path, number):
    with (
        pytest.raises(DiskError, match=rf"^{tmp_path}: the disk is full \(.+\); make room there"),
        explain_disk_errors(tmp_path),
    ):
        raise OSError(number, os.strerror(number))


def test_the_file_that_the_system_names_and_the_callers_advice_are_in_the_sentence(tmp_path):
    with (
        pytest.raises(DiskError, match=r"^there: the disk is full .*; free 48 bytes$"),
        explain_disk_errors(tmp_path, advice="free 48 bytes"),
    ):
        raise OSError(errno.ENOSPC, "full", "there")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EPERM])
def test_a_protected_folder_is_a_sentence(tmp_path, number):
    with pytest.raises(DiskError, match="there: permission denied"), explain_disk_errors(tmp_path):
        raise OSError(number, "no", "there")


def test_other_errors_pass(tmp_path):
    with pytest.raises(FileNotFoundError), explain_disk_errors(tmp_path):
        (tmp_path / "nothing").read_bytes()
