"""The table of fits: near the plateau, or still improving at the end of the budget."""

from collections.abc import Sequence

from ib_analysis.figures.style.number_text import measured_text
from ib_analysis.point import Point
from ib_analysis.report.content import FitSummary
from ib_analysis.report.tables.table import OF_POINT, Column, Table
from ib_analysis.units import bits

NOTE = (
    "Cross-entropy on the held-out share of the decoder part. Late gain: improvement during the last quarter of "
    "the steps, ± its paired standard error. Near its plateau: the late gain is below two standard errors, or below "
    "one standard error or 2 % of the information that the decoder is for (of p(x): of the smallest that is told from "
    "0); a larger decoder may still reach a lower value. never improved: the best step is the first."
)


def fits_table(fits: Sequence[FitSummary]) -> Table:
    """One row for each decoder."""
    columns = (
        Column("decoder"),
        *OF_POINT,
        Column("decoder seed", number=True),
        Column("steps", number=True),
        Column("best at step", number=True),
        Column("held-out cross-entropy", "bits", True),
        Column("late gain", "bits", True),
        Column("stopped by"),
        Column("near plateau"),
        Column("time", "s", True),
    )
    return Table(columns, tuple(_row(fit) for fit in fits), NOTE).without_constant(
        "encoder", "seed", "decoder seed"
    )


def _row(fit: FitSummary) -> tuple[str, ...]:
    return (
        fit.density,
        *(("",) * len(Point._fields) if fit.point is None else map(str, fit.point)),
        str(fit.decoder_seed),
        f"{fit.steps:,}",
        f"{fit.best_step:,}",
        measured_text(bits(fit.holdout_nats), bits(fit.holdout_stderr_nats)),
        measured_text(bits(fit.late_gain_nats), bits(fit.late_gain_stderr_nats)),
        "never improved" if fit.never_improved else fit.stopped,
        "yes" if fit.near_plateau else "no †",
        f"{fit.seconds:,.1f}",
    )


def fits_sentence(fits: Sequence[FitSummary]) -> str:
    """The sentence on the number of decoders near their plateau."""
    if not fits:
        return "No decoder was fitted by gradient descent."
    near = sum(fit.near_plateau for fit in fits)
    rest = len(fits) - near
    if rest == 0:
        return f"All {len(fits)} decoders reached their plateau within their budget."
    where = ", ".join(fit_name(fit) for fit in fits if not fit.near_plateau)
    return (
        f"{near} of {len(fits)} decoders reached their plateau within their budget; {rest} were still "
        f"improving, and their numbers, marked † above, would change with a larger budget: {where}."
    )


def fit_name(fit: FitSummary) -> str:
    """The name of a decoder as text.

    >>> fit_name(FitSummary(None, "image", 0, 9, "budget", True, 9, 1.0, 0.1, 0.0, 0.1, 2.0))
    'p(x)'
    """
    return fit.density if fit.point is None else f"{fit.density} of {fit.point.label}"
