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


@pytest.mark.parametrize("number", sorted(errno.errorcode.keys() - {errno.EPIPE, errno.ESHUTDOWN}))
def test_every_error_of_the_system_is_a_sentence_with_the_file_and_a_remedy(tmp_path, number):
    with pytest.raises(DiskError) as caught, explain_disk_errors(tmp_path):
        raise OSError(number, os.strerror(number), "there")
    said = str(caught.value)
    assert said.startswith("there: ")
    assert os.strerror(number) in said
    assert "; " in said


def test_a_file_in_the_place_of_a_folder_and_the_other_way_round(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DiskError, match=r"file: .*move away"), explain_disk_errors(tmp_path):
        (tmp_path / "file").mkdir()
    with pytest.raises(DiskError, match=r"x: a file stands where a folder is"), explain_disk_errors(tmp_path):
        (tmp_path / "file" / "x").write_text("")
    with (
        pytest.raises(DiskError, match=r"folder: a folder stands where a file"),
        explain_disk_errors(tmp_path),
    ):
        (tmp_path / "folder").write_text("")
    with pytest.raises(DiskError, match=r"nothing: does not exist"), explain_disk_errors(tmp_path):
        (tmp_path / "nothing").read_bytes()


def test_an_error_without_a_number_names_the_place(tmp_path):
    with pytest.raises(DiskError, match=rf"^{tmp_path}: .*no such thing"), explain_disk_errors(tmp_path):
        raise OSError("no such thing")


def test_a_closed_pipe_and_errors_of_the_program_pass(tmp_path):
    for error in (BrokenPipeError(errno.EPIPE, "closed"), ValueError("mine"), KeyError("mine")):
        with pytest.raises(type(error)), explain_disk_errors(tmp_path):
            raise error
