"""The gallery of one GPU call: a tiny run on the CPU that is continued, and its table and picture."""

import csv
import json
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import gpu_gallery as gallery
from benchmarks import gpu_gallery_figures as figures
from benchmarks.gpu_gallery import Point
from ib_analysis.datasets.digits import Digits
from ib_analysis.datasets.prepare import prepare_dataset
from ib_analysis.datasets.specs.digits import DigitsSpec
from ib_analysis.errors import UserError

BITS = {
    Point("p(x)"): 100.0,
    Point("label"): 97.0,
    Point("h1", "classifier", 0): 60.0,
    Point("h1", "classifier", 30): 40.0,
    Point("h4", "autoencoder", 30): 90.0,
}
"""Cross-entropies of an invented run."""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared") / "digits"
    prepare_dataset(Digits(DigitsSpec()), DigitsSpec(), folder)
    return folder


def run(monkeypatch, prepared, out, seconds):
    arguments = [
        "gpu_gallery",
        "--dataset",
        str(prepared),
        "--out",
        str(out),
        "--smoke",
        "--seconds",
        seconds,
    ]
    monkeypatch.setattr(sys, "argv", arguments)
    assert gallery.main() == 0


def names(out):
    return {path.stem for path in (out / "points").glob("*.json")}


def test_a_second_run_does_what_the_first_left_out_and_repeats_nothing(
    prepared, tmp_path, monkeypatch, capsys
):
    run(monkeypatch, prepared, tmp_path, "0")
    assert names(tmp_path) == set(), "nothing begins after the end"
    kept = [tmp_path / "pretrained.safetensors", tmp_path / "networks/classifier-0/epoch-2.safetensors"]
    assert not (tmp_path / "networks/classifier-0/scratch").exists()
    wanted = [
        Point("p(x)"),
        Point("label"),
        Point("h1", "classifier", 2),
        Point("bottleneck", "autoencoder", 0),
    ]
    for points in (wanted[:1], wanted):
        times = [path.stat().st_mtime_ns for path in kept]
        monkeypatch.setattr(gallery.Settings, "points", lambda _, points=points: iter(points))
        run(monkeypatch, prepared, tmp_path, "1000")
        assert names(tmp_path) == {point.name for point in points}
        assert [path.stat().st_mtime_ns for path in kept] == times
        kept += [tmp_path / f"points/{point.name}.npz" for point in points]
    assert "complete" in capsys.readouterr().out
    with np.load(tmp_path / "points/classifier-epoch2-h1.npz") as found:
        assert found["nats"].shape == (64,)
        assert found["drawn"].shape == (2, 4, 1, 8, 8)
        assert found["drawn"].dtype == np.uint8
    facts = json.loads((tmp_path / f"points/{wanted[-1].name}.json").read_text())
    assert (facts["tap"], facts["regime"], facts["epoch"]) == ("bottleneck", "autoencoder", 0)
    assert facts["settings"]["trained"]["widths"] == [8, 8, 16, 16]


@pytest.mark.parametrize(
    ("more", "words"), [([], "sees no GPU"), (["--smoke", "--dataset", "no/such"], "no/such")]
)
def test_what_is_missing_is_said_in_a_sentence(tmp_path, monkeypatch, capsys, more, words):
    monkeypatch.setattr(gallery, "GPU", torch.device("cpu"))
    monkeypatch.setattr(sys, "argv", ["gpu_gallery", "--out", str(tmp_path), *more])
    assert gallery.main() == 1
    said = capsys.readouterr().err
    assert words in said
    assert len(said.splitlines()) == 1


def test_points_are_all_taps_of_three_epochs_of_both_regimes_the_trained_classifier_first():
    trained = gallery.Networks(*(None,) * 2, (1,), 1, 1, (0, 2, 30), 1, 0.1, 0.0)
    settings = gallery.Settings(None, trained, *(1,) * 10)
    points = list(settings.points())
    assert len(points) == len(set(points)) == 2 + 2 * 3 * 5
    assert [(p.regime, p.epoch) for p in points[2:17:5]] == [
        ("classifier", 30),
        ("classifier", 0),
        ("autoencoder", 30),
    ]


@pytest.fixture
def run_folder(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (48, 3, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "originals.npz", x=images)
    (tmp_path / "points").mkdir()
    spread = np.tile([-1.0, 1.0], 32)
    for point, bits in BITS.items():
        facts = {"tap": point.tap, "regime": point.regime, "epoch": point.epoch}
        facts |= {"late_gain_nats": np.log(2.0), "steps": 7, "point_seconds": 3.0}
        (tmp_path / f"points/{point.name}.json").write_text(json.dumps(facts))
        nats = (bits + (spread if point.tap == "h1" else 0 * spread)) * np.log(2.0)
        drawn = np.stack([images, 255 - images]) if point.tap == "h1" else np.stack([images, images])
        np.savez(tmp_path / f"points/{point.name}.npz", nats=nats.astype(np.float32), drawn=drawn)
    return tmp_path


def test_the_table_has_information_against_p_of_x_with_its_paired_error(run_folder):
    out = run_folder / "out"
    figures.make_all(run_folder, out)
    with (out / "gpu-gallery.csv").open() as lines:
        rows = {(row["regime"], row["epoch"], row["tap"]): row for row in csv.DictReader(lines)}
    assert len(rows) == len(BITS)
    h1 = rows["classifier", "30", "h1"]
    assert float(h1["information_bits"]) == pytest.approx(60.0, abs=0.01)
    assert float(h1["stderr_images_bits"]) == pytest.approx(np.sqrt(64 / 63) / 8, abs=0.01)
    assert float(rows["", "", "label"]["information_bits"]) == pytest.approx(3.0, abs=0.01)
    assert float(rows["", "", "label"]["squared_error_of_draws"]) == 0.0
    x = np.load(run_folder / "originals.npz")["x"] / 255.0
    assert float(h1["squared_error_of_draws"]) == pytest.approx(((1 - 2 * x) ** 2).mean() / 2, abs=1e-4)


def test_the_picture_shows_whole_pixels_of_the_first_images(run_folder):
    out = run_folder / "out"
    figures.make_all(run_folder, out)
    picture = np.array(Image.open(out / "gpu-gallery.png").convert("RGB"))
    original = np.load(run_folder / "originals.npz")["x"][0]
    top, left = figures.TITLE, figures.LEFT
    shown = picture[top : top + 16 : 2, left : left + 16 : 2]
    assert np.array_equal(shown, original.transpose(1, 2, 0))


def test_a_folder_without_p_of_x_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"holds no p\(x\)"):
        figures.Run.of(tmp_path)
