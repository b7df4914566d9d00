"""The whole workflow on images whose information is known: the tables hold the truth, and stay valid."""

import csv
import json
import math
import re
import shutil
from dataclasses import replace

import pytest

from ib_analysis.artefacts import write_record
from ib_analysis.figures.samples import read_samples
from ib_analysis.information.measurement.evaluation import read_evaluation, write_evaluation
from ib_analysis.report.explorer.pictures import png
from tests.browser.devtools import browser, chromium

CONFIG = "tiny.yaml"
TINY = """
name: tiny
title: A tiny ground truth
dataset:
  kind: known_information
  source: markov
  count: 2400
  size: 8
  levels: 3
  correlation: 0.3
  scale: 0.4
  label_noise: 0.1
  shares: {encoder: 0.05, decoder: 0.7, evaluation: 0.25}
encoders:
  rows:
    architecture: {kind: kept_rows, rows: [4, 6]}
    regimes:
      fixed: {epochs: 0}
    epochs: [0]
    taps: [rows4, rows6]
decoders:
  image: {kind: pixelcnn_pp, filters: 8, layers: 1, mixtures: 2, dropout: 0.0, context_filters: 8, context_layers: 1}
  pretrained_fit: {steps: 320, batch_size: 32, learning_rate: 1.0e-2, average_decay: 0.98, evaluate_every: 80}
  image_fit: {steps: 200, batch_size: 32, learning_rate: 6.0e-3, average_decay: 0.98, evaluate_every: 40}
  label: {kind: categorical, hidden: 8}
  label_fit: {steps: 200, batch_size: 64, learning_rate: 5.0e-3, average_decay: 0.98, evaluate_every: 20, patience: 4}
samples: {images: 2, draws: 1, unconditional: 4}
"""


@pytest.fixture(scope="module")
def finished(laboratory):
    (laboratory.folder / CONFIG).write_text(TINY)
    run = laboratory.snakemake(CONFIG)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-6000:]
    return replace(laboratory, said=run.stdout + run.stderr)


def rows(laboratory) -> dict[tuple[str, str, str], dict[str, str]]:
    with (laboratory.folder / "results/tiny/information.csv").open() as file:
        return {(row["tap"], row["quantity"], row["method"]): row for row in csv.DictReader(file)}


def measured(table, tap: str, quantity: str) -> tuple[float, float]:
    (row,) = [r for (t, q, m), r in table.items() if (t, q) == (tap, quantity) and m != "closed form"]
    return float(row["bits"]), float(row["stderr_bits"])


@pytest.mark.parametrize("tap", ["rows4", "rows6"])
@pytest.mark.parametrize("quantity", ["I(x;h)", "I(y;h)"])
def test_the_truth_lies_within_four_standard_errors(finished, tap, quantity):
    table = rows(finished)
    estimate, stderr = measured(table, tap, quantity)
    truth = float(table[tap, quantity, "closed form"]["bits"])
    assert table[tap, quantity, "closed form"]["bound"] == "exact"
    assert stderr > 0
    assert abs(estimate - truth) < 4 * stderr, f"{estimate} +- {stderr} bits, truth {truth}"


def test_no_cross_entropy_lies_below_its_entropy(finished):
    table = rows(finished)
    entropy = float(table["", "H(x)", "closed form"]["bits"])
    estimate, stderr = measured(table, "", "CE(x)")
    assert entropy - 4 * stderr < estimate < 1.05 * entropy


def test_a_run_prints_its_plan_and_one_line_a_job(finished):
    lines = finished.said.splitlines()
    jobs = [line for line in lines if re.match(r" *\d+/\d+  \w", line)]
    assert "tiny: what will be made" in lines
    assert [int(line.split("/")[0]) for line in jobs] == list(range(1, len(jobs) + 1))
    assert any("fit decoders rows fixed seed 0 epoch 0" in line for line in jobs)
    assert len(lines) < len(jobs) + 30
    assert "step/s" not in finished.said
    log = finished.folder / "results/tiny/logs/measurement/fit_decoders/rows/fixed/seed0/epoch0.log"
    assert "step/s" in log.read_text()


def test_everything_promised_is_there_and_says_how_it_was_made(finished):
    results = finished.folder / "results/tiny"
    for name in (
        "report.html",
        "information.csv",
        "two_stages.csv",
        "measurement/samples/rows/fixed/seed0.npz",
    ):
        assert (results / name).stat().st_size > 0
        record = json.loads((results / f"{name}.json").read_text())
        assert len(record["code"]) == 16
        assert record["versions"]["torch"] != "not installed"
    for suffix in ("pdf", "svg", "png"):
        assert (results / f"figures/information_plane.{suffix}").stat().st_size > 1000
    sheets = {path.name for path in (results / "figures/samples").glob("*.png")}
    expected = (
        "rows-fixed-seed0-rows4",
        "rows-fixed-seed0-rows6",
        "rows-fixed-seed0-epoch0",
        "unconditional",
    )
    assert sheets == {f"{name}.png" for name in expected}


def test_a_second_run_has_nothing_to_do_and_a_docstring_changes_nothing(finished):
    assert "Nothing to be done" in (out := finished.snakemake(CONFIG, "--dry-run")).stdout + out.stderr
    finished.edit(
        "decoders/pixelcnn_pp/network.py", '"""The network of PixelCNN++:', '"""The layers of PixelCNN++:'
    )
    assert "Nothing to be done" in (out := finished.snakemake(CONFIG, "--dry-run")).stdout + out.stderr


def test_an_edited_encoder_re_runs_the_decoders_even_where_its_weights_stay_the_same(finished):
    """A fixed encoder has no weights at all: its code is in the digest of every stage that computes h."""
    finished.edit("ib_analysis/encoders/kept_rows.py", "- 1\n", "- 1.0\n")
    planned = finished.snakemake(CONFIG, "--dry-run", "--quiet", "rules").stdout
    finished.edit("ib_analysis/encoders/kept_rows.py", "- 1.0\n", "- 1\n")
    assert "fit_decoders" in planned
    assert "evaluate_decoders" in planned
    assert "fit_marginal" not in planned


def test_an_edited_stage_re_runs_just_what_depends_on_it(finished):
    finished.edit(
        "ib_analysis/figures/style/palette.py", "def tap_colours", "EDITED = True\n\n\ndef tap_colours"
    )
    planned = finished.snakemake(CONFIG, "--dry-run", "--quiet", "rules").stdout
    assert "plot_figures" in planned
    assert "write_report" in planned
    for untouched in (
        "prepare_dataset",
        "train_encoder",
        "fit_marginal",
        "fit_decoders",
        "tabulate_information",
    ):
        assert untouched not in planned
    finished.edit(
        "ib_analysis/figures/style/palette.py", "EDITED = True\n\n\ndef tap_colours", "def tap_colours"
    )


def test_a_lost_output_comes_back_from_scratch_without_a_fit(finished):
    folder = finished.folder / "results/tiny/measurement/decoders/rows/fixed/seed0/epoch0"
    before = {path.name: path.read_bytes() for path in folder.glob("*.safetensors")}
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    run = finished.snakemake(CONFIG, "results/tiny/measurement/decoders/rows/fixed/seed0/epoch0")
    assert run.returncode == 0, run.stderr
    log = finished.folder / "results/tiny/logs/measurement/fit_decoders/rows/fixed/seed0/epoch0.log"
    assert "step/s" not in log.read_text()
    assert {path.name: path.read_bytes() for path in folder.glob("*.safetensors")} == before


def test_snakemake_report_works(finished):
    run = finished.snakemake(CONFIG, "--report", "snakemake.html")
    assert run.returncode == 0, run.stderr
    assert (finished.folder / "snakemake.html").stat().st_size > 10_000


def test_a_failed_job_fails_the_run(finished):
    """The sentence of the job, which stands in its log, is printed."""
    name = "results/tiny/measurement/samples/rows/fixed/seed0.npz"
    checkpoint = finished.folder / "results/tiny/encoders/rows/fixed/seed0/epoch-0.safetensors"
    whole, kept = checkpoint.read_bytes(), (finished.folder / name).read_bytes()
    checkpoint.unlink()
    checkpoint.write_bytes(bytes(len(whole)))  # of the same size: a file that is cut would be made again
    run = finished.snakemake(
        CONFIG, "--forcerun", "draw_samples", "--rerun-triggers", "mtime", "--until", "draw_samples"
    )
    said = run.stdout + run.stderr
    checkpoint.unlink()
    checkpoint.write_bytes(whole)
    (finished.folder / name).write_bytes(kept)
    assert run.returncode != 0
    assert "ib-analysis: " in said
    assert "completed successfully" not in said


def test_two_results_are_compared_at_equal_taps(finished):
    """An image decoder that is worse by 0.25 nats at one tap shows there, by no more than so much, and nowhere else."""
    results = finished.folder / "results"
    shutil.copytree(results / "tiny", results / "worse")
    path = results / "worse/measurement/nats/rows/fixed/seed0.npz"
    found = read_evaluation(path)
    worse = {
        point: replace(
            nats, image=replace(nats.image, evaluation=nats.image.evaluation + 0.25 * (point.tap == "rows4"))
        )
        for point, nats in found.points.items()
    }
    write_evaluation(path, replace(found, points=worse))
    record = json.loads(path.with_name("seed0.npz.json").read_text())
    write_record(path, {name: facts for name, facts in record.items() if name not in ("files", "checksum")})
    run = finished.stage("compare", "results/tiny", "results/worse")
    assert run.returncode == 0, run.stderr
    with (finished.folder / "comparison.csv").open() as file:
        rows = {(row["tap"], row["quantity"]): float(row["bits"]) for row in csv.DictReader(file)}
    assert 0.1 < rows.pop(("rows4", "I(x;h)")) <= 0.25 / math.log(2)
    assert len(rows) == 3
    assert all(abs(bits) < 1e-12 for bits in rows.values())
    assert "worse: rows, fixed" in (finished.folder / "comparison.html").read_text()


@pytest.mark.parametrize(
    ("other", "sentence"),
    [("results/none", "holds no finished report"), ("results/tiny", "are one folder")],
)
def test_what_cannot_be_compared_is_one_sentence(finished, other, sentence):
    run = finished.stage("compare", "results/tiny", other)
    assert run.returncode == 1
    assert sentence in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.skipif(chromium() is None, reason="no Chromium here: .ci/run installs one")
def test_the_page_of_a_run_shows_the_images_that_the_run_drew(finished):
    """By their bytes, at both taps; and the page asks the network for nothing."""
    samples = read_samples(finished.folder / "results/tiny/measurement/samples/rows/fixed/seed0.npz")
    with browser(chromium()) as page:
        page.open(finished.folder / "results/tiny/report.html")
        for tap in samples.taps():
            page.run(f"""(() => {{
                const tap = document.getElementById("explorer-tap");
                tap.value = [...tap.options].find((option) => option.textContent === "{tap}").value;
                tap.dispatchEvent(new Event("change"));
            }})()""")
            shown = page.run(
                "[...document.querySelectorAll('#explorer-images img')].map((image) => image.src)"
            )
            (draw,) = samples.at(0, tap)
            wanted = [png(image, samples.levels) for pair in zip(samples.originals, draw) for image in pair]
            assert shown == [f"data:image/png;base64,{image}" for image in wanted]
        outside = [address for address in page.requests if not address.startswith("data:")]
        assert [address.startswith("file://") for address in outside] == [True]
