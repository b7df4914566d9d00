"""What `analyse` gives back: the information plane as rows, as a table, as a figure, and as a page."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from matplotlib.figure import Figure

from ib_analysis.figures.information import information_plane, tap_curves
from ib_analysis.in_process.tasks import Layout
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.information import InformationRow
from ib_analysis.information.tables.learned import LearnedRow
from ib_analysis.information.tables.summary import summary
from ib_analysis.report.tables.learned import learned_table
from ib_analysis.rows import read_rows


class Text(str):
    """A text that a prompt and a notebook show as it is printed."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class Plane:
    """The results of one analysis, read from their folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def rows(self) -> tuple[InformationRow, ...]:
        """Every number with its interval, as in information.csv; `row.model_dump()` is a plain mapping."""
        return read_rows(Layout(self.folder).table("information"), InformationRow)

    @cached_property
    def learned(self) -> tuple[LearnedRow, ...]:
        """Both kinds of images side by side; empty where it is not said which the network has learned on."""
        path = Layout(self.folder).table("learned")
        return read_rows(path, LearnedRow) if path.exists() else ()

    def table(self) -> Text:
        """I(x;h) and I(y;h) of each tap in bits with their 95 % intervals, and whether the images were learned on."""
        learned = _plain(self.learned)
        return Text("\n\n".join([summary(self.rows), *([learned] if learned else [])]))

    def figure(self) -> Figure:
        """The information plane; without labels I(x;h) of each tap along the epochs."""
        labelled = any(row.quantity is Quantity.LABEL_INFORMATION for row in self.rows)
        return information_plane.draw(self.rows) if labelled else tap_curves.draw(self.rows)

    def report(self) -> Path:
        """The page, which opens offline."""
        return Layout(self.folder).report.resolve()

    def __repr__(self) -> str:
        return f"{self.table()}\n\nReport: {self.report()}"


def _plain(rows: Sequence[LearnedRow]) -> str:
    """The table of both kinds of images as plain text; empty without rows."""
    return learned_table(rows).to_text() if rows else ""
