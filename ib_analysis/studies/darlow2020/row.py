"""The table of the study: one tested difference of information a row, over networks, in bits."""

from typing import Annotated, Literal

from pydantic import Field, FiniteFloat

from ib_analysis.information.inference.network_stages import Verdict
from ib_analysis.spec import Spec

Probability = Annotated[float, Field(ge=0, le=1)]
Question = Literal["fitting", "compression", "early peak", "below untrained", "weight decay"]
"""Which difference is tested; compression at early taps and without weight decay has the same difference."""
Images = Literal["held out", "own"]
Number = Literal["i", "ii", "iii", "iv", "v", "vi", "vii", ""]
"""The claim that a test belongs to; empty for networks of a contrast, of which nothing is claimed."""


class DarlowRow(Spec):
    """One difference at one tap, over the networks of an encoder in a regime.

    `images` says whether they are evaluation images, or images that the networks were trained on. `low` to `high` is a
    95 % interval, empty where one network has none; `p` is one-sided, `p_holm` corrected within the tests of the claim,
    `family` of them. `spread` is by how much fits of one network differ in the difference; `margin` is 1 % of the
    information at the peak. `own_score` and `held_out_score` are the networks' mean accuracy or mean squared error at
    the end of training, on images that they were trained on and on others.
    """

    encoder: str
    regime: str
    tap: str
    claim: Number
    question: Question
    images: Images
    first_epoch: int
    peak_epoch: int
    last_epoch: int
    peak_bits: FiniteFloat
    bits: FiniteFloat
    stderr_bits: FiniteFloat | None
    low_bits: FiniteFloat | None
    high_bits: FiniteFloat | None
    p: Probability
    p_holm: Probability
    family: int = Field(ge=1)
    spread_bits: FiniteFloat | None
    margin_bits: FiniteFloat
    answer: Verdict
    networks: int = Field(ge=1)
    n_fits: int = Field(ge=1)
    n_images: int
    width: str
    score: str
    own_score: FiniteFloat | None
    held_out_score: FiniteFloat | None
