"""Artefacts are whole or absent, and a changed one is refused."""

import json

import pytest

from ib_analysis import artefacts
from ib_analysis.artefacts import (
    identity,
    link,
    made_from,
    read_json,
    read_record,
    replacing_folder,
    sha256,
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


def job(spec=None, inputs=None):
    return Job("stage", spec or {}, "digest", "cpu", 1, inputs or {})


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "decoders"
    path.mkdir()
    for name in ("h1", "h2"):
        (path / name).write_bytes(b"weights of " + name.encode())
    job({"seed": 1}).record(path, processes=2)
    return path


def test_a_recorded_artefact_is_verified_and_a_changed_one_refused(tmp_path):
    path = tmp_path / "nats.npz"
    path.write_bytes(b"numbers")
    job({"seed": 1}).record(path, seed=1)
    facts = read_record(path)
    assert facts["code"] == "digest"
    assert facts["spec"] == made_from(path) == {"seed": 1}
    assert facts["seed"] == 1
    assert facts["versions"]["torch"] != "not installed"
    assert verified(path) == path
    path.write_bytes(b"numbera")
    with pytest.raises(UserError, match=r"nats\.npz is not the file.*remove it and run the workflow again"):
        verified(path)
    path.unlink()
    with pytest.raises(UserError, match="missing"):
        verified(path)


def test_a_folder_is_verified_file_by_file(folder):
    assert read_record(folder)["processes"] == 2
    assert verified(folder) == folder
    (folder / "h2").write_bytes(b"weights of h3")
    with pytest.raises(UserError, match=r"decoders/h2 is not the file that its maker wrote"):
        verified(folder)
    (folder / "h2").unlink()
    with pytest.raises(UserError, match=r"decoders/h2 is missing: run the workflow again"):
        verified(folder)


def test_files_that_changed_places_are_refused(folder):
    """Each is whole, and each is another one's."""
    (folder / "h1").rename(folder / "h0")
    (folder / "h2").rename(folder / "h1")
    (folder / "h0").rename(folder / "h2")
    with pytest.raises(UserError, match="is not the file"):
        verified(folder)


def test_a_record_verifies_itself(folder):
    record = folder / "provenance.json"
    record.write_text(record.read_text().replace('"seed": 1', '"seed": 2'))
    for read in (made_from, verified, identity):
        with pytest.raises(UserError, match=r"decoders has no record.*or a damaged one \(provenance\.json\)"):
            read(folder)
    record.unlink()
    with pytest.raises(UserError, match=r"decoders has no record"):
        verified(folder)


def test_what_was_made_from_another_input_is_refused(folder, tmp_path):
    nats = tmp_path / "nats.npz"
    nats.write_bytes(b"numbers")
    job(inputs={str(folder): identity(folder)}).record(nats)
    assert verified(nats) == nats
    (folder / "h1").write_bytes(b"weights fitted anew")
    job().record(folder)
    with pytest.raises(
        UserError, match=r"nats\.npz was made from .*decoders, which is another one by now: remove"
    ):
        verified(nats)


def test_a_file_is_read_once_a_process_and_again_when_it_has_changed(tmp_path, monkeypatch):
    path, reads = tmp_path / "images.npy", []
    path.write_bytes(b"pixels")
    whole = artefacts.hashlib.sha256
    monkeypatch.setattr(artefacts.hashlib, "sha256", lambda: reads.append(1) or whole())
    first = sha256(path)
    assert sha256(path) == first
    assert len(reads) == 1
    path.write_bytes(b"pixelz")
    assert sha256(path) != first
    assert len(reads) == 2


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
