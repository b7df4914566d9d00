"""`mixture.csv`: what CE(x) is made of, and what each component alone gives."""

from pydantic import Field, FiniteFloat

from ib_analysis.spec import Spec

WHOLE = "mixture"
"""The name of all components together, whose evaluation bits are CE(x)."""


class ComponentRow(Spec):
    """A density of x: p(x) of one fit, the nearest-h mixture of one point and fit, or all of them together.

    `weight` is its share of the mixture. `holdout_bits` is its cross-entropy on the held-out images that the weights
    were chosen on, `bits` that on the evaluation images with its standard error over them.
    """

    component: str = Field(min_length=1)
    variant: str
    weight: FiniteFloat = Field(ge=0, le=1)
    holdout_bits: FiniteFloat
    bits: FiniteFloat
    stderr_bits: FiniteFloat = Field(ge=0)
    n_images: int = Field(ge=1)
