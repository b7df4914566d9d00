"""`calibration.csv`: what the decoders read of codes whose information is known, in bits."""

from pydantic import Field, FiniteFloat

from ib_analysis.information.inference.calibrated_interval import Case, Measured
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.measurement.rung_evaluation import Truth, TruthKind
from ib_analysis.spec import Spec
from ib_analysis.units import nats


class CalibrationRow(Spec):
    """One quantity at one rung of the ladder.

    `truth` says what `truth_bits` is: `exact`; a `ceiling`; or the mean of the other rungs of an `equal` family.
    `estimate_bits` is read of evaluation images, `fitted_bits` of images that the decoders were fitted to, `raw_bits`
    by the rung's decoder alone. `low_bits` to `high_bits` is the 95 % interval that the other rungs give it, and
    `inside` whether it holds the truth. `calibrates` says whether the intervals of points rest on this rung. `weight`
    is the share of the rung's decoder in its density.
    """

    rung: str = Field(min_length=1)
    family: str
    quantity: Quantity
    truth: TruthKind
    truth_bits: FiniteFloat
    truth_stderr_bits: FiniteFloat = Field(ge=0)
    estimate_bits: FiniteFloat
    fitted_bits: FiniteFloat
    stderr_images_bits: FiniteFloat = Field(ge=0)
    stderr_fits_bits: FiniteFloat | None = Field(ge=0)
    stderr_bits: FiniteFloat = Field(ge=0)
    low_bits: FiniteFloat
    high_bits: FiniteFloat
    inside: bool
    raw_bits: FiniteFloat
    weight: FiniteFloat = Field(ge=0, le=1)
    calibrates: bool
    n_images: int = Field(ge=1)
    n_fits: int = Field(ge=1)

    @property
    def case(self) -> Case:
        """The rung as a case of known information, in nats."""
        measured = Measured(nats(self.estimate_bits), nats(self.fitted_bits), nats(self.stderr_bits))
        truth = Truth(self.truth, nats(self.truth_bits), nats(self.truth_stderr_bits))
        return known_case(self.rung, self.family, measured, truth)


def known_case(rung: str, family: str, measured: Measured, truth: Truth) -> Case:
    """A rung as a case of known information; a ceiling leaves everything below it open."""
    low = 0.0 if truth.kind == "ceiling" else truth.nats
    return Case(rung, family, measured, low, truth.nats, truth.stderr_nats)
