"""The page of a run that goes on: what is there is counted and shown, what is not there stops nothing."""

import re

import pytest

from ib_analysis.artefacts import write_json, write_record
from ib_analysis.encoders.training.training_curve import CurveRow, curve_path
from ib_analysis.provenance import Job
from ib_analysis.rows import write_rows
from ib_analysis.stages import write_so_far
from ib_analysis.units import nats


@pytest.fixture
def job():
    return Job("write_so_far", {}, "code", "cpu", 1)


def folder(path, spec, seconds, fits=None):
    path.mkdir(parents=True)
    if fits is not None:
        write_json(path / "fits.json", fits)
    write_record(path, {"spec": spec, "seconds": seconds, "inputs": {}})
    return path


def fit(bits, late=0.5):
    return {
        "holdout_nats": nats(bits),
        "holdout_stderr_nats": nats(0.3),
        "late_gain_nats": nats(late),
    }


def network(regime="classifier"):
    return {"encoder": "net", "regime": regime, "seed": 0}


@pytest.fixture
def half_done(tmp_path):
    """One of two networks, p(x) of two variants, and one checkpoint of two under both."""
    checkpoints = folder(tmp_path / "net", network(), 600.0)
    rows = [CurveRow(epoch, 0.1, 0.5, "accuracy", value, 0.7, 1.0) for epoch, value in ((0, 0.1), (5, 0.998))]
    write_rows(curve_path(checkpoints), CurveRow, rows)
    write_record(checkpoints, {"spec": network(), "seconds": 600.0, "inputs": {}})
    marginal, decoders = [], []
    for i, variant in enumerate(("measurement", "decoder-seed-1")):
        marginal.append(
            folder(
                tmp_path / variant / "marginal", {"variant": variant}, 60.0, {"marginal.image": fit(100 + i)}
            )
        )
        fits = {"h3.image": fit(80 + 2 * i), "h3.label": {"holdout_nats": 1.0}}
        decoders += [
            folder(tmp_path / variant / "epoch0", network() | {"variant": variant, "epoch": 0}, 1800.0, fits),
            tmp_path / variant / "epoch5",
        ]
    return {
        "checkpoints": [checkpoints, tmp_path / "auto"],
        "marginal": marginal,
        "decoders": decoders,
        "nats": [tmp_path / "nats.npz"],
        "samples": [tmp_path / "samples.npz"],
        "results": [tmp_path / "information.csv"],
        "out": tmp_path / "so_far.html",
    }


def words(path):
    return re.sub(r"<[^>]+>", " ", path.read_text())


def test_what_is_done_is_counted_and_the_rest_is_timed(half_done, job):
    write_so_far.run(write_so_far.Spec(title="A run"), job, **half_done)
    text = words(half_done["out"])
    assert "A run: so far" in text
    assert "5 of 10 jobs are done" in text
    assert "Not yet known: the time of evaluations, samples" in text
    # two more checkpoints of half an hour each
    assert re.search(r"decoders of a checkpoint\s+2\s+4\s+30\.0\s+1\.0", text)
    assert "Finished" not in text


def test_estimates_pair_each_fit_with_the_marginal_of_its_variant(half_done, job):
    write_so_far.run(write_so_far.Spec(title="A run"), job, **half_done)
    text = words(half_done["out"])
    # 100 - 80 and 101 - 82 bits
    assert re.search(r"net\s+classifier\s+0\s+0\s+h3\s+19\.50 ± 0\.42\s+0\.50\s+2", text)
    assert "data:image/png;base64" in half_done["out"].read_text()
    assert re.search(r"accuracy\s+0\.998\s+0\.7", text)


def test_before_anything_is_there_the_page_says_so(tmp_path, job):
    nothing = {name: [tmp_path / name] for name in ("checkpoints", "marginal", "decoders", "nats", "samples")}
    out = tmp_path / "so_far.html"
    write_so_far.run(write_so_far.Spec(title="A run"), job, **nothing, results=[], out=out)
    assert "0 of 5 jobs are done" in words(out)
    assert "First estimates" not in words(out)


def test_a_folder_without_its_record_is_not_done(half_done, job):
    (half_done["decoders"][0] / "provenance.json").unlink()
    write_so_far.run(write_so_far.Spec(title="A run"), job, **half_done)
    assert "4 of 10 jobs are done" in words(half_done["out"])


def test_finished_tables_are_linked(half_done, job, tmp_path):
    table = tmp_path / "information.csv"
    table.write_text("a\n")
    write_record(table, {"spec": {}, "seconds": 1.0, "inputs": {}})
    write_so_far.run(write_so_far.Spec(title="A run"), job, **half_done)
    assert '<a href="information.csv">' in half_done["out"].read_text()
