"""The page of what is there while a run goes on: what is done, what is left, and first estimates."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from ib_analysis.artefacts import write_text
from ib_analysis.figures.style.number_text import bits_text, measured_text
from ib_analysis.point import Network, Point
from ib_analysis.report.images import data_uri
from ib_analysis.report.page import HERE, render_template
from ib_analysis.report.tables.table import OF_POINT, Column, Table
from ib_analysis.units import bits


@dataclass(frozen=True)
class Work:
    """Jobs of one kind: how many there are, and the seconds of those that are done."""

    name: str
    total: int
    seconds: tuple[float, ...]

    @property
    def left_seconds(self) -> float | None:
        """Seconds of the jobs that are left, at the mean of those that are done; None where none is."""
        left = self.total - len(self.seconds)
        if left == 0:
            return 0.0
        return left * fmean(self.seconds) if self.seconds else None


@dataclass(frozen=True)
class FirstEstimate:
    """I(x;h) of one point on the held-out share of the decoder part, in nats, mean of the fits that are there.

    `late_nats` is what the last quarter of the steps of p(x|h) still brought.
    """

    point: Point
    nats: float
    stderr_nats: float
    late_nats: float
    fits: int


@dataclass(frozen=True)
class TrainedNetwork:
    """A trained network with its score at the end of training."""

    network: Network
    score: str
    own: float
    held_out: float | None


@dataclass(frozen=True)
class SoFar:
    """All that the page says; `figure` is a PNG of the estimates, None where there are none."""

    title: str
    work: Sequence[Work]
    networks: Sequence[TrainedNetwork]
    estimates: Sequence[FirstEstimate]
    finished: Sequence[Path]
    figure: Path | None


def write_so_far(path: Path, found: SoFar) -> None:
    """Write the page atomically; files that are finished are linked relative to it."""
    text = render_template(
        "so_far.html.jinja",
        title=found.title,
        sentence=sentence(found.work),
        work=work_table(found.work),
        networks=networks_table(found.networks),
        estimates=estimates_table(found.estimates),
        finished=[file.relative_to(path.parent).as_posix() for file in found.finished],
        figure=None if found.figure is None else data_uri(found.figure),
        style=(HERE / "page.css").read_text(encoding="utf-8"),
    )
    write_text(path, text)


def sentence(work: Sequence[Work]) -> str:
    """How much is done, and how long the rest takes where that is known.

    >>> sentence([Work("networks", 4, (30.0, 30.0)), Work("decoders", 2, ())])
    '2 of 6 jobs are done. Not yet known: the time of decoders.'
    >>> sentence([Work("networks", 4, (5400.0, 5400.0))])
    '2 of 4 jobs are done. The rest takes 3.0 hours of one job at a time.'
    """
    done, total = sum(len(one.seconds) for one in work), sum(one.total for one in work)
    left = [one.left_seconds for one in work]
    unknown = [one.name for one, seconds in zip(work, left, strict=True) if seconds is None]
    hours = sum(seconds for seconds in left if seconds is not None) / 3600
    if done == total:
        return f"All {total} jobs are done."
    if unknown:
        return f"{done} of {total} jobs are done. Not yet known: the time of {', '.join(unknown)}."
    return f"{done} of {total} jobs are done. The rest takes {hours:.1f} hours of one job at a time."


def work_table(work: Sequence[Work]) -> Table:
    """One row for each kind of job."""
    columns = (
        Column("jobs"),
        Column("done", number=True),
        Column("of", number=True),
        Column("one takes", "min", True),
        Column("left, one at a time", "h", True),
    )
    rows = tuple(
        (
            one.name,
            str(len(one.seconds)),
            str(one.total),
            f"{fmean(one.seconds) / 60:.1f}" if one.seconds else "–",
            "–" if one.left_seconds is None else f"{one.left_seconds / 3600:.1f}",
        )
        for one in work
    )
    return Table(columns, rows)


def networks_table(networks: Sequence[TrainedNetwork]) -> Table:
    """One row for each trained network."""
    columns = (
        Column("encoder"),
        Column("regime"),
        Column("seed", number=True),
        Column("score"),
        Column("own images", number=True),
        Column("others", number=True),
    )
    rows = tuple(
        (
            *map(str, one.network),
            one.score.replace("_", " "),
            f"{one.own:.4g}",
            "–" if one.held_out is None else f"{one.held_out:.4g}",
        )
        for one in networks
    )
    return Table(
        columns, rows, "At the end of training. The claims are about networks that learned their own images."
    )


def estimates_table(estimates: Sequence[FirstEstimate]) -> Table:
    """One row for each point of which decoders are there."""
    columns = (
        *OF_POINT,
        Column("I(x;h)", "bits", True),
        Column("late gain", "bits", True),
        Column("fits", number=True),
    )
    rows = tuple(
        (
            *map(str, one.point),
            measured_text(bits(one.nats), bits(one.stderr_nats)),
            bits_text(bits(one.late_nats)),
            str(one.fits),
        )
        for one in sorted(estimates, key=lambda one: (*one.point.network, one.point.tap, one.point.epoch))
    )
    note = (
        "On the held-out share of the decoder part, by which the best step of each fit was chosen: no number to "
        "report. The evaluation images are not touched. ±: standard error over these images, CE(x) included. Late "
        "gain: what the last quarter of the steps still brought."
    )
    return Table(columns, rows, note)
