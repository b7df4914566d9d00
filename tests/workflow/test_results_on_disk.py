"""What lies on the disk is verified, remade where it is missing, and never mixed; every message is obeyed here."""

import json
import random
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ib_analysis.artefacts import read_record, verified
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.errors import UserError

CONFIG = "disk.yaml"
DISK = """
name: disk
dataset: {kind: digits, images: 120}
encoders:
  net:
    architecture: {kind: resnet, blocks: [1, 1], widths: [4, 4], bottleneck: 4}
    regimes:
      classifier: {epochs: 1, batch_size: 32}
    epochs: [0, 1]
    taps: [h1]
decoders:
  image: {kind: pixelcnn_pp, filters: 4, layers: 1, mixtures: 1, dropout: 0.0, context_filters: 4, context_layers: 1}
  image_fit: {steps: 10, batch_size: 16, evaluate_every: 5}
  label_fit: {steps: 10, batch_size: 16, evaluate_every: 5}
  mixture: {points: 0}
samples: {images: 2, draws: 1, unconditional: 2}
"""
RESULTS = Path("results/disk")
NATS = RESULTS / "measurement/nats/net/classifier/seed0.npz"
DECODERS = RESULTS / "measurement/decoders/net/classifier/seed0/epoch1"
APART = {"scratch", "logs", "benchmarks"}
CANNOT = ("Nothing to be done", "Traceback")


@pytest.fixture(scope="module")
def finished(laboratory, tmp_path_factory):
    """A finished experiment in a folder of its own, which each test gets as a copy."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / CONFIG).write_text(DISK)
    own = replace(laboratory, folder=folder)
    shutil.copytree(laboratory.folder / "workflow", folder / "workflow")
    for name in ("ib_analysis", "decoders"):
        (folder / name).symlink_to(laboratory.folder / name)
    shutil.copy(laboratory.folder / "Snakefile", folder / "Snakefile")
    run = own.snakemake(CONFIG)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-6000:]
    return own


@pytest.fixture
def disk(finished, tmp_path):
    """A copy: the same times of files, and hard links that are still links."""
    copied = tmp_path / "copy"
    run = shutil.copytree(finished.folder, copied, symlinks=True, copy_function=shutil.copy2)
    for folder in (copied / RESULTS / "scratch").rglob("decoder.safetensors"):
        for output in (copied / RESULTS / "measurement").rglob("*.safetensors"):
            if output.read_bytes() == folder.read_bytes():
                about = output.stat()
                output.unlink()
                output.hardlink_to(folder)
                assert output.stat().st_mtime_ns == about.st_mtime_ns
    return replace(finished, folder=run)


def flip(path, share=0.93):
    """One bit, in place: size and hard links stay."""
    with path.open("r+b") as file:
        at = int(share * path.stat().st_size)
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))


def said(run):
    return run.stdout + run.stderr


def files_of(folder):
    """Everything that a stage made, by its path."""
    return {
        path.relative_to(folder): path
        for path in sorted((folder / RESULTS).rglob("*"))
        if path.is_file()
        and not path.name.startswith(".")
        and not APART & set(path.relative_to(folder / RESULTS).parts)
    }


def is_record(path):
    of = path.with_name(path.name.removesuffix(".json"))
    return path.name == "provenance.json" or (of != path and of.exists())


def contents_of(folder):
    return {name: path.read_bytes() for name, path in files_of(folder).items() if not is_record(path)}


def artefact_of(path, folder):
    """The artefact that a file belongs to: its folder where that has a record, else itself."""
    above = (f for f in path.parents if f.is_relative_to(folder / RESULTS))
    return next((f for f in above if (f / "provenance.json").exists()), path)


def test_no_bit_of_any_file_can_change_unnoticed(disk):
    """Each file that a stage reads lies behind the door; a record that says something else is refused as well."""
    rng = random.Random(0)
    files = files_of(disk.folder)
    assert len(files) > 50
    for path in files.values():
        of = path.with_name(path.name.removesuffix(".json")) if is_record(path) else path
        artefact = artefact_of(of, disk.folder)
        verified(artefact)
        whole = path.read_bytes()
        for _ in range(3):
            flip(path, rng.random())
            with pytest.raises(UserError):
                verified(artefact)
            path.write_bytes(whole)
        verified(artefact)
    data = disk.folder / RESULTS / "dataset"
    open_dataset(data)
    for name in ("images.npy", "labels.npy"):
        flip(data / name)
        with pytest.raises(UserError, match=f"{name}: "):
            open_dataset(data)
        flip(data / name)


@pytest.mark.parametrize(
    "name",
    [
        RESULTS / "encoders/net/classifier/seed0/epoch-1.safetensors",
        DECODERS / "h1.image.safetensors",
        RESULTS / "dataset/labels.npy",
    ],
)
def test_damage_is_refused_by_name_and_the_remedy_gives_the_same_numbers(disk, name):
    before = contents_of(disk.folder)
    flip(disk.folder / name)
    (disk.folder / NATS).unlink()
    refused = disk.snakemake(CONFIG, str(NATS))
    (sentence, *_) = re.findall(r"ib-analysis: (.*)", said(refused))
    assert refused.returncode != 0
    assert str(name) in sentence
    assert "Traceback" not in said(refused)
    (remedy,) = re.findall(
        r"[Rr]emove (\S+) and run the workflow again", sentence.replace("remove it", f"remove {name}")
    )
    removed = disk.folder / remedy
    shutil.rmtree(removed) if removed.is_dir() else removed.unlink()
    again = disk.snakemake(CONFIG)
    assert again.returncode == 0, said(again)[-4000:]
    assert contents_of(disk.folder)[NATS] == before[NATS]
    assert contents_of(disk.folder)[name] == before[name]


def test_whatever_is_deleted_is_made_again(disk):
    """A file inside a folder, a figure, a table, the arrays of the data set, a record: one run, and all is back."""
    before = contents_of(disk.folder)
    gone = (
        RESULTS / "information.csv", RESULTS / "two_stages.csv", RESULTS / "dataset/images.npy",
        RESULTS / "figures/information_plane.svg", RESULTS / "figures/captions.json",
        RESULTS / "figures/samples/unconditional.png", RESULTS / "tables/information.tex",
        RESULTS / "encoders/net/classifier/seed0/training_curve.csv", DECODERS / "fits.json",
        DECODERS / "h1.label.safetensors", RESULTS / "measurement/samples/marginal.npz",
    )  # fmt: skip
    for name in gone:
        assert name in before, name
        (disk.folder / name).unlink()
    shutil.rmtree(disk.folder / RESULTS / "measurement/decoders/marginal")
    (disk.folder / f"{NATS}.json").unlink()
    shown = [
        "show_information",
        "--table",
        f"{RESULTS}/information.csv",
        "--report",
        f"{RESULTS}/report.html",
    ]
    missing = disk.stage(*shown)
    assert "information.csv is missing: run the workflow again, it makes what is not there." in missing.stderr
    run = disk.snakemake(CONFIG)
    assert run.returncode == 0, said(run)[-4000:]
    assert disk.stage(*shown).returncode == 0
    after = contents_of(disk.folder)
    assert after.keys() == before.keys()
    # What a fit took is in its record, and in the report: those of a fit from scratch are the old ones.
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {RESULTS / "report.html"}, changed
    quiet = disk.snakemake(CONFIG, "--dry-run")
    assert "Nothing to be done" in said(quiet)


def test_every_artefact_is_asked_for_by_default(disk):
    """So each is made again where it alone is missing."""
    made = {artefact_of(path, disk.folder) for path in files_of(disk.folder).values() if not is_record(path)}
    (disk.folder / RESULTS / "report.html").unlink()
    planned = said(disk.snakemake(CONFIG, "--dry-run"))
    (asked,) = re.findall(r"rule all:\n    input: (.*)", planned)
    assert {str(path.relative_to(disk.folder)) for path in made} == set(asked.split(", "))


def steps_of(disk):
    """The steps in the record of each decoder."""
    records = (disk.folder / RESULTS).rglob("measurement/decoders/**/provenance.json")
    specs = [read_record(path.parent)["spec"] for path in records]
    return {spec["fit" if "fit" in spec else "image_fit"]["steps"] for spec in specs}


@pytest.mark.parametrize("forgets", ["without its memory", "with times alone"])
def test_a_changed_setting_is_never_half_applied(disk, forgets):
    options = ["--rerun-triggers", "mtime"] if forgets == "with times alone" else []
    if not options:
        shutil.rmtree(disk.folder / ".snakemake")
    assert "Nothing to be done" in said(disk.snakemake(CONFIG, "--dry-run", *options))
    disk.edit(CONFIG, "image_fit: {steps: 10", "image_fit: {steps: 20")
    run = disk.snakemake(CONFIG, *options)
    assert run.returncode == 0, said(run)[-4000:]
    assert "fit.steps 10, and 20 is asked for: it is made again" in said(run)
    assert steps_of(disk) == {20}
    assert "Nothing to be done" in said(disk.snakemake(CONFIG, "--dry-run", *options))


def test_a_network_that_is_no_longer_asked_for_leaves_the_tables(disk):
    shutil.rmtree(disk.folder / ".snakemake")
    disk.edit(CONFIG, "epochs: [0, 1]", "epochs: [1]")
    planned = said(disk.snakemake(CONFIG, "--dry-run"))
    for rule in ("train_encoder", "evaluate_decoders", "tabulate_information", "write_report"):
        assert f"rule {rule}:" in planned
    assert "rule fit_marginal:" not in planned


def test_parts_of_two_runs_are_refused_where_they_meet(disk):
    """Nats of another run, copied between the others with their record: whole, and not of these decoders."""
    shutil.rmtree(disk.folder / ".snakemake")
    record = disk.folder / f"{NATS}.json"
    content = json.loads(record.read_text())
    shutil.rmtree(disk.folder / DECODERS)
    shutil.rmtree(disk.folder / RESULTS / "scratch")
    disk.edit(CONFIG, "image_fit: {steps: 10, batch_size: 16", "image_fit: {steps: 10, batch_size: 8")
    run = disk.snakemake(CONFIG, str(DECODERS))
    assert run.returncode == 0, said(run)[-4000:]
    assert json.loads(record.read_text()) == content
    refused = disk.stage(
        "tabulate_information", "--dataset", f"{RESULTS}/dataset/header.json",
        "--marginal", f"{RESULTS}/measurement/nats/mixture.npz", "--nats", str(NATS),
        "--calibration", "--table", "t.csv", "--two_stages", "s.csv",
    )  # fmt: skip
    assert refused.returncode == 1
    assert re.search(r"was made from \S+, which is another one by now: remove it and run", refused.stderr)
    assert not (disk.folder / "t.csv").exists()


def draw_images(folder, count, seed):
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(folder / f"{seed}-{i}.png")


def test_images_that_are_added_are_noticed_and_a_folder_that_is_gone_is_not_missed(finished, tmp_path):
    for seed, name in enumerate(("cats", "dogs")):
        draw_images(tmp_path / "images" / name, 30, seed)
    source = f"dataset: {{kind: image_folder, folder: {tmp_path}/images, mode: grey}}"
    text = DISK.replace("name: disk", "name: own").replace("dataset: {kind: digits, images: 120}", source)
    (finished.folder / "own.yaml").write_text(text)
    header = "results/own/dataset/header.json"

    def images():
        run = finished.snakemake("own.yaml", header)
        assert run.returncode == 0, said(run)
        counts = json.loads((finished.folder / header).read_text())["counts"]
        return sum(counts.values()), "Nothing to be done" in said(run)

    assert images() == (60, False)
    assert images() == (60, True)
    draw_images(tmp_path / "images/dogs/more", 10, 2)
    assert images() == (70, False)
    (tmp_path / "images").rename(tmp_path / "away")
    assert images() == (70, True)
