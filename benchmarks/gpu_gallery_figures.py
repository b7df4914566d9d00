"""python -m benchmarks.gpu_gallery_figures RUN_FOLDER OUT_FOLDER: a table and a picture of a run of gpu_gallery.

Writes `gpu-gallery.csv` (one row a decoder) and `gpu-gallery.png` (images, and draws from what each tap keeps of them).
"""

import json
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmarks.gpu_gallery import MARGINAL, Point
from benchmarks.gpu_plane_figures import enlarged, run_command, write_table
from decoders.training.atomic_file import replacing
from ib_analysis.errors import UserError
from ib_analysis.figures.style.figure_style import figure_style
from ib_analysis.units import NATS_PER_BIT

Pixels = NDArray[np.uint8]
ROWS = ("h1", "h2", "h3", "h4", "end")
"""Taps of the picture, from the input to the end of the network, which has a name of its own in each regime."""
END = {"classifier": "pooled", "autoencoder": "bottleneck"}
MARGIN, GAP, LEFT, TITLE, DPI = 4, 14, 52, 22, 100


@dataclass(frozen=True)
class Found:
    """What a decoder of the run says.

    Attributes:
        facts: of its fit.
        nats: of the evaluation images, (images,).
        drawn: (draws, images, C, H, W).
    """

    facts: dict[str, Any]
    nats: NDArray[np.float64]
    drawn: Pixels


@dataclass(frozen=True)
class Run:
    """A run of gpu_gallery."""

    originals: Pixels
    points: dict[Point, Found]

    @classmethod
    def of(cls, folder: Path) -> "Run":
        """Read the files of a run.

        Raises:
            UserError: the decoder of p(x), which all are compared with, is missing, or points differ in settings.
        """
        points, settings = {}, None
        for path in sorted((folder / "points").glob("*.json")):
            facts = json.loads(path.read_text(encoding="utf-8"))
            settings = settings or facts["settings"]
            if facts["settings"] != settings:
                raise UserError(
                    f"{path} is of other settings than the points before it: delete it and run again."
                )
            with np.load(path.with_suffix(".npz")) as stored:
                found = Found(facts, stored["nats"].astype(np.float64), stored["drawn"])
            points[Point(facts["tap"], facts["regime"], facts["epoch"])] = found
        if Point(MARGINAL) not in points:
            raise UserError(f"{folder} holds no p(x): name the folder that gpu_gallery wrote its results to.")
        return cls(np.load(folder / "originals.npz")["x"], points)

    def information(self, point: Point) -> tuple[float, float]:
        """CE(x) - CE(x|h) in bits an image, and its paired standard error over images."""
        paired = self.points[Point(MARGINAL)].nats - self.points[point].nats
        return paired.mean() / NATS_PER_BIT, paired.std(ddof=1) / math.sqrt(len(paired)) / NATS_PER_BIT

    def squared_error(self, point: Point) -> tuple[float, float]:
        """Mean square of (draw - original) of a colour in [0, 1], and its standard error over images."""
        differences = (self.points[point].drawn.astype(np.float64) - self.originals) / 255
        images = (differences**2).mean(axis=(0, 2, 3, 4))
        return images.mean(), images.std(ddof=1) / math.sqrt(len(images))


def table(run: Run) -> Iterator[dict[str, object]]:
    """One row a decoder."""
    for point, found in run.points.items():
        information, stderr = run.information(point)
        error, error_stderr = run.squared_error(point)
        yield {
            "regime": point.regime or "",
            "epoch": point.epoch if point.regime else "",
            "tap": point.tap,
            "information_bits": round(information, 2),
            "stderr_images_bits": round(stderr, 2),
            "cross_entropy_bits": round(found.nats.mean() / NATS_PER_BIT, 1),
            "late_gain_bits": round(found.facts["late_gain_nats"] / NATS_PER_BIT, 2),
            "squared_error_of_draws": round(error, 5),
            "stderr_of_squared_error": round(error_stderr, 5),
            "evaluation_images": len(found.nats),
            "steps": found.facts["steps"],
            "fit_seconds": round(found.facts["fit_seconds"], 1),
            "seconds": round(found.facts["point_seconds"], 1),
        }


def blocks_of(run: Run) -> list[tuple[str, int]]:
    """Regimes and epochs of the picture: the classifier before and after training, and the trained autoencoder."""
    epochs = {regime: sorted({p.epoch for p in run.points if p.regime == regime}) for regime in END}
    ends = [("classifier", epoch) for epoch in epochs["classifier"][:: max(1, len(epochs["classifier"]) - 1)]]
    return ends + [("autoencoder", epoch) for epoch in epochs["autoencoder"][-1:]]


def draw_gallery(run: Run, images: int = 4, scale: int = 2) -> Figure:
    """The first images, p(x) alone, then one draw for each tap: a block a network, a row a tap; whole pixels only."""
    blocks = blocks_of(run)
    side = run.originals.shape[-1] * scale
    group = images * (side + 2) + GAP
    width = LEFT + len(blocks) * group + MARGIN
    height = TITLE + (len(ROWS) + 2) * (side + 2) + MARGIN
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")

    def write(words: str, left: float, top: float, **how: Any) -> None:
        figure.text(left / width, 1 - top / height, words, **how)

    def place(pictures: Pixels, block: int, row: int) -> None:
        for column, picture in enumerate(pictures[:images]):
            left = LEFT + block * group + column * (side + 2)
            top = TITLE + row * (side + 2)
            figure.figimage(enlarged(picture, scale), left, height - top - side, origin="upper")

    for row, words in enumerate(("image", *ROWS[:-1], "last", "p(x)")):
        write(words, LEFT - 6, TITLE + row * (side + 2) + side / 2, va="center", ha="right", fontsize=8)
    for block, (regime, epoch) in enumerate(blocks):
        left = LEFT + block * group
        when = "untrained" if epoch == 0 else f"epoch {epoch}"
        write(f"{regime}, {when}; last: {END[regime]}", left, TITLE - 8, va="bottom", fontsize=8)
        place(run.originals, block, 0)
        place(run.points[Point(MARGINAL)].drawn[0], block, len(ROWS) + 1)
        for row, tap in enumerate((*ROWS[:-1], END[regime]), 1):
            point = Point(tap, regime, epoch)  # type: ignore[arg-type]
            if point in run.points:
                place(run.points[point].drawn[0], block, row)
            else:
                write("not reached", left, TITLE + row * (side + 2) + side / 2, va="center", fontsize=7)
    return figure


def make_all(run_folder: Path, out: Path) -> list[Path]:
    """Table and picture into `out`; their paths."""
    run = Run.of(run_folder)
    paths = [out / "gpu-gallery.csv", out / "gpu-gallery.png"]
    write_table(list(table(run)), paths[0])
    with figure_style(), replacing(paths[1]) as temporary:
        draw_gallery(run).savefig(temporary, format="png", dpi=DPI, metadata={"Software": None})
    return paths


if __name__ == "__main__":
    sys.exit(run_command("gpu_gallery", __doc__, make_all))
