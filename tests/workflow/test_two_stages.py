"""The two stages from images to verdicts, at the smallest sizes, and the page of what is there."""

import csv

import pytest
import yaml

CONFIG = "two-stages-tiny.yaml"
TINY = """
name: tiny
dataset: {kind: digits, images: 300}
encoders:
  wide:
    architecture: &wide {kind: resnet, blocks: [1, 1], widths: [4, 8], bottleneck: 4}
    regimes:
      classifier: {epochs: 11, batch_size: 64, weight_decay: 5.0e-4}
    seeds: [0, 1]
    epochs: [0, 1, 11]
    taps: [h1, h2]
  plain:
    architecture: *wide
    regimes:
      classifier: {epochs: 11, batch_size: 64, weight_decay: 0}
    seeds: [0, 1]
    epochs: [0, 1, 11]
    taps: [h2]
decoders:
  image: {kind: pixelcnn_pp, filters: 4, layers: 1, mixtures: 2, dropout: 0.0, context_filters: 4, context_layers: 1}
  image_fit: {steps: 10, batch_size: 16, evaluate_every: 5}
  label: {kind: categorical, hidden: 4}
  label_fit: {steps: 10, batch_size: 16, evaluate_every: 5}
  mixture: {points: 0}
samples: {images: 6, draws: 2, shown: 2, unconditional: 2}
forgetting: {judge: {blocks: [1], widths: [4]}, training: {epochs: 2}}
studies:
  darlow2020: {encoders: [wide, plain], without_decay: plain, deep: [h2], early: [h1], own_images: 40}
"""


def table(laboratory, name):
    with (laboratory.folder / "results/tiny" / name).open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def finished(laboratory):
    (laboratory.folder / CONFIG).write_text(TINY)
    run = laboratory.snakemake(CONFIG, "two_stages")
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-6000:]
    return laboratory


def test_every_claim_gets_a_verdict_on_held_out_and_on_own_images(finished):
    verdicts = table(finished, "verdicts.csv")
    numbers = {row["claim"].split(")")[0] for row in verdicts}
    assert numbers == {"(i + ii", "(i", "(ii", "(iii", "(iv", "(v", "(vi", "(vii"}
    assert {row["n_seeds"] for row in verdicts} == {"2"}
    tests = table(finished, "darlow2020.csv")
    assert {(row["images"], row["n_images"]) for row in tests} == {("held out", "60"), ("own", "40")}
    assert {row["width"] for row in tests} == {"4-8"}
    assert all(0 < float(row["own_score"]) <= 1 for row in tests)


def test_forgetting_is_told_of_every_point_with_a_judge_and_beside_other_images(finished):
    rows = table(finished, "forgetting.csv")
    points = {(row["encoder"], row["seed"], row["epoch"], row["tap"]) for row in rows}
    assert len(points) == 2 * 3 * 2 + 2 * 3
    assert {row["measure"] for row in rows} == {"class agreement", "squared error", "frequency"}
    assert all(float(row["any_image"]) > 0 for row in rows if row["measure"] == "squared error")
    assert {(row["n_images"], row["n_draws"]) for row in rows} == {("6", "2")}


def test_changes_between_epochs_are_told_over_networks(finished):
    rows = table(finished, "forgetting_changes.csv")
    assert {(row["from_epoch"], row["to_epoch"]) for row in rows} == {("0", "1"), ("0", "11"), ("1", "11")}
    assert {row["n_networks"] for row in rows} == {"2"}
    values = {
        (row["seed"], row["epoch"]): float(row["value"])
        for row in table(finished, "forgetting.csv")
        if (row["encoder"], row["tap"], row["measure"]) == ("wide", "h2", "squared error")
    }
    (change,) = (
        row
        for row in rows
        if (row["encoder"], row["tap"], row["measure"]) == ("wide", "h2", "squared error")
        and (row["from_epoch"], row["to_epoch"]) == ("1", "11")
    )
    expected = sum(values[seed, "11"] - values[seed, "1"] for seed in ("0", "1")) / 2
    assert float(change["change"]) == pytest.approx(expected)
    assert float(change["low"]) < expected < float(change["high"])


def test_the_deep_taps_have_a_plane_of_their_own(finished):
    figures = finished.folder / "results/tiny/figures"
    assert (figures / "deep_plane.pdf").stat().st_size > 1000
    assert "Information plane of the deep taps" in (finished.folder / "results/tiny/report.html").read_text()


def test_the_run_is_whole_and_its_page_says_so(finished):
    again = finished.snakemake(CONFIG, "two_stages")
    assert "Nothing to be done" in again.stdout + again.stderr
    run = finished.snakemake(CONFIG, "two_stages_so_far")
    assert run.returncode == 0, run.stdout + run.stderr
    page = (finished.folder / "results/tiny/so_far.html").read_text()
    assert "jobs are done" in page
    assert "First estimates" in page
    assert '<a href="report.html">report.html</a>' in page


def test_the_page_is_made_while_nothing_is_there_and_makes_nothing(laboratory):
    (laboratory.folder / "early.yaml").write_text(TINY.replace("name: tiny", "name: early"))
    run = laboratory.snakemake("early.yaml", "two_stages_so_far")
    assert run.returncode == 0, run.stdout + run.stderr
    made = {path.name for path in (laboratory.folder / "results/early").iterdir()}
    assert made == {"logs", "so_far.html"}
    assert "0 of" in (laboratory.folder / "results/early/so_far.html").read_text()


@pytest.mark.parametrize("target", ["two_stages", "two_stages_quick"])
def test_a_target_brings_its_configuration(laboratory, target):
    run = laboratory.run(target, "--cores", "1", "--dry-run", "--quiet", "rules")
    assert run.returncode == 0, run.stdout + run.stderr
    plan = dict(line.split() for line in run.stdout.splitlines() if len(line.split()) == 2)
    assert plan["judge_two_stages"] == plan["tabulate_forgetting"] == plan["write_report"] == "1"
    name = target.replace("_", "-")
    settings = yaml.safe_load((laboratory.folder / f"workflow/config/{name}.yaml").read_text())
    networks = sum(len(e["regimes"]) * len(e.get("seeds", [0])) for e in settings["encoders"].values())
    assert int(plan["train_encoder"]) == networks


def test_targets_of_two_configurations_are_refused(laboratory):
    run = laboratory.run("two_stages", "two_stages_quick", "--cores", "1", "--dry-run")
    assert run.returncode != 0
    assert "ask for the targets of one at a time" in run.stdout + run.stderr
