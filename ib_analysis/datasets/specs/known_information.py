"""Procedural images with exactly known information."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from ib_analysis.datasets.specs.source import SplitSourceSpec
from ib_analysis.spec import Seed

KnownSource = Literal["independent", "uniform", "markov", "rectangles", "factors", "teacher"]
_ONE, _THREE = "one number", "three numbers"


def _how_many(value: Any) -> str:
    """The variant of the union that is meant, so that an error is reported for this variant only."""
    return _THREE if isinstance(value, list | tuple) else _ONE


Scale = Annotated[float, Field(gt=0)]
Means = Annotated[
    Annotated[float, Tag(_ONE)] | Annotated[tuple[float, float, float], Tag(_THREE)], Discriminator(_how_many)
]
Scales = Annotated[
    Annotated[Scale, Tag(_ONE)] | Annotated[tuple[Scale, Scale, Scale], Tag(_THREE)], Discriminator(_how_many)
]
_USES: dict[KnownSource, frozenset[str]] = {
    "independent": frozenset({"channels", "mean", "scale"}),
    "uniform": frozenset({"channels"}),
    "markov": frozenset({"channels", "correlation", "scale"}),
    "rectangles": frozenset({"draw"}),
    "factors": frozenset({"channels", "draw"}),
    "teacher": frozenset({"channels", "scale", "weights"}),
}
"""For each source the keys that only some sources use."""
_LEAST_LEVELS: dict[KnownSource, int] = {"factors": 3}
_SMALLEST_OBJECTS = 8


class KnownInformationSpec(SplitSourceSpec):
    """Images of a source with exactly known information.

    `independent`: independent discretized logistic pixels. `uniform`: independent uniform pixels. `markov`: a raster
    Markov field. `teacher`: an autoregressive network with fixed weights, whose entropy has a standard error. Their
    label is whether the first sub-pixel is in the upper half of the levels. `rectangles`: filled rectangles with
    integer corners; the label is whether the area is large. `factors`: objects with shape, position, colour and
    texture; the label is the shape. The last two are finite, and `draw: all` takes each image once. Random `low_bits`
    may be added to every source. Labels are replaced with probability `label_noise`.
    """

    implementation: ClassVar[str] = "ib_analysis.datasets.known_information:KnownInformation"
    kind: Literal["known_information"] = "known_information"
    source: KnownSource = Field("markov", description="the process that draws the images")
    draw: Literal["sampled", "all"] = Field(
        "sampled",
        description="sampled: `count` independent images; all: each image of a finite source once",
    )
    count: int = Field(4000, ge=30, description="number of drawn images; not used by `draw: all`")
    size: int = Field(8, ge=2, le=64, description="height and width in pixels")
    levels: int = Field(256, ge=2, le=256, description="number of levels of a sub-pixel, including low bits")
    channels: Literal[1, 3] = Field(1, description="1: grey; 3: RGB; rectangles are always grey")
    correlation: float = Field(0.9, ge=0, lt=1, description="a of the raster Markov field")
    mean: Means | None = Field(
        None,
        description="independent: mean of the logistic, in levels, one or one per channel; null: the middle",
    )
    scale: Scales = Field(
        5.0,
        description="scale s of the discretized logistic, in levels; independent also accepts one per channel; teacher "
        "uses half, once and twice this scale",
    )
    weights: Seed = Field(0, description="teacher: number of the network; each number gives other weights")
    low_bits: int = Field(0, ge=0, le=7, description="number of random low bits of every sub-pixel")
    label_noise: float = Field(
        0.0, ge=0, le=0.5, description="probability that a label is replaced by another class"
    )
    duplicates: Literal["drop", "keep"] = Field(
        "keep", description="keep by default, since dropping duplicates would change the known distribution"
    )

    @property
    def height(self) -> int:
        """Rows of an image."""
        return self.size

    @model_validator(mode="after")
    def _holds_for_its_source(self) -> Self:
        self._check_unused()
        self._check_levels()
        self._check_per_channel()
        if self.source == "factors" and self.size < _SMALLEST_OBJECTS:
            raise ValueError(
                f"size: {self.size} pixels are too few for the objects of source factors; give 8 or more"
            )
        if self.draw == "all" and self.low_bits:
            raise ValueError(
                "low_bits: random bits make the universe too large for `draw: all`; use sampled, or 0 low bits"
            )
        return self

    def _check_unused(self) -> None:
        """Refuses values of unused keys other than the default, since a spec read from JSON names every key."""
        unused = set().union(*_USES.values()) - _USES[self.source]
        if self.draw == "all":
            unused |= {"count"}
        for name in sorted(unused):
            if getattr(self, name) != type(self).model_fields[name].default:
                by = "draw: all" if name == "count" else f"source {self.source}"
                raise ValueError(f"{name}: not used by {by}; omit it")

    def _check_levels(self) -> None:
        least = _LEAST_LEVELS.get(self.source, 2)
        if self.levels % 2**self.low_bits or self.levels >> self.low_bits < least:
            raise ValueError(
                f"levels: {self.levels} with {self.low_bits} low bits leave source {self.source} "
                f"{self.levels / 2**self.low_bits:g} levels; it needs a whole number, {least} or more"
            )

    def _check_per_channel(self) -> None:
        for name in ("mean", "scale"):
            if isinstance(getattr(self, name), tuple) and (
                self.source != "independent" or self.channels != 3
            ):
                raise ValueError(
                    f"{name}: three values need source independent with channels: 3; give one value"
                )
