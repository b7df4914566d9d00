"""Consistency: what any information must satisfy on real images, whose information nobody knows."""

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from ib_analysis.sections.baselines import Methods, baseline_settings
from ib_analysis.spec import Seed, Spec

Piece = Literal["baseline", "symmetry", "data_processing", "additivity"]
PIECES: tuple[Piece, ...] = get_args(Piece)
BASELINES = ("binning", "ksg", "gaussian", "renyi", "infonce", "nwj", "smile")


class ConsistencySpec(Spec):
    """The self-consistency tests of Song & Ermon (2020) on the experiment's own images, h being rows of the image."""

    rows: tuple[Annotated[int, Field(ge=0)], ...] | None = Field(
        None,
        min_length=2,
        description="how many of the top rows h shows, rising, along the baseline test; all rows are asked for in "
        "any case, as margins are shares of what they tell; null: none, a quarter, a half, three quarters, all",
    )
    kept: int | None = Field(
        None,
        ge=2,
        description="rows that h shows in the other tests; null: half",
    )
    fewer: int | None = Field(
        None,
        ge=1,
        description="by how many rows the second view is shorter in data processing; null: a quarter of all rows",
    )
    seeds: tuple[Seed, ...] = Field(
        (0,), min_length=1, description="of the decoders, one repetition of all tests each"
    )
    baselines: Methods = Field(
        baseline_settings(BASELINES), description="other estimators that are tested, each with its settings"
    )
    images: int = Field(1000, ge=60, description="how many evaluation images the baselines read, at most")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.rows is not None and list(self.rows) != sorted(set(self.rows)):
            raise ValueError("rows: name each number of rows once, rising")
        if self.kept is not None and self.fewer is not None and self.fewer >= self.kept:
            raise ValueError(f"fewer: {self.fewer} of {self.kept} rows leaves none; lower it")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds: {list(self.seeds)} names a seed twice")
        return self
