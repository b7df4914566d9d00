"""A result that is not the one that is asked for is known by its record alone, whatever the reason."""

import pytest

from ib_analysis.artefacts import identity
from ib_analysis.freshness import Asked, why_stale
from ib_analysis.provenance import Job

SPEC = {"fit": {"steps": 10, "seed": 0}, "taps": ["h1"]}


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A decoder made from a checkpoint, and what was asked for."""
    monkeypatch.chdir(tmp_path)
    source, folder = tmp_path / "net", tmp_path / "decoder"
    for path, name in ((source, "epoch-0"), (folder, "h1")):
        path.mkdir()
        (path / name).write_bytes(b"weights of " + name.encode())
    Job("train", {}, "code", "cpu", 1).record(source)
    Job("fit", SPEC, "code", "cpu", 1, {"net": identity(source)}).record(folder)
    return folder, Asked(SPEC, "code", frozenset({"net"}))


def test_what_is_as_asked_and_what_is_not_there_are_not_stale(made):
    folder, asked = made
    assert why_stale(folder, asked) is None
    assert why_stale(folder.with_name("later"), asked) is None


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (SPEC | {"fit": {"steps": 20, "seed": 0}}, "was made with fit.steps 10, and 20 is asked for"),
        (SPEC | {"taps": ["h1", "h2"]}, "was made with taps.1 no such setting, and h2 is asked for"),
        (SPEC | {"taps": []}, "was made with taps no such setting, and [] is asked for"),
        ({"fit": SPEC["fit"]}, "was made with taps.0 h1, and no such setting is asked for"),
    ],
)
def test_another_setting_is_named(made, spec, said):
    folder, asked = made
    assert why_stale(folder, Asked(spec, asked.code, asked.inputs)) == said


def test_other_code_and_other_inputs_are_named(made):
    folder, asked = made
    assert why_stale(folder, Asked(SPEC, "other", asked.inputs)) == "was made by other code"
    more = why_stale(folder, Asked(SPEC, "code", asked.inputs | {"net2"}))
    assert more == "was made without net2"
    fewer = why_stale(folder, Asked(SPEC, "code", frozenset()))
    assert fewer == "was made from net too, which is no longer asked for"


def test_an_input_that_was_made_anew_is_named_and_an_equal_one_is_not(made):
    folder, asked = made
    source = folder.with_name("net")
    Job("train", {}, "later", "cpu", 1).record(source)  # the same content, made once more
    assert why_stale(folder, asked) is None
    (source / "epoch-0").write_bytes(b"other weights")
    Job("train", {}, "code", "cpu", 1).record(source)
    assert why_stale(folder, asked) == "was made from net, which is another one by now"


def test_files_that_are_missing_or_cut_are_named_without_reading_them(made):
    folder, asked = made
    content = (folder / "h1").read_bytes()
    (folder / "h1").write_bytes(content[:4])
    assert why_stale(folder, asked) == f"holds 4 bytes of h1, of which its maker wrote {len(content)}"
    (folder / "h1").unlink()
    assert why_stale(folder, asked) == "lacks h1"


def test_a_lost_or_damaged_record_is_no_record(made):
    folder, asked = made
    record = folder / "provenance.json"
    record.write_text(record.read_text().replace('"steps": 10', '"steps": 11'))
    changed = Asked({**SPEC, "fit": {"steps": 11, "seed": 0}}, asked.code, asked.inputs)
    for wanted in (asked, changed):
        assert why_stale(folder, wanted) == "has no record of how it was made, or a damaged one"
    record.unlink()
    assert why_stale(folder, asked) == "has no record of how it was made, or a damaged one"
