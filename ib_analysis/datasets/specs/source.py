"""Keys that all image sources share."""

from typing import Literal, Self

from pydantic import Field, model_validator

from ib_analysis.spec import Seed, Spec


class Shares(Spec):
    """Fractions of the images in the three disjoint parts, with sum 1."""

    encoder: float = Field(
        0.4, ge=0, lt=1, description="encoders are trained on these; 0 where every network is given"
    )
    decoder: float = Field(0.4, gt=0, lt=1, description="decoders are fitted on these")
    evaluation: float = Field(0.2, gt=0, lt=1, description="every reported number comes from these")

    @model_validator(mode="after")
    def _add_up(self) -> Self:
        total = self.encoder + self.decoder + self.evaluation
        if abs(total - 1) > 1e-6:
            raise ValueError(f"the sum of the three shares is {total:g}: it must be 1")
        return self

    def without_encoder(self) -> Self:
        """The other two in the same proportion, where it is known already which images encoders are trained on."""
        rest = self.decoder + self.evaluation
        return self.model_copy(
            update={"encoder": 0.0, "decoder": self.decoder / rest, "evaluation": self.evaluation / rest}
        )


class SourceSpec(Spec):
    """Keys of every source."""

    seed: Seed = Field(0, description="seed of the split into parts and of the choice of a subset")
    images: int | None = Field(
        None, ge=10, description="number of images to use, stratified by class; null: all"
    )
    duplicates: Literal["drop", "keep"] = Field(
        "drop", description="drop or keep an image with an identical copy in an earlier part"
    )

    @property
    def height(self) -> int | None:
        """Rows of an image; None where only the files say it."""
        return None

    def listing(self) -> str | None:
        """Digest of what the user's files are, without reading them; None where the keys alone say which images."""
        return None

    @property
    def labelled(self) -> bool:
        """Whether the images have labels."""
        return True

    @property
    def says_what_was_learned(self) -> bool:
        """Whether it is known of each image whether the measured network has learned on it."""
        return False


class SplitSourceSpec(SourceSpec):
    """A source without native parts; they are drawn from the seed, stratified by class."""

    shares: Shares = Field(Shares(), description="fractions of the images in the three disjoint parts")


class DownloadedSpec(Spec):
    """A source published as an archive."""

    folder: str | None = Field(
        None,
        description="folder that holds the unpacked archive (or the archive itself); null: download into "
        "$IB_ANALYSIS_DATA, or ~/.cache/ib-analysis",
    )
    size: Literal[8, 16, 32] = Field(
        32,
        description="height and width; below 32 every pixel is the mean over a block of the official image",
    )

    @property
    def height(self) -> int:
        """Rows of an image."""
        return self.size

    def name_of(self, official: str) -> str:
        """The name of the data set in every table: the size stands in it where it is not the official one."""
        return official if self.size == 32 else f"{official} averaged to {self.size}x{self.size}"
