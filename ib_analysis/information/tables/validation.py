"""`validation.csv`: estimate and truth of every case and method, in bits."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import Field, FiniteFloat
from tabulate import tabulate

from ib_analysis.information.inference.calibrated_interval import Case, Measured
from ib_analysis.information.measurement.estimate import Estimate
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.spec import Spec
from ib_analysis.units import bits, nats

STANDARD_ERRORS = 3.0
PER_CENT = 3.0
NOTHING_BITS = 0.01
"""An error that nobody can see, whatever the standard error."""


class ValidationRow(Spec):
    """One method on one case; `truth_stderr_bits` is 0 unless the truth itself is a Monte-Carlo mean.

    `family` is the source of the case's images. Of an information by the decoders, `fitted_bits` is what is read of
    images that they were fitted to, `raw_bits` what the decoder of h gives alone, and `weight` its share in the
    density. `low_bits` to `high_bits` is the 95 % interval that the cases of other families give it, and `inside`
    whether it holds the truth; both are empty in the table of a single case.
    """

    case: str = Field(min_length=1)
    quantity: Quantity
    method: str = Field(min_length=1)
    truth_bits: FiniteFloat
    estimate_bits: FiniteFloat
    stderr_bits: FiniteFloat = Field(ge=0)
    n: int = Field(ge=1)
    seconds: FiniteFloat = Field(ge=0)
    truth_stderr_bits: FiniteFloat = Field(0.0, ge=0)
    dimensions: int = Field(ge=1)
    family: str = Field(min_length=1)
    fitted_bits: FiniteFloat | None = None
    raw_bits: FiniteFloat | None = None
    weight: FiniteFloat | None = Field(None, ge=0, le=1)
    low_bits: FiniteFloat | None = None
    high_bits: FiniteFloat | None = None
    inside: bool | None = None

    @property
    def known(self) -> Case | None:
        """What was measured and what is true, in nats; None where no decoder was fitted to read it."""
        if self.fitted_bits is None:
            return None
        measured = Measured(nats(self.estimate_bits), nats(self.fitted_bits), nats(self.stderr_bits))
        truth = nats(self.truth_bits)
        return Case(self.case, self.family, measured, truth, truth, nats(self.truth_stderr_bits))

    @property
    def error_bits(self) -> float:
        """Estimate less truth."""
        return self.estimate_bits - self.truth_bits

    @property
    def standard_errors(self) -> float | None:
        """The error in standard errors of estimate and truth together; None where both are 0."""
        stderr = math.hypot(self.stderr_bits, self.truth_stderr_bits)
        return self.error_bits / stderr if stderr > 0 else None

    @property
    def per_cent(self) -> float | None:
        """The error in per cent of the truth; None where the truth is 0."""
        return 100 * self.error_bits / self.truth_bits if self.truth_bits > 1e-9 else None

    @property
    def good(self) -> bool:
        """Whether it lies within 3 standard errors or 3 per cent of the truth."""
        near = self.standard_errors is not None and abs(self.standard_errors) <= STANDARD_ERRORS
        return (
            near
            or abs(self.error_bits) < NOTHING_BITS
            or (self.per_cent is not None and abs(self.per_cent) <= PER_CENT)
        )


@dataclass(frozen=True)
class Source:
    """A case and where its images come from."""

    case: str
    family: str
    dimensions: int


@dataclass(frozen=True)
class Beside:
    """What stands beside an information by decoders, in nats: of fitted images, by the decoder alone; and its share."""

    fitted: float
    raw: float
    weight: float


def validation_row(
    source: Source,
    estimate: Estimate,
    truth_nats: tuple[float, float],
    seconds: float,
    beside: Beside | None = None,
) -> ValidationRow:
    """The row of an estimate beside the truth and the truth's own standard error; it has no interval yet."""
    return ValidationRow(
        case=source.case,
        family=source.family,
        dimensions=source.dimensions,
        quantity=estimate.quantity,
        method=estimate.method,
        truth_bits=bits(truth_nats[0]),
        truth_stderr_bits=bits(truth_nats[1]),
        estimate_bits=bits(estimate.value),
        stderr_bits=bits(estimate.stderr),
        n=estimate.n,
        seconds=round(seconds, 3),
        fitted_bits=None if beside is None else bits(beside.fitted),
        raw_bits=None if beside is None else bits(beside.raw),
        weight=None if beside is None else beside.weight,
    )


def validation_summary(rows: Sequence[ValidationRow]) -> str:
    """Plain text: one line a case, quantity and method; the decoders' own first; "!" marks what lies outside.

    Then one line a method: in how many cases it lies within 3 standard errors or 3 per cent. Then one a quantity: how
    many of its intervals hold the truth.
    """
    heads = ("case", "quantity", "method", "truth", "estimate", "errors", "%", "", "95 %", "inside")
    cases = tabulate([heads, *map(_cells, rows)], tablefmt="plain", colalign=ALIGNED, disable_numparse=True)
    found: dict[tuple[str, str], list[bool]] = {}
    for row in rows:
        found.setdefault((row.quantity, row.method), []).append(row.good)
    counts = [[*key, f"{sum(good)} of {len(good)} cases"] for key, good in found.items()]
    title = "within 3 standard errors or 3 % of the truth:"
    within = tabulate(counts, tablefmt="plain", disable_numparse=True)
    held = [
        f"{quantity}: {inside} of {count} intervals hold the truth"
        for quantity, (inside, count) in intervals_that_hold(rows).items()
    ]
    return "\n".join([cases, "", title, within, *held])


ALIGNED = ("left", "left", "left", "right", "right", "right", "right", "left", "right", "left")


def intervals_that_hold(rows: Sequence[ValidationRow]) -> dict[Quantity, tuple[int, int]]:
    """For each quantity with intervals: how many hold the truth, and how many there are."""
    judged: dict[Quantity, list[bool]] = {}
    for row in rows:
        if row.inside is not None:
            judged.setdefault(row.quantity, []).append(row.inside)
    return {quantity: (sum(inside), len(inside)) for quantity, inside in judged.items()}


def errors_text(row: ValidationRow) -> str:
    """The error in standard errors; one of hundreds says no more than that it is no accident."""
    if row.standard_errors is None:
        return "–"
    return f"{row.standard_errors:+.1f}" if abs(row.standard_errors) < 100 else f"{row.standard_errors:+.0e}"


def _cells(row: ValidationRow) -> tuple[str, ...]:
    return (
        row.case,
        row.quantity,
        row.method,
        f"{row.truth_bits:.2f}",
        f"{row.estimate_bits:.2f} ± {row.stderr_bits:.2f}",
        errors_text(row),
        "-" if row.per_cent is None else f"{row.per_cent:+.1f}",
        "" if row.good else "!",
        _interval(row),
        "" if row.inside is None else "yes" if row.inside else "no",
    )


def _interval(row: ValidationRow) -> str:
    if row.low_bits is None or row.high_bits is None:
        return ""
    return f"{row.low_bits:,.2f} to {row.high_bits:,.2f}"
