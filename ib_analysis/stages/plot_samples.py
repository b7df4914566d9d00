"""Draw sheets of samples: all epochs of each tap, all taps of each epoch, one image in all regimes, and p(x)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ib_analysis import spec
from ib_analysis.artefacts import Artefact, replacing_folder, write_json
from ib_analysis.figures import sample_grid
from ib_analysis.figures.samples import Samples, read_samples
from ib_analysis.figures.style.saving import save
from ib_analysis.point import Point
from ib_analysis.provenance import Job


class Spec(spec.Spec):
    """Slice of the experiment."""

    shown: int | None
    """How many images stand on a sheet; None for all."""


def run(slice_: Spec, job: Job, *, samples: list[Artefact], marginal: Artefact, out: Path) -> None:
    """Write the sheets into the folder `out`, and what stands on each (sheets.json), in the order of a reader."""
    networks = [read_samples(path).first(slice_.shown) for path in samples]
    with replacing_folder(out) as folder:
        described = []
        for sheet in chain(*map(_of_network, networks), _of_regimes(networks), _of_marginal(marginal)):
            save(sheet.figure, folder / sheet.file)
            described.append(sheet.described())
        write_json(folder / "sheets.json", described)
        job.record(folder)


@dataclass(frozen=True)
class _Sheet:
    """A sheet with the name of its file, its heading, its title, its caption, and the points of its rows."""

    file: str
    group: str
    title: str
    figure: Figure
    caption: str
    points: Sequence[Point] = ()

    def described(self) -> dict[str, Any]:
        """All but the figure."""
        points = [point._asdict() for point in self.points]
        words = {"file": self.file, "group": self.group, "title": self.title, "caption": self.caption}
        return {**words, "points": points}


def _of_network(samples: Samples) -> Iterator[_Sheet]:
    name, group = "{}-{}-seed{}".format(*samples.network), "{}, {}, seed {}".format(*samples.network)
    for tap in samples.taps():
        points = sorted((point for point in samples.drawn if point.tap == tap), key=lambda point: point.epoch)
        caption = sample_grid.caption_epochs(samples, tap)
        figure = sample_grid.draw_epochs(samples, tap)
        yield _Sheet(f"{name}-{tap}", group, f"Tap {tap} at every epoch", figure, caption, points)
    for epoch in samples.epochs():
        points = [point for point in samples.drawn if point.epoch == epoch]
        caption = sample_grid.caption_taps(samples, epoch)
        figure = sample_grid.draw_taps(samples, epoch)
        yield _Sheet(f"{name}-epoch{epoch}", group, f"Every tap at epoch {epoch}", figure, caption, points)


def _of_regimes(networks: Sequence[Samples]) -> Iterator[_Sheet]:
    """Sheets of one image for the first seed of each encoder, at the taps that all its regimes have."""
    for encoder in dict.fromkeys(samples.network.encoder for samples in networks):
        own = [samples for samples in networks if samples.network.encoder == encoder]
        seed = own[0].network.seed
        first = [samples for samples in own if samples.network.seed == seed]
        shared = [tap for tap in first[0].taps() if all(tap in samples.taps() for samples in first)]
        for tap in shared if len(first) > 1 else ():
            group, title = f"{encoder}, seed {seed}, one image in every regime", f"Tap {tap} at every epoch"
            figure, caption = sample_grid.draw_regimes(first, tap), sample_grid.caption_regimes(first, tap)
            yield _Sheet(f"{encoder}-one-image-seed{seed}-{tap}", group, title, figure, caption)


def _of_marginal(path: Path) -> Iterator[_Sheet]:
    with np.load(path, allow_pickle=False) as archive:
        images, levels = archive["images"], int(archive["levels"])
    figure, caption = (
        sample_grid.draw_unconditional(images, levels),
        sample_grid.caption_unconditional(images),
    )
    yield _Sheet("unconditional", "p(x)", "Samples of p(x)", figure, caption)
