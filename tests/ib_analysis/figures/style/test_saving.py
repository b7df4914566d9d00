"""Three files, whole, and the same bytes for the same data, in this process and in another."""

import hashlib
import subprocess
import sys

import pytest
from matplotlib.text import Text

from decoders.training.disk import DiskError
from ib_analysis.errors import UserError
from ib_analysis.figures import sample_grid, training_curves
from ib_analysis.figures.checks import trust
from ib_analysis.figures.information import (
    baseline_planes,
    information_curves,
    information_plane,
    plane_frames,
    tap_curves,
    two_stages,
)
from ib_analysis.figures.information.series import Panel
from ib_analysis.figures.style.saving import save, save_as
from ib_analysis.figures.training_curves import TrainingRun
from ib_analysis.point import Network


def draw_plain(name, rows, stages, samples):
    curve = [
        {"epoch": e, "loss": 2.0 / (1 + e), "metric": "accuracy", "encoder_part": 0.9, "held_out_part": 0.8}
        for e in range(5)
    ]
    return {
        "plane": lambda: information_plane.draw(rows),
        "curves": lambda: information_curves.draw(rows),
        "taps": lambda: tap_curves.draw(rows),
        "stages": lambda: two_stages.draw(stages),
        "training": lambda: training_curves.draw([TrainingRun(Panel("net", "classifier"), 0, curve, (0, 4))]),
        "sheet": lambda: sample_grid.draw_epochs(samples, "h1"),
        "unconditional": lambda: sample_grid.draw_unconditional(samples.originals, samples.levels),
    }[name]()


@pytest.mark.parametrize("name", ["plane", "curves", "taps", "stages", "training", "sheet", "unconditional"])
def test_three_files_with_the_same_bytes_when_drawn_twice(name, rows, stages, samples, tmp_path):
    first = save(draw_plain(name, rows, stages, samples), tmp_path / "a" / name)
    second = save(draw_plain(name, rows, stages, samples), tmp_path / "b" / name)
    assert set(first) == {"pdf", "svg", "png"}
    for suffix, path in first.items():
        assert path.name == f"{name}.{suffix}"
        assert path.stat().st_size > 1000
        assert path.read_bytes() == second[suffix].read_bytes(), suffix
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == sorted(p.name for p in first.values())


def test_formats_and_fonts(rows, tmp_path):
    paths = save(information_plane.draw(rows), tmp_path / "plane")
    pdf = paths["pdf"].read_bytes()
    assert pdf.startswith(b"%PDF")
    assert b"/FontFile2" in pdf  # TrueType, embedded
    assert b"/CreationDate" not in pdf
    assert paths["png"].read_bytes().startswith(b"\x89PNG")
    assert "<dc:date>" not in paths["svg"].read_text()


@pytest.mark.parametrize(
    "name", ["plane", "curves", "taps", "stages", "training", "sheet", "estimators", "frames", "trust"]
)
def test_no_letter_is_smaller_than_eight_points(name, rows, stages, samples):
    decoders = [dict(row, method="decoders") for row in rows]
    labels = [dict(row, method="linear_probe") for row in rows if row["quantity"] == "I(y;h)"]
    network = Network("net", "classifier", 0)
    fits = [{"bits": 5.0, "late_gain_bits": 0.1, "near_plateau": True}]
    further = {
        "estimators": lambda: baseline_planes.draw([*decoders, *labels], network),
        "frames": lambda: plane_frames.draw(rows),
        "trust": lambda: trust.draw([], [], fits),
    }
    figure = further[name]() if name in further else draw_plain(name, rows, stages, samples)
    texts = [text for text in figure.findobj(Text) if text.get_text()]
    assert texts
    assert {text.get_text() for text in texts if text.get_fontsize() < 8.0} == set()


def test_a_dot_in_the_name_is_kept(tmp_path):
    assert save(two_stages.draw([]), tmp_path / "v1.5")["svg"].name == "v1.5.svg"


def test_other_processes_give_the_same_bytes(tmp_path):
    program = (
        "import sys; from pathlib import Path\n"
        "from ib_analysis.figures.information import two_stages\n"
        "from ib_analysis.figures.style.saving import save\n"
        "row = dict(encoder='n', regime='r', scope='3 networks', tap='h1', peak_epoch=3, n_images=9,\n"
        "  fitting_bits=1.0,\n"
        "  fitting_stderr_bits=.1, fitting_verdict='yes', compression_bits=2.0, compression_stderr_bits=.2,\n"
        "  compression_verdict='no')\n"
        "save(two_stages.draw([row]), Path(sys.argv[1]))\n"
    )
    digests = []
    for name in ("one", "two"):
        subprocess.run([sys.executable, "-c", program, str(tmp_path / name)], check=True, timeout=60)
        found = [(tmp_path / f"{name}.{suffix}").read_bytes() for suffix in ("pdf", "svg", "png")]
        digests.append([hashlib.sha256(content).hexdigest() for content in found])
    assert digests[0] == digests[1]


def test_a_foreign_format_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"\.pdf, \.svg or \.png"):
        save_as(two_stages.draw([]), tmp_path / "plane.bmp")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_behind_by_a_failure(tmp_path, monkeypatch):
    figure = two_stages.draw([])
    (tmp_path / "plane.png").write_bytes(b"old")

    def fail(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(figure, "savefig", fail)
    with pytest.raises(DiskError, match="disk full"):
        save_as(figure, tmp_path / "plane.png")
    assert [p.name for p in tmp_path.iterdir()] == ["plane.png"]
    assert (tmp_path / "plane.png").read_bytes() == b"old"
