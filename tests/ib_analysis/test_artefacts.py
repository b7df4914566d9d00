"""Artefacts are whole or absent, and a changed one is refused."""

import json

import pytest

from ib_analysis.artefacts import (
    link,
    read_json,
    replacing_folder,
    verified,
    write_json,
)
from ib_analysis.errors import UserError
from ib_analysis.provenance import Job


def test_an_interrupted_folder_leaves_the_old_one(tmp_path):
    folder = tmp_path / "store"
    with replacing_folder(folder) as temporary:
        (temporary / "a").write_text("1")
    with pytest.raises(ZeroDivisionError), replacing_folder(folder) as temporary:
        (temporary / "b").write_text("2" * (1 // 0))
    assert [p.name for p in folder.iterdir()] == ["a"]
    assert [p.name for p in tmp_path.iterdir()] == ["store"]


def test_a_recorded_artefact_is_verified_and_a_changed_one_refused(tmp_path):
    path = tmp_path / "nats.npz"
    path.write_bytes(b"numbers")
    Job("stage", {"seed": 1}, "digest", "cpu", 1).record(path, seed=1)
    facts = read_json(tmp_path / "nats.npz.json")
    assert facts["code"] == "digest"
    assert facts["spec"] == {"seed": 1}
    assert facts["versions"]["torch"] != "not installed"
    assert verified(path) == path
    path.write_bytes(b"other numbers")
    with pytest.raises(UserError, match=r"nats\.npz is not the file"):
        verified(path)
    path.unlink()
    with pytest.raises(UserError, match="missing"):
        verified(path)


def test_the_same_content_gives_the_same_bytes(tmp_path):
    write_json(tmp_path / "a.json", {"b": 1, "a": 2})
    write_json(tmp_path / "b.json", {"a": 2, "b": 1})
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_broken_json_is_named(tmp_path):
    (tmp_path / "fits.json").write_text(json.dumps({"a": 1})[:-1])
    with pytest.raises(UserError, match=r"fits\.json"):
        read_json(tmp_path / "fits.json")


def test_a_linked_file_survives_its_source_folder(tmp_path):
    source, target = tmp_path / "out" / "w", tmp_path / "scratch" / "w"
    source.parent.mkdir()
    source.write_bytes(b"weights")
    link(source, target)
    source.unlink()
    assert target.read_bytes() == b"weights"
