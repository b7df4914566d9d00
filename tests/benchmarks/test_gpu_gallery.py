"""The gallery of one GPU call: a tiny run on the CPU that is continued, and its table and picture."""

import csv
import json
import sys
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import gpu_gallery as gallery
from benchmarks import gpu_gallery_figures as figures
from benchmarks import gpu_networks
from benchmarks.gpu_gallery import Point
from decoders.errors import FitError
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
    spec = DigitsSpec(images=200)
    prepare_dataset(Digits(spec), spec, folder)
    return folder


def run(monkeypatch, prepared, out, seconds, code=0):
    arguments = ["--dataset", str(prepared), "--out", str(out), "--smoke", "--seconds", seconds]
    monkeypatch.setattr(sys, "argv", ["gpu_gallery", *arguments])
    assert gallery.main() == code


def names(out):
    return {path.stem for path in (out / "points").glob("*.json")}


def test_a_second_run_does_what_the_first_left_out_and_repeats_nothing(
    prepared, tmp_path, monkeypatch, capsys
):
    run(monkeypatch, prepared, tmp_path, "0")
    assert names(tmp_path) == set(), "nothing begins after the end"
    kept = [tmp_path / "pretrained.safetensors", tmp_path / "networks/classifier-0/epoch-2.safetensors"]
    assert not (tmp_path / "networks/classifier-0/scratch").exists()
    monkeypatch.setattr(gpu_networks, "train", lambda *_, **__: pytest.fail("trained again"))
    trained = SimpleNamespace(of=lambda regime, seed: tmp_path / f"networks/{regime}-{seed}")
    assert gpu_networks.train_network(trained, "classifier", 0) in (tmp_path / "curves.csv").read_text()
    wanted = [
        Point("p(x)"),
        Point("label"),
        Point("h1", "classifier", 2),
        Point("bottleneck", "autoencoder", 0),
    ]
    for points in (wanted[:1], wanted):
        times = [path.stat().st_mtime_ns for path in kept]
        monkeypatch.setattr(gallery.Settings, "points", lambda _, points=points: iter(points))
        monkeypatch.setattr(gallery, "training_networks", lambda *_: nullcontext())
        run(monkeypatch, prepared, tmp_path, "1000")
        assert names(tmp_path) == {point.name for point in points}
        assert [path.stat().st_mtime_ns for path in kept] == times
        kept += [tmp_path / f"points/{point.name}.npz" for point in points]
    assert "all points are there" in capsys.readouterr().out
    with np.load(tmp_path / "points/classifier-epoch2-h1.npz") as found:
        assert found["nats"].shape == (40,)
        assert found["drawn"].shape == (2, 4, 1, 8, 8)
        assert found["drawn"].dtype == np.uint8
    facts = json.loads((tmp_path / f"points/{wanted[-1].name}.json").read_text())
    assert (facts["tap"], facts["regime"], facts["epoch"]) == ("bottleneck", "autoencoder", 0)
    assert facts["settings"]["widths"] == [8, 8, 16, 16]

    rows = [line.split(",") for line in (tmp_path / "curves.csv").read_text().splitlines()[1:]]
    assert {(row[0], row[2]) for row in rows} == {(r, e) for r in gallery.TAPS for e in "012"}


def test_a_run_does_not_go_on_with_parts_of_other_settings(prepared, tmp_path, monkeypatch, capsys):
    (tmp_path / "settings.json").write_text(json.dumps({"steps": 700}))
    run(monkeypatch, prepared, tmp_path, "0", code=1)
    said = capsys.readouterr().err
    assert "choose another --out" in said
    assert not (tmp_path / "networks").exists()


def test_a_point_that_cannot_be_fitted_is_named_and_the_others_are_made(
    prepared, tmp_path, monkeypatch, capsys
):
    real = gallery.fit

    def fit(decoder, pairs, spec, **how):
        if how["label"] == "label":
            raise FitError("label: the loss is not finite")
        return real(decoder, pairs, spec, **how)

    monkeypatch.setattr(gallery, "fit", fit)
    monkeypatch.setattr(gallery, "training_networks", lambda *_: nullcontext())
    (tmp_path / "curves.csv").write_text("")
    wanted = [Point("label"), Point("p(x)")]
    monkeypatch.setattr(gallery.Settings, "points", lambda _: iter(wanted))
    run(monkeypatch, prepared, tmp_path, "1000", code=1)
    assert names(tmp_path) == {"px"}
    assert "no fit of label" in capsys.readouterr().err


def test_no_point_begins_that_is_as_long_as_one_of_an_earlier_run_and_would_end_too_late(
    monkeypatch, tmp_path
):
    (tmp_path / "points").mkdir()
    (tmp_path / "points/px.json").write_text('{"point_seconds": 50.0}')
    begun = []
    settings = SimpleNamespace(out=tmp_path, points=lambda: iter([Point("p(x)"), Point("label")]))
    one = SimpleNamespace(
        settings=settings, say=lambda _: None, fit_point=lambda point, _: begun.append(point)
    )
    for left, expected in ((59.0, []), (61.0, [Point("label")])):
        one.left = lambda left=left: left
        assert gallery.fit_points(one, None) == []
        assert begun == expected


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
        facts |= {"late_gain_nats": np.log(2.0), "steps": 7, "point_seconds": 3.0, "fit_seconds": 2.0}
        facts |= {"settings": {"steps": 7}}
        (tmp_path / f"points/{point.name}.json").write_text(json.dumps(facts))
        nats = (bits + (spread if point.tap == "h1" else 3 * spread)) * np.log(2.0)
        drawn = np.stack([images, 255 - images]) if point.tap == "h1" else np.stack([images, images])
        drawn = np.stack([images // 2, images]) if point.tap == "h4" else drawn
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
    assert float(h1["stderr_images_bits"]) == pytest.approx(2 / 8, abs=0.01), (
        "paired: 3 - 1 bits of each image"
    )
    assert float(rows["", "", "label"]["stderr_images_bits"]) == 0.0
    assert (h1["cross_entropy_bits"], h1["late_gain_bits"], h1["seconds"]) == ("40.0", "1.0", "3.0")
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
    group = 4 * (2 * 8 + 2) + figures.GAP

    def shown(block, row):
        y, x = top + row * 18, left + block * group
        return picture[y : y + 16 : 2, x : x + 16 : 2]

    for block in range(3):
        assert np.array_equal(shown(block, 0), original.transpose(1, 2, 0))
        assert np.array_equal(shown(block, 6), original.transpose(1, 2, 0)), "p(x) draws the image here"
    assert np.array_equal(shown(1, 1), original.transpose(1, 2, 0)), "h1 of the trained classifier"
    assert np.array_equal(shown(2, 4), original.transpose(1, 2, 0) // 2), "h4 of the autoencoder"
    assert not np.array_equal(shown(2, 1), original.transpose(1, 2, 0)), "h1 of the autoencoder is not there"


def test_points_of_different_settings_are_not_compared(run_folder):
    path = run_folder / "points/label.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"settings": {"steps": 8}}))
    with pytest.raises(UserError, match="other settings"):
        figures.Run.of(run_folder)


def test_a_folder_without_p_of_x_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"holds no p\(x\)"):
        figures.Run.of(tmp_path)
