"""How far the numbers can be trusted, in one sentence: known cases, controls, fits."""

from collections.abc import Sequence

from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.validation import intervals_that_hold
from ib_analysis.report.content import FitSummary, ReportContent
from ib_analysis.report.text.finding import truth_sentence


def trust_sentence(content: ReportContent) -> str:
    """What was checked and how it ended; says so where nothing was."""
    parts = [
        part for part in (_ladder(content), _cases(content), _controls(content), _fits(content.fits)) if part
    ]
    checked = (
        f"{'; '.join(parts)}." if parts else "No known case, no control and no fit says how far to trust it."
    )
    return " ".join(
        sentence for sentence in (checked[0].upper() + checked[1:], truth_sentence(content.rows)) if sentence
    )


def _ladder(content: ReportContent) -> str:
    counted = [row for row in content.ladder if row.quantity.of_image and row.truth == "exact"]
    if not counted:
        return ""
    inside = sum(row.inside for row in counted)
    return f"{inside} of {len(counted)} codes whose information is counted lie in the interval that others give them"


def _cases(content: ReportContent) -> str:
    if not content.validation:
        return ""
    good = sum(row.good for row in content.validation)
    near = f"{good} of {len(content.validation)} estimates of known information lie near the truth"
    held, judged = intervals_that_hold(content.validation).get(Quantity.IMAGE_INFORMATION, (0, 0))
    by_others = f"; {held} of {judged} intervals of I(x;h) that other sources of images give hold the truth"
    return near + (by_others if judged else "")


def _controls(content: ReportContent) -> str:
    judged = [row for row in content.controls if row.verdict != "shown"]
    if not judged:
        return "no control was run"
    failed = sum(row.verdict == "fails" for row in judged)
    return f"{len(judged) - failed} of {len(judged)} controls pass"


def _fits(fits: Sequence[FitSummary]) -> str:
    if not fits:
        return ""
    near = sum(fit.near_plateau for fit in fits)
    return f"{near} of {len(fits)} decoders had stopped improving when their fit ended"
