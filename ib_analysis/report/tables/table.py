"""A table of text cells with its three forms: rows of the page, LaTeX (booktabs) and CSV."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill

from tabulate import tabulate

from ib_analysis.errors import UserError

TERMINAL = 100
"""Letters of a line of a note on a terminal."""
SYMBOLS = str.maketrans(
    {
        "|": r"\textbar{}",
        "±": r"$\pm$",
        "†": r"$\dagger$",
        "‡": r"$\ddagger$",
        "§": r"\S{}",
        "−": "$-$",
    }
)
"""Characters that need a LaTeX command and that tabulate does not replace."""


@dataclass(frozen=True)
class Column:
    """A column: its name, its unit, and whether its cells are numbers (right-aligned) or sentences (wrapped)."""

    name: str
    unit: str = ""
    number: bool = False
    prose: bool = False

    @property
    def head(self) -> str:
        """Name and unit as text.

        >>> Column("I(x;h)", "bits").head
        'I(x;h) [bits]'
        """
        return f"{self.name} [{self.unit}]" if self.unit else self.name


OF_POINT = (
    Column("encoder"),
    Column("regime"),
    Column("seed", number=True),
    Column("epoch", number=True),
    Column("tap"),
)
"""The columns of a point's address, in its order."""


@dataclass(frozen=True)
class Table:
    """Rows of text cells; `note` is printed below the table."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise UserError(f"a table row has {len(row)} cells for {len(self.columns)} columns: {row}.")

    def without_constant(self, *names: str) -> "Table":
        """The table without those of the named columns that are constant."""
        kept = [i for i, c in enumerate(self.columns) if c.name not in names or self._varies(i)]
        return Table(
            tuple(self.columns[i] for i in kept), tuple(_picked(row, kept) for row in self.rows), self.note
        )

    def _varies(self, index: int) -> bool:
        return len({row[index] for row in self.rows}) > 1

    def to_csv(self) -> str:
        """The table as CSV, with names and units of the columns in the first line."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([column.head for column in self.columns])
        writer.writerows(self.rows)
        return text.getvalue()

    def to_text(self) -> str:
        """The table for a terminal, its note below it."""
        heads = [column.head for column in self.columns]
        aligned = ["right" if column.number else "left" for column in self.columns]
        text = tabulate(self.rows, heads, tablefmt="plain", colalign=aligned, disable_numparse=True)
        return f"{text}\n{fill(self.note, TERMINAL)}" if self.note else text

    def to_latex(self) -> str:
        r"""The table as a `tabular` with the rules of the booktabs package.

        >>> print(Table((Column("tap"), Column("I(x;h)", "bits", True)), (("h_1", "3.2 ± 0.1"),)).to_latex())
        \begin{tabular}{lr}
        \toprule
         tap   &   I(x;h) [bits] \\
        \midrule
         h\_1   &       3.2 $\pm$ 0.1 \\
        \bottomrule
        \end{tabular}
        """
        return tabulate(
            self.rows,
            [column.head for column in self.columns],
            tablefmt="latex_booktabs",
            colalign=["right" if column.number else "left" for column in self.columns],
            disable_numparse=True,
        ).translate(SYMBOLS)


def _picked(row: Sequence[str], indices: Sequence[int]) -> tuple[str, ...]:
    return tuple(row[i] for i in indices)
