"""The slimmer of two files of the same sharpness."""

import pytest

from ib_analysis.errors import UserError
from ib_analysis.report.images import LARGEST_VECTOR_BYTES, chosen_file, data_uri, embedded_bytes


def test_a_slim_vector_is_preferred(tmp_path):
    (tmp_path / "a.svg").write_text("<svg/>")
    (tmp_path / "a.png").write_bytes(b"png")
    assert chosen_file(tmp_path / "a").name == "a.svg"


def test_a_fat_vector_gives_way(tmp_path):
    (tmp_path / "a.svg").write_bytes(b" " * (LARGEST_VECTOR_BYTES + 1))
    assert chosen_file(tmp_path / "a").name == "a.svg"
    (tmp_path / "a.png").write_bytes(b"png")
    assert chosen_file(tmp_path / "a").name == "a.png"


def test_data_uri_and_its_length(tmp_path):
    path = tmp_path / "a.v1.png"
    path.write_bytes(b"12345")
    assert chosen_file(tmp_path / "a.v1") == path
    assert data_uri(path) == "data:image/png;base64,MTIzNDU="
    assert embedded_bytes(path) == len("MTIzNDU=")


def test_neither(tmp_path):
    with pytest.raises(UserError, match=r"svg and .*png are missing"):
        chosen_file(tmp_path / "a")
