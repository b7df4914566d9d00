"""The calibration ladder: codes of the experiment's own images, whose information is counted."""

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from ib_analysis.encoders.specs.training import Regime
from ib_analysis.spec import Seed, Spec

Group = Literal["label", "k-means", "k-means-noise", "signs", "rotations", "others"]
GROUPS: tuple[Group, ...] = get_args(Group)
"""Rungs that one job fits."""


class TapSpec(Spec):
    """A measured point, whose h some rungs take."""

    encoder: str = Field(description="its name under `encoders`")
    regime: Regime = Field(description="one of its regimes")
    seed: Seed = Field(description="one of its seeds")
    epoch: int = Field(ge=0, description="one of its measured epochs")
    tap: str = Field(description="one of its measured taps")


class CalibrationSpec(Spec):
    """Rungs of known information, measured by the very decoders, budget and seeds of the points.

    A code of K classes calibrates the intervals where at least 8 fitted images have each class on average.
    """

    k_means: tuple[Annotated[int, Field(ge=2)], ...] = Field(
        (2, 4, 16, 64, 256),
        description="numbers of clusters; the code of an image is the nearest centre, one unit a cluster",
    )
    noise_units: int = Field(
        16, ge=1, description="units of noise that join label and k-means codes in rungs of their own"
    )
    signs: tuple[Annotated[int, Field(ge=1, le=16)], ...] = Field(
        (2, 4, 8),
        description="numbers of random projections whose signs are the code; they judge, never calibrate",
    )
    rotations: int = Field(
        5, ge=0, description="random rotations of h at one tap: the same information, so a test of fits"
    )
    at: TapSpec | None = Field(
        None,
        description="the point whose h is rotated, shuffled and exchanged within classes; null: the last tap and epoch "
        "of the first network",
    )
    seed: Seed = Field(0, description="of centres, projections, noise and rotations")

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for name in ("k_means", "signs"):
            values = getattr(self, name)
            if len(set(values)) < len(values):
                raise ValueError(f"{name}: {list(values)} names a number twice")
        if len(self.k_means) < 2:
            raise ValueError("k_means: name two numbers of clusters or more: they calibrate the intervals")
        return self

    @field_validator("rotations")
    @classmethod
    def _some_or_none(cls, count: int) -> int:
        if 0 < count < 3:
            raise ValueError(
                f"{count} rotations are judged by the spread of the others: ask for 3 or more, or for 0"
            )
        return count

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups that hold a rung."""
        empty = {"signs": not self.signs, "rotations": not self.rotations}
        return tuple(group for group in GROUPS if not empty.get(group))
