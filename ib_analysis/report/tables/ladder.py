"""The table of the calibration ladder: truth, estimate and interval of every rung."""

from collections.abc import Sequence

from ib_analysis.figures.style.number_text import measured_text
from ib_analysis.information.tables.calibration import CalibrationRow
from ib_analysis.report.tables.table import Column, Table

WORDS = {"exact": "", "ceiling": "at most ", "equal": "as the others, "}
NOTE = (
    "Truth: counted on the images of the decoder and the evaluation part. Estimate: of evaluation images, ± one "
    "standard error over images and fits. Fitted: of images that the decoders were fitted to. Alone: by the rung's "
    "decoder by itself, before it may ignore h or be told the class. 95 %: the interval that the other calibrating "
    "rungs give it; a rung never calibrates its own. Calibrates: the intervals of all points rest on it. Signs of "
    "random projections calibrate nothing: these decoders cannot use most of their information, and an interval that "
    "held them would say nothing of any point."
)


def ladder_table(rows: Sequence[CalibrationRow]) -> Table:
    """One row for each quantity and rung."""
    columns = (
        Column("quantity"),
        Column("rung"),
        Column("truth", "bits", True),
        Column("estimate", "bits", True),
        Column("fitted", "bits", True),
        Column("alone", "bits", True),
        Column("95 %", "bits", True),
        Column("inside"),
        Column("calibrates"),
        Column("n", "images", True),
    )
    return Table(columns, tuple(_row(row) for row in rows), NOTE)


def _row(row: CalibrationRow) -> tuple[str, ...]:
    return (
        str(row.quantity),
        row.rung.replace("-", " "),
        WORDS[row.truth] + measured_text(row.truth_bits, row.truth_stderr_bits),
        measured_text(row.estimate_bits, row.stderr_bits),
        f"{row.fitted_bits:.2f}",
        f"{row.raw_bits:.2f}",
        f"{row.low_bits:.2f} to {row.high_bits:.2f}",
        "passes" if row.inside else "fails",
        "yes" if row.calibrates else "–",
        f"{row.n_images:,}",
    )
