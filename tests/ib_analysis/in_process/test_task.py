"""A task runs where what it makes is missing, damaged, or made from something else; and not otherwise."""

from pathlib import Path

import pytest

from ib_analysis.artefacts import identity, sha256
from ib_analysis.in_process.task import Task
from ib_analysis.provenance import Job, stage_digest

STAGE = "tabulate_verdicts"


@pytest.fixture
def done(tmp_path) -> Task:
    """A task that has run, with one input and one file of the user."""
    table, verdicts, weights = (tmp_path / name for name in ("table.csv", "verdicts.csv", "weights.pt"))
    for path in (table, verdicts, weights):
        path.write_text(path.name)
    Job("test", {}, "0", "cpu", 1).record(verdicts)
    code = stage_digest(STAGE, {"setting": 1})
    job = Job(STAGE, {"setting": 1}, code, "cpu", 1, {str(verdicts): identity(verdicts)})
    job.record(table, sources={str(weights): sha256(weights)})
    return task(tmp_path)


def task(folder: Path, **slice_: int) -> Task:
    inputs, others = {"verdicts": [folder / "verdicts.csv"]}, {"table": folder / "table.csv"}
    made, sources = (folder / "table.csv",), (folder / "weights.pt",)
    return Task("verdicts", STAGE, slice_ or {"setting": 1}, inputs, others, made, sources)


def test_what_is_there_as_asked_for_is_not_due(done):
    assert done.why_due() is None


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("table.csv", None, "table.csv is missing"),
        ("table.csv", "cut", "table.csv holds 3 bytes"),
        ("table.csv", "other.csv", "table.csv is damaged"),  # as many bytes
        ("weights.pt", "newer weights", "weights.pt has changed"),
        ("table.csv.json", "{}", "has no record of how it was made"),
    ],
)
def test_what_is_missing_damaged_or_of_other_weights_is_due(done, tmp_path, name, text, reason):
    if text is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text(text)
    assert reason in done.why_due()


def test_other_settings_and_an_input_made_anew_are_due(done, tmp_path):
    assert "made with setting 1, and 2 is asked for" in task(tmp_path, setting=2).why_due()
    (tmp_path / "verdicts.csv").write_text("others")
    Job("test", {}, "0", "cpu", 1).record(tmp_path / "verdicts.csv")
    assert "verdicts.csv, which is another one by now" in done.why_due()
