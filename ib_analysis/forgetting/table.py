"""`forgetting.csv`: what samples of every point share with their original, beside other images, with errors."""

from pydantic import Field, FiniteFloat

from ib_analysis.forgetting.squared_error import Measure
from ib_analysis.rows import PointRow


class ForgettingRow(PointRow):
    """One measure of the samples of one point; means and standard errors are over originals.

    `value` is, of "class agreement", the share of draws that the judge tells to be of the original's class, and of all
    others the squared error of a draw against its original, a mean over sub-pixels of levels scaled to 0 to 1. Errors
    of "lightness" and "colour" sum to the "squared error", and so do those of all bands of "frequency".

    `original` is the same of the original itself in place of a draw, `same_class` and `any_image` the mean of all other
    evaluation images, of the original's class or of all. `relative_...` is the value divided by that mean, with the
    standard error of a ratio of means over the same originals.
    """

    measure: Measure
    low_cycles: float | None
    """Lower limit of a band of frequency, in cycles an image; empty: from the mean on."""
    high_cycles: float | None
    """Upper limit; empty: no limit."""
    value: FiniteFloat
    stderr: FiniteFloat | None
    original: FiniteFloat
    same_class: FiniteFloat | None
    any_image: FiniteFloat | None
    relative_same_class: FiniteFloat | None
    relative_same_class_stderr: FiniteFloat | None
    relative_any_image: FiniteFloat | None
    relative_any_image_stderr: FiniteFloat | None
    n_images: int = Field(ge=1)
    n_draws: int = Field(ge=1)
