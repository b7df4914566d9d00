"""What every image source has in common in the configuration."""

from typing import Literal, Self

from pydantic import Field, model_validator

from ib_analysis.spec import Spec


class Shares(Spec):
    """Shares of the images for the three disjoint parts; they add up to 1."""

    encoder: float = Field(0.4, gt=0, lt=1, description="the network under study learns on these")
    decoder: float = Field(0.4, gt=0, lt=1, description="decoders are fitted on these")
    evaluation: float = Field(0.2, gt=0, lt=1, description="every reported number comes from these")

    @model_validator(mode="after")
    def _add_up(self) -> Self:
        total = self.encoder + self.decoder + self.evaluation
        if abs(total - 1) > 1e-6:
            raise ValueError(f"the three shares add up to {total:g}: they must add up to 1")
        return self


class SourceSpec(Spec):
    """Fields of every source."""

    seed: int = Field(0, ge=0, description="fixes the split into parts and the choice of a subset")
    images: int | None = Field(
        None, ge=10, description="use only so many images, stratified by class; null: all"
    )
    duplicates: Literal["drop", "keep"] = Field(
        "drop", description="what becomes of an image that stands, pixel for pixel, in an earlier part too"
    )


class SplitSourceSpec(SourceSpec):
    """A source that has no three parts of its own: they are drawn, stratified by class, fixed by the seed."""

    shares: Shares = Field(Shares(), description="shares of the three disjoint parts")


class DownloadedSpec(Spec):
    """A source that is an official archive."""

    folder: str | None = Field(
        None,
        description="folder that holds the unpacked archive (or the archive itself); null: download into "
        "$IB_ANALYSIS_DATA, or ~/.cache/ib-analysis",
    )
    size: Literal[8, 16, 32] = Field(
        32,
        description="height and width; below 32 every pixel is the mean over a block of the official image",
    )

    def name_of(self, official: str) -> str:
        """The name of the data set in every table: the size stands in it where it is not the official one."""
        return official if self.size == 32 else f"{official} averaged to {self.size}x{self.size}"
