"""The table of the two stages of learning at every tap, with standard errors and verdicts."""

from collections.abc import Sequence

from ib_analysis.figures.style.number_text import measured_text, p_text
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.two_stages import StagesRow
from ib_analysis.report.tables.table import Column, Table

NOTE = (
    "Fitting gain: information at its peak minus that at the first checkpoint; compression: at its peak minus "
    "that at the last checkpoint. The peak is selected on one half of the images and measured on the other, and "
    "vice versa, so that the selection causes no gain. yes: a gain is significant by the largest t over all "
    "epochs at one-sided 2.5 %, corrected (Holm) for all tests of the network. no: the gain is below 1 % of the "
    "peak with 97.5 % confidence, by an equivalence test (two one-sided tests); the column beside it gives the "
    "p-value of a gain of this size or more. undecided: neither is shown. Standard errors and tests are over "
    "images and do not cover seeds."
)


def verdict_table(stages: Sequence[StagesRow]) -> Table:
    """One row for each (encoder, regime, seed, tap, quantity): the image first, then the label."""
    columns = (
        Column("encoder"),
        Column("regime"),
        Column("seed", number=True),
        Column("tap"),
        Column("quantity"),
        Column("peak at epoch", number=True),
        Column("peak", "bits", True),
        Column("fitting gain", "bits", True),
        Column("fitting"),
        Column("p of a gain of 1 %", number=True),
        Column("compression", "bits", True),
        Column("compressed"),
        Column("p of a loss of 1 %", number=True),
        Column("n", "images", True),
    )
    ordered = sorted(stages, key=lambda stage: stage.quantity is Quantity.LABEL_INFORMATION)
    return Table(columns, tuple(_row(stage) for stage in ordered), NOTE).without_constant("encoder", "seed")


def _row(stage: StagesRow) -> tuple[str, ...]:
    return (
        stage.encoder,
        stage.regime,
        str(stage.seed),
        stage.tap,
        str(stage.quantity),
        str(stage.peak_epoch),
        measured_text(stage.peak_bits, None),
        measured_text(stage.fitting_bits, stage.fitting_stderr_bits),
        stage.fitting_verdict,
        p_text(stage.fitting_equivalence_p),
        measured_text(stage.compression_bits, stage.compression_stderr_bits),
        stage.compression_verdict,
        p_text(stage.compression_equivalence_p),
        f"{stage.n_images:,}",
    )
