"""Controls: the same measurement where the answer is known, or with one setting of the decoders changed.

A control is a variant of the experiment. It goes through the very stages that measure the points themselves, so
that what it says is said of the instrument that was used.
"""

from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from ib_analysis.spec import Spec

Kind = Literal["shuffled", "half-data", "filters", "budget", "decoder-seed"]
Pairing = Literal["own", "shuffled"]


class Control(NamedTuple):
    """One variant: `value` is the number of filters, the factor on the steps, or the seed of the decoders."""

    kind: Kind
    value: float = 0.0

    @property
    def name(self) -> str:
        """The name of its folder.

        >>> Control("shuffled").name, Control("filters", 8).name, Control("budget", 0.5).name
        ('shuffled', 'filters-8', 'budget-0.5')
        """
        if self.kind in ("shuffled", "half-data"):
            return self.kind
        return f"{self.kind}-{self.value:g}" if self.kind == "budget" else f"{self.kind}-{int(self.value)}"

    @property
    def pairing(self) -> Pairing:
        """Whether an image goes with its own h."""
        return "shuffled" if self.kind == "shuffled" else "own"

    @property
    def share(self) -> float:
        """The share of the decoder part that decoders are fitted to."""
        return 0.5 if self.kind == "half-data" else 1.0

    @property
    def own_marginal(self) -> bool:
        """Whether p(x), too, is another decoder than the experiment's."""
        return self.kind != "shuffled"


class ControlsSpec(Spec):
    """Which controls are run beside the measurement; each fits the decoders of the chosen points once more."""

    shuffled: bool = Field(
        True,
        description="h of another image, and the label of another: both informations must be 0 within their error",
    )
    identity: bool = Field(
        True, description="an encoder whose only tap is the image itself: CE(x given h) must approach 0"
    )
    half_data: bool = Field(
        False, description="decoders fitted to half of the decoder part: how much the amount of data matters"
    )
    filters: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (), description="other sizes of the image decoder: does the order of taps and epochs hold?"
    )
    budgets: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (), description="factors on the steps of every fit: does the order of taps and epochs hold?"
    )
    decoder_seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        (),
        description="other seeds of the decoders: the spread that the standard error over images leaves out",
    )
    epochs: tuple[int, ...] | None = Field(
        None,
        min_length=1,
        description="checkpoints that are controlled; null: the first and the last measured",
    )
    taps: tuple[str, ...] | None = Field(
        None, min_length=1, description="taps that are controlled; null: all that are measured"
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
    def variants(self) -> tuple[Control, ...]:
        """Every control that fits decoders of its own."""
        return (
            *([Control("shuffled")] if self.shuffled else []),
            *([Control("half-data")] if self.half_data else []),
            *(Control("filters", filters) for filters in self.filters),
            *(Control("budget", budget) for budget in self.budgets),
            *(Control("decoder-seed", seed) for seed in self.decoder_seeds),
        )
