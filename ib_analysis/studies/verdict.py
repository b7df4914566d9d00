"""The verdict on one claim of a paper."""

import math
from collections.abc import Sequence

from pydantic import Field, FiniteFloat

from ib_analysis.spec import Spec
from ib_analysis.studies.seed_interval import Answer, SeedInterval, interval_text


class Verdict(Spec):
    """A claim of a paper, the paper's value, the measured value, and whether the claim is reproduced."""

    study: str = Field(min_length=1)
    claim: str = Field(min_length=1)
    """One sentence that a measurement can contradict; it states the quantity and the unit of `our_value`."""
    paper_value: str
    """The paper's value with its source, as "77.09 % [code]"; empty if unknown."""
    our_value: FiniteFloat | None
    stderr: FiniteFloat | None = Field(ge=0)
    """Standard error of `our_value` over seeds; None for an exact value or a single seed."""
    n_seeds: int = Field(ge=0)
    reproduced: Answer
    why: str = Field(min_length=1)
    """The decision rule, the scale of the measurement, and the scale that an undecided claim needs."""


def verdict_over_seeds(
    study: str, claim: str, paper_value: str, found: SeedInterval | None, answer: Answer, why: str
) -> Verdict:
    """The verdict on a mean over seeds; its reason starts with the interval. `found` is None without a measurement."""
    if found is None:
        return Verdict(
            study=study, claim=claim, paper_value=paper_value, our_value=None, stderr=None, n_seeds=0,
            reproduced=answer, why=why,
        )  # fmt: skip
    return Verdict(
        study=study, claim=claim, paper_value=paper_value, our_value=found.mean, stderr=found.stderr,
        n_seeds=found.n, reproduced=answer, why=f"{interval_text(found)}; {why}",
    )  # fmt: skip


def verdicts_text(verdicts: Sequence[Verdict]) -> str:
    """The verdicts as plain text, one line per claim, answer first, followed by the reason."""
    return "\n".join(line for verdict in verdicts for line in _lines(verdict))


def _lines(verdict: Verdict) -> tuple[str, str]:
    return (
        f"{verdict.reproduced:8} {verdict.study:15} {verdict.claim}  here: {measured_value(verdict)}",
        f"{'':24} {verdict.why}",
    )


def measured_value(verdict: Verdict) -> str:
    """The measured value with its standard error and the number of seeds, as text.

    >>> measured_value(Verdict(study="stable", claim="c", paper_value="", our_value=0.693147, stderr=0.0021,
    ...                        n_seeds=3, reproduced="yes", why="w"))
    '0.6931 ± 0.0021 (3 seeds)'
    """
    if verdict.our_value is None:
        return "-"
    seeds = f" ({verdict.n_seeds} seed{'s' * (verdict.n_seeds != 1)})" if verdict.n_seeds else ""
    if not verdict.stderr:
        return f"{verdict.our_value:.4g}{seeds}"
    digits = max(0, 1 - math.floor(math.log10(verdict.stderr)))
    return f"{verdict.our_value:.{digits}f} ± {verdict.stderr:.{digits}f}{seeds}"
