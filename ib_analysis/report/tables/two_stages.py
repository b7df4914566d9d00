"""The table of the two stages of learning at every tap, with intervals and verdicts."""

from collections.abc import Sequence

from ib_analysis.figures.style.number_text import bits_text, measured_text
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.two_stages import StagesRow
from ib_analysis.report.tables.table import Column, Table

NOTE = (
    "Fitting gain: information at its peak minus that at the first checkpoint; compression: at its peak minus that at "
    "the last checkpoint. The information of a network is the mean over its fits. The peak of a network is chosen by "
    "the other networks, that of a fit of a lone network by its other fits, so that the selection causes no gain. yes: "
    "the gain is significant at one-sided 2.5 %, corrected (Holm) for all taps and regimes of the experiment, and it "
    "exceeds both the spread of fits and 1 % of the peak. no: its 95 % interval lies below 1 % of the peak. undecided: "
    "neither is shown. Errors of several networks are over networks (Student's t). Those of one network are over "
    "images and fits, and its verdicts speak of this network and these fits alone. A lone fit has no “yes”, since its "
    "error over fits is unknown."
)


def verdict_table(stages: Sequence[StagesRow]) -> Table:
    """One row for each (encoder, regime, tap, quantity): the image first, then the label."""
    columns = (
        Column("encoder"),
        Column("regime"),
        Column("tap"),
        Column("quantity"),
        Column("verdicts of"),
        Column("fits a network", number=True),
        Column("peak at epoch", number=True),
        Column("peak", "bits", True),
        Column("fitting gain", "bits", True),
        Column("95 % of it", "bits", True),
        Column("fitting"),
        Column("compression", "bits", True),
        Column("95 % of that", "bits", True),
        Column("compressed"),
        Column("spread of fits", "bits", True),
        Column("n", "images", True),
    )
    ordered = sorted(stages, key=lambda stage: stage.quantity is Quantity.LABEL_INFORMATION)
    return Table(columns, tuple(_row(stage) for stage in ordered), NOTE).without_constant("encoder")


def _row(stage: StagesRow) -> tuple[str, ...]:
    spread = stage.compression_spread_bits
    return (
        stage.encoder,
        stage.regime,
        stage.tap,
        str(stage.quantity),
        stage.scope,
        str(stage.n_fits),
        str(stage.peak_epoch),
        measured_text(stage.peak_bits, None),
        measured_text(stage.fitting_bits, stage.fitting_stderr_bits),
        f"{bits_text(stage.fitting_low_bits)} to {bits_text(stage.fitting_high_bits)}",
        stage.fitting_verdict,
        measured_text(stage.compression_bits, stage.compression_stderr_bits),
        f"{bits_text(stage.compression_low_bits)} to {bits_text(stage.compression_high_bits)}",
        stage.compression_verdict,
        "unknown" if spread is None else bits_text(spread),
        f"{stage.n_images:,}",
    )
