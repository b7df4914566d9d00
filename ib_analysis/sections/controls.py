"""Controls: the same measurement where the information is known, or with one setting of the decoders changed."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from ib_analysis.spec import Seed, Spec
from ib_analysis.variant import Variant


class ControlsSpec(Spec):
    """The controls of the measurement; each fits the decoders of the chosen points again."""

    shuffled: bool = Field(
        True,
        description="h of another image, and the label of another: both informations must be 0 within their error",
    )
    identity: bool = Field(
        True, description="an encoder whose only tap is the image itself: CE(x given h) must approach 0"
    )
    half_data: bool = Field(
        False, description="decoders fitted to half of the decoder part: the effect of the amount of data"
    )
    filters: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (), description="other sizes of the image decoder: does the order of taps and epochs hold?"
    )
    budgets: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (), description="factors on the steps of every fit: does the order of taps and epochs hold?"
    )
    decoder_seeds: tuple[Seed, ...] = Field(
        (),
        description="other seeds of the decoders: the spread that the standard error over images does not contain",
    )
    epochs: tuple[int, ...] | None = Field(
        None,
        min_length=1,
        description="checkpoints with controls; null: the first and the last measured",
    )
    taps: tuple[str, ...] | None = Field(
        None, min_length=1, description="taps with controls; null: all measured taps"
    )

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if not (self.identity or self.variants):
            raise ValueError("nothing is asked for: name a control, or leave the section out")
        names = [control.name for control in self.variants]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"{name} is asked for twice: name each value once")
        return self

    @property
    def variants(self) -> tuple[Variant, ...]:
        """The controls that fit decoders."""
        return (
            *([Variant("shuffled")] if self.shuffled else []),
            *([Variant("half-data")] if self.half_data else []),
            *(Variant("filters", filters) for filters in self.filters),
            *(Variant("budget", budget) for budget in self.budgets),
            *(Variant("decoder-seed", seed) for seed in self.decoder_seeds),
        )
