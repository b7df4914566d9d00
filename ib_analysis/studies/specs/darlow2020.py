"""What information does a ResNet compress: the claims, their rules, and the networks that answer them."""

from datetime import date
from typing import Annotated, ClassVar, NamedTuple, Self

from pydantic import Field, model_validator

from ib_analysis.studies.specs.study import StudySpec

RULES_WRITTEN = date(2026, 11, 26)
"""The day from which the rules stand; they apply to runs that begin after it."""


EARLY_SHARE = 0.1
"""The share of training within which the paper's peak lies (about epoch 10 of 200), with room."""


class Claim(NamedTuple):
    """One claim: a sentence that a measurement can contradict, what the paper says, and the rule that answers it."""

    number: str
    sentence: str
    paper: str
    rule: str


DECISION = (
    "yes if p, one-sided and corrected by Holm within the claim, is at most 2.5 % and the mean over networks exceeds "
    "the spread of fits and 1 % of the peak; no if the 95 % interval ends below that 1 %; unclear with one network"
)
CLAIMS: dict[str, Claim] = {
    "two stages": Claim(
        "i + ii",
        "two stages: at some deep tap both fitting and compression happen (deep taps where both do)",
        "two stages of learning happen for both training regimes, and compression does occur, even for an autoencoder "
        "[paper]",
        "yes if (i) and (ii) are answered yes at one deep tap, no if one of the two is answered no at every deep tap",
    ),
    "fitting": Claim(
        "i",
        "fitting: I(x;h) at its peak exceeds that of the untrained network (bits)",
        "two stages of learning happen [paper]",
        f"peak less untrained, the peak of each network chosen by the others; {DECISION}",
    ),
    "compression": Claim(
        "ii",
        "compression: I(x;h) at its peak exceeds that at the end of training (bits)",
        "compression does occur, even for an autoencoder [paper]",
        f"peak less end, the peak of each network chosen by the others; {DECISION}",
    ),
    "early peak": Claim(
        "iii",
        "I(x;h) is higher within the first tenth of training than at any later checkpoint (bits)",
        "about epoch 10 of 200 [recalled]",
        "early peak, chosen by the other networks, less the network's own best later checkpoint; the interval ends "
        f"with its own best early one less the later one that the others chose; {DECISION}",
    ),
    "below untrained": Claim(
        "iv",
        "I(x;h) at the end of training lies below that of the untrained network (bits)",
        "below, in Figure 4 [recalled]",
        f"untrained less end; {DECISION}",
    ),
    "early taps": Claim(
        "v",
        "this early tap does not compress (compression, bits)",
        "",
        "compression is tested at the early taps: no if p, one-sided and corrected by Holm within them, is at most "
        "2.5 % and the mean exceeds the spread of fits and 1 % of the peak; yes if the 95 % interval ends below that "
        "1 %; unclear with one network",
    ),
    "own images": Claim(
        "vi",
        "both stages are the same on images that the network learned from and on others (difference of compression, "
        "bits)",
        "",
        "fitting and compression are tested on both by the decoders p(x | h) alone: yes if both answers are decided "
        "and agree, no if one is yes where the other is no",
    ),
    "without decay": Claim(
        "vii",
        "networks trained with a weight decay of 0 compress too (compression, bits)",
        "",
        f"peak less end of these networks; {DECISION}",
    ),
    "weight decay": Claim(
        "vii",
        "weight decay adds to compression (bits)",
        "",
        f"compression with weight decay less that without, paired by the seed of the network; {DECISION}",
    ),
}
"""Every claim by its name; (i) to (vii) are judged at each regime and tap, the first at each regime."""


class Darlow2020StudySpec(StudySpec):
    """What information does a ResNet compress (Darlow & Storkey 2020): claims over the networks of the experiment.

    It measures nothing of its own: the nats of the measured networks are judged by the rules of `CLAIMS`.
    """

    drawn_by: ClassVar[str] = "ib_analysis.figures.studies.darlow2020"
    encoders: tuple[str, ...] = Field(
        min_length=1,
        description="networks of this experiment that are judged; the claims are about the first, and fitting and "
        "compression are told of the others for contrast",
    )
    without_decay: str | None = Field(
        None,
        description="which of them is the first one trained with a weight decay of 0, and the same otherwise; null: "
        "claim vii is not judged",
    )
    deep: tuple[str, ...] = Field(
        ("h3", "h4", "pooled", "bottleneck"), min_length=1, description="taps at which the claims are judged"
    )
    early: tuple[str, ...] = Field(
        ("h1",), description="taps of which the paper says that they do not compress"
    )
    own_images: Annotated[int, Field(ge=2)] = Field(
        2000,
        description="images of the encoder part, on which the networks were trained, on which every point is evaluated "
        "too; they are new to the decoders",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.without_decay is not None and self.without_decay not in self.encoders[1:]:
            raise ValueError(f"without_decay: {self.without_decay!r} must be one of encoders after the first")
        for tap in self.early:
            if tap in self.deep:
                raise ValueError(f"early: {tap!r} is named as a deep tap too; name it once")
        return self
