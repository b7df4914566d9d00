"""Procedural images whose information is known exactly."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from ib_analysis.datasets.specs.source import SplitSourceSpec

KnownSource = Literal["independent", "uniform", "markov", "rectangles", "factors", "teacher"]
_ONE, _THREE = "one number", "three numbers"


def _how_many(value: Any) -> str:
    """Which of the two is meant, so that a mistake is reported for that one alone."""
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
"""The keys that not every source uses, for each that does."""
_LEAST_LEVELS: dict[KnownSource, int] = {"factors": 3}
_SMALLEST_OBJECTS = 8


class KnownInformationSpec(SplitSourceSpec):
    """Images drawn from a source whose entropy is exact: the ground truth of the tests.

    `independent`: S1, independent discretized logistic pixels; `uniform`: the same with all levels equally likely;
    `markov`: S2, a raster Markov field; `teacher`: S5, an autoregressive network with fixed weights, whose entropy is
    a mean with a standard error; the label of these is the upper or lower half of the levels of the first sub-pixel.
    `rectangles`: S4, filled rectangles with integer corners; the label is the larger or smaller half of the areas.
    `factors`: objects of a shape, place, colour and texture; the label is the shape. These two are finite: `draw: all`
    takes each image once. Random `low_bits` may be added under all of them. Labels are replaced with probability
    `label_noise`.
    """

    implementation: ClassVar[str] = "ib_analysis.datasets.known_information:KnownInformation"
    kind: Literal["known_information"] = "known_information"
    source: KnownSource = Field("markov", description="the process that draws the images")
    draw: Literal["sampled", "all"] = Field(
        "sampled",
        description="`count` independent images, or all images of a finite source (rectangles, factors), each once",
    )
    count: int = Field(4000, ge=30, description="number of images drawn; `draw: all` does without")
    size: int = Field(8, ge=2, le=64, description="height and width in pixels")
    levels: int = Field(256, ge=2, le=256, description="number of levels of a sub-pixel, low bits and all")
    channels: Literal[1, 3] = Field(1, description="1: grey; 3: RGB; rectangles are grey")
    correlation: float = Field(0.9, ge=0, lt=1, description="a of the raster Markov field")
    mean: Means | None = Field(
        None,
        description="independent: mean of the discretized logistic, in levels, one or one a channel; null: the middle",
    )
    scale: Scales = Field(
        5.0,
        description="scale s of the discretized logistic, in levels; independent takes one a channel, too; teacher "
        "takes half, once or twice this",
    )
    weights: int = Field(0, ge=0, description="teacher: which network; each number is another")
    low_bits: int = Field(
        0, ge=0, le=7, description="so many of the bits of every sub-pixel are random, whatever the source"
    )
    label_noise: float = Field(
        0.0, ge=0, le=0.5, description="probability that a label is replaced by another class"
    )
    duplicates: Literal["drop", "keep"] = Field(
        "keep", description="kept by default: dropping them would change the distribution that is known"
    )

    @model_validator(mode="after")
    def _holds_for_its_source(self) -> Self:
        self._check_unused()
        self._check_levels()
        self._check_per_channel()
        if self.source == "factors" and self.size < _SMALLEST_OBJECTS:
            raise ValueError(
                f"size: {self.size} pixels are too few for objects; give source factors 8 or more"
            )
        if self.draw == "all" and self.low_bits:
            raise ValueError(
                "low_bits: with random bits the images are too many for `draw: all`; use sampled, or 0 low bits"
            )
        return self

    def _check_unused(self) -> None:
        """A spec comes back from JSON with every key, so that only another value than the default can be meant."""
        unused = set().union(*_USES.values()) - _USES[self.source]
        if self.draw == "all":
            unused |= {"count"}
        for name in sorted(unused):
            if getattr(self, name) != type(self).model_fields[name].default:
                by = "draw: all" if name == "count" else f"source {self.source}"
                raise ValueError(f"{name}: {by} makes no use of it; leave it out")

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
                    f"{name}: three values, one a channel, are for source independent with channels: 3; give one"
                )
