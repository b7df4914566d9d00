"""Consistency: laws that any information satisfies, tested on real images, whose information is unknown."""

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from ib_analysis.sections.baselines import Methods, baseline_settings
from ib_analysis.spec import Seed, Spec

Piece = Literal["baseline", "symmetry", "data_processing", "additivity"]
PIECES: tuple[Piece, ...] = get_args(Piece)
BASELINES = ("binning", "ksg", "gaussian", "renyi", "infonce", "nwj", "smile")


class ConsistencySpec(Spec):
    """The self-consistency tests of Song & Ermon (2020) on the images of the experiment; h is rows of an image."""

    rows: tuple[Annotated[int, Field(ge=0)], ...] | None = Field(
        None,
        min_length=2,
        description="numbers of top rows in h, increasing, in the baseline test; all rows are always measured, because "
        "margins are shares of their information; null: none, a quarter, a half, three quarters, all",
    )
    kept: int | None = Field(
        None,
        ge=2,
        description="top rows in h in the other tests; null: half",
    )
    fewer: int | None = Field(
        None,
        ge=1,
        description="rows that the second view of data processing lacks; null: a quarter of all rows",
    )
    seeds: tuple[Seed, ...] = Field(
        (0,), min_length=1, description="of the decoders; each seed repeats all tests"
    )
    baselines: Methods = Field(
        baseline_settings(BASELINES),
        description="baseline estimators that are tested, each with its settings",
    )
    images: int = Field(
        1000, ge=60, description="largest number of evaluation images that the baselines read"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.rows is not None and list(self.rows) != sorted(set(self.rows)):
            raise ValueError("rows: name each number of rows once, rising")
        if self.kept is not None and self.fewer is not None and self.fewer >= self.kept:
            raise ValueError(f"fewer: {self.fewer} of {self.kept} rows leaves none; lower it")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds: {list(self.seeds)} names a seed twice")
        return self
