"""The page of two experiments: their planes side by side, and what one keeps more than the other at equal taps."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ib_analysis.artefacts import write_text
from ib_analysis.figures.style.number_text import bits_text, measured_text
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.difference import DifferenceRow
from ib_analysis.report.content import Illustration
from ib_analysis.report.explorer.block import Explored, explorer_block
from ib_analysis.report.explorer.point_numbers import ceilings
from ib_analysis.report.page import LARGEST_PAGE_BYTES, WORDS_BYTES, page_parts, picture, render_template
from ib_analysis.report.tables.table import Column, Table

NOTE = (
    "Difference: the first experiment less the second, -log q(x) + log q(x|h) of each against its own CE(x), over the "
    "same evaluation images, averaged over networks and fits. 95 %: with two or more networks on each side the "
    "interval is over networks (Welch), else over images, paired, and over fits; what the decoders themselves are "
    "wrong by is not in it. more, less: the interval leaves out 0. Each row is judged by itself: of many rows without "
    "a difference one in twenty is wrong."
)
WORDS = {"more": "keeps more", "less": "keeps less"}


@dataclass(frozen=True)
class ComparisonContent:
    """Two experiments and their differences."""

    first: Explored
    second: Explored
    differences: Sequence[DifferenceRow]
    planes: Sequence[Illustration]
    left_out: Sequence[str]
    """Networks, taps and epochs that only one of the two has."""


def write_comparison(path: Path, content: ComparisonContent) -> None:
    """Writes the page atomically."""
    planes = [picture(plane, path.parent, LARGEST_PAGE_BYTES) for plane in content.planes]
    room = LARGEST_PAGE_BYTES - WORDS_BYTES - sum(len(plane.source) for plane in planes)
    explorer = explorer_block([content.first, content.second], room)
    words = {
        "title": f"{content.first.name} and {content.second.name}",
        "finding": difference_sentence(content),
        "totals": totals_sentence(content),
        "planes": planes,
        "differences": difference_table(content.differences),
        "left_out": content.left_out,
    }
    write_text(path, render_template("comparison.html.jinja", **words, **page_parts(explorer)))


def difference_sentence(content: ComparisonContent) -> str:
    """The surest difference of I(x;h), with its interval."""
    ours = [row for row in content.differences if row.quantity is Quantity.IMAGE_INFORMATION]
    decided = [row for row in ours if row.verdict != "undecided"]
    if not decided:
        return (
            f"At none of {len(ours)} equal taps and epochs a difference of I(x;h) between {content.first.name} and "
            f"{content.second.name} is shown."
        )
    surest = max(decided, key=lambda row: min(abs(row.low_bits), abs(row.high_bits)))
    interval = f"95 % interval {bits_text(surest.low_bits)} to {bits_text(surest.high_bits)}"
    return (
        f"{content.first.name} {WORDS[surest.verdict]} of the image than {content.second.name}, most surely at "
        f"{surest.tap} of {surest.encoder} ({surest.regime}), epoch {surest.epoch}: {bits_text(surest.bits)} bits "
        f"({interval}), over {surest.scope}."
    )


def totals_sentence(content: ComparisonContent) -> str:
    """How many differences are shown in each direction, and the two CE(x)."""
    counts = {
        word: sum(row.verdict == word for row in content.differences)
        for word in ("more", "less", "undecided")
    }
    limits = [ceilings(e.rows).get(Quantity.IMAGE_CROSS_ENTROPY) for e in (content.first, content.second)]
    found = ", ".join("unknown" if bits is None else f"{bits_text(bits)} bits" for bits in limits)
    return (
        f"Of {len(content.differences)} differences {counts['more']} say more, {counts['less']} less, and "
        f"{counts['undecided']} are undecided. CE(x): {found}."
    )


def difference_table(rows: Sequence[DifferenceRow]) -> Table:
    """One row for each (encoder, regime, epoch, tap, quantity) that both experiments have."""
    columns = (
        Column("encoder"),
        Column("regime"),
        Column("epoch", number=True),
        Column("tap"),
        Column("quantity"),
        Column("difference", "bits", True),
        Column("95 %", "bits", True),
        Column("the first keeps"),
        Column("over"),
        Column("n", "images", True),
    )
    return Table(columns, tuple(map(_row, rows)), NOTE).without_constant("encoder", "over")


def _row(row: DifferenceRow) -> tuple[str, ...]:
    return (
        row.encoder,
        row.regime,
        str(row.epoch),
        row.tap,
        str(row.quantity),
        measured_text(row.bits, row.stderr_bits),
        f"{bits_text(row.low_bits)} to {bits_text(row.high_bits)}",
        row.verdict,
        row.scope,
        f"{row.n_images:,}",
    )
