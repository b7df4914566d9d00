import io
import tarfile

import pytest

from ib_analysis.datasets.archive import unpack
from ib_analysis.errors import UserError


def member(name, kind=tarfile.REGTYPE, link=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def write(path, *members, mode="w:gz"):
    with tarfile.open(path, mode) as tar:
        for info in members:
            content = b"hello" if info.isreg() else b""
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("top", ["", "./", "data/", "./data/"])
def test_a_top_folder_of_that_name_is_stripped(tmp_path, mode, top):
    archive = write(tmp_path / "a.tar", member(f"{top}x.txt"), member(f"{top}sub/y.txt"), mode=mode)
    unpack(archive, tmp_path / "data")
    assert (tmp_path / "data" / "x.txt").read_bytes() == b"hello"
    assert (tmp_path / "data" / "sub" / "y.txt").read_bytes() == b"hello"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar", "data"]


@pytest.mark.parametrize(
    "bad",
    [
        member("../evil"),
        member("/tmp/evil"),
        member("data/../../evil"),
        member("..\\evil"),
        member("link", tarfile.SYMTYPE, "/etc/passwd"),
        member("link", tarfile.SYMTYPE, "x.txt"),
        member("hard", tarfile.LNKTYPE, "../evil"),
        member("device", tarfile.CHRTYPE),
        member("pipe", tarfile.FIFOTYPE),
    ],
    ids=lambda info: f"{info.name}-{info.linkname}",
)
def test_a_member_that_escapes_is_refused_and_nothing_stays(tmp_path, bad):
    inner = tmp_path / "inner"
    inner.mkdir()
    archive = write(tmp_path / "a.tar.gz", member("x.txt"), bad)
    with pytest.raises(UserError, match=r"a.tar.gz: member .* do not trust this"):
        unpack(archive, inner / "data")
    assert list(inner.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar.gz", "inner"]


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz", "w:bz2"])
@pytest.mark.parametrize("share", [0.0, 0.4, 0.9])
def test_a_damaged_archive_is_refused(tmp_path, mode, share):
    archive = write(tmp_path / "a.tar", *(member(f"{i}.txt") for i in range(300)), mode=mode)
    archive.write_bytes(archive.read_bytes()[: int(archive.stat().st_size * share)])
    with pytest.raises(UserError, match=r"a.tar: damaged archive .*; remove it and download it again"):
        unpack(archive, tmp_path / "data")
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar"]


def test_a_plain_tar_cut_between_two_members_is_refused(tmp_path):
    archive = write(tmp_path / "a.tar", *(member(f"{i}.txt") for i in range(30)), mode="w")
    archive.write_bytes(archive.read_bytes()[: 20 * 1024])
    with pytest.raises(UserError, match="the end is missing"):
        unpack(archive, tmp_path / "data")


def test_the_leavings_of_a_killed_run_are_cleared(tmp_path):
    leavings = tmp_path / ".data.partial"
    leavings.mkdir()
    (leavings / "half").write_bytes(b"half")
    unpack(write(tmp_path / "a.tar.gz", member("x.txt")), tmp_path / "data")
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["x.txt"]
    assert not leavings.exists()
