"""The verdict on one claim of a paper."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from pydantic import Field, FiniteFloat

from ib_analysis.spec import Spec
from ib_analysis.studies.seed_interval import Answer, SeedInterval, interval_text

Kind = Literal["claim", "implementation"]
"""A claim is answered by what networks do. A check of the implementation is true by construction, by counting or by a
theorem, so that a no tells of a mistake in the code."""


class Verdict(Spec):
    """A claim of a paper, the paper's value, the measured value, and whether the claim is reproduced."""

    study: str = Field(min_length=1)
    kind: Kind
    claim: str = Field(min_length=1)
    """One sentence that a measurement can contradict; it states the quantity and the unit of `our_value`."""
    paper_value: str
    """The paper's value with its source, as "77.09 % [code]"; empty if unknown."""
    our_value: FiniteFloat | None
    stderr: FiniteFloat | None = Field(ge=0)
    """Standard error of `our_value` over seeds; None for an exact value or a single seed."""
    n_seeds: int = Field(ge=0)
    reproduced: Answer
    rule_written: date
    """The day on which the decision rule was last changed; a run that the rule judges fairly began after it."""
    why: str = Field(min_length=1)
    """The decision rule, the scale of the measurement, and the scale that an undecided claim needs."""


@dataclass(frozen=True)
class Statement:
    """What a verdict is about, before it is measured: the sentence, the paper's value, and the rule's day and kind."""

    study: str
    claim: str
    paper_value: str
    rule_written: date
    kind: Kind = "claim"

    def judged(self, found: SeedInterval | None, answer: Answer, why: str) -> Verdict:
        """The verdict on a mean over seeds; its reason starts with the interval. `found` is None without one."""
        if found is None:
            return self.judged_exactly(None, answer, why)
        return self._verdict(found.mean, found.stderr, found.n, answer, f"{interval_text(found)}; {why}")

    def judged_exactly(self, value: float | None, answer: Answer, why: str) -> Verdict:
        """The verdict on a value that has no spread over seeds."""
        return self._verdict(value, None, 0, answer, why)

    def unmeasured(self, why: str) -> Verdict:
        """The verdict without a measurement: unclear."""
        return self.judged_exactly(None, "unclear", why)

    def _verdict(
        self, value: float | None, stderr: float | None, seeds: int, answer: Answer, why: str
    ) -> Verdict:
        return Verdict(
            study=self.study, kind=self.kind, claim=self.claim, paper_value=self.paper_value, our_value=value,
            stderr=stderr, n_seeds=seeds, reproduced=answer, rule_written=self.rule_written, why=why,
        )  # fmt: skip


def verdicts_text(verdicts: Sequence[Verdict]) -> str:
    """The verdicts as plain text, one line per claim, answer first, followed by the reason; checks come last."""
    return "\n".join(line for verdict in sorted(verdicts, key=_is_check) for line in _lines(verdict))


def _is_check(verdict: Verdict) -> bool:
    return verdict.kind == "implementation"


def _lines(verdict: Verdict) -> tuple[str, str]:
    check = "check of the implementation: " if _is_check(verdict) else ""
    return (
        f"{verdict.reproduced:8} {verdict.study:15} {check}{verdict.claim}  here: {measured_value(verdict)}",
        f"{'':24} {verdict.why}",
    )


def measured_value(verdict: Verdict) -> str:
    """The measured value with its standard error and the number of seeds, as text.

    >>> slope = Statement("stable", "c", "", date(2026, 11, 24))
    >>> measured_value(slope.judged(SeedInterval(0.693147, 0.0021, 3), "yes", "w"))
    '0.6931 ± 0.0021 (3 seeds)'
    """
    if verdict.our_value is None:
        return "-"
    seeds = f" ({verdict.n_seeds} seed{'s' * (verdict.n_seeds != 1)})" if verdict.n_seeds else ""
    if not verdict.stderr:
        return f"{verdict.our_value:.4g}{seeds}"
    digits = max(0, 1 - math.floor(math.log10(verdict.stderr)))
    return f"{verdict.our_value:.{digits}f} ± {verdict.stderr:.{digits}f}{seeds}"
