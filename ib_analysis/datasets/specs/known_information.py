"""Procedural images whose information is known in closed form."""

from typing import ClassVar, Literal

from pydantic import Field

from ib_analysis.datasets.specs.source import SplitSourceSpec


class KnownInformationSpec(SplitSourceSpec):
    """Images drawn from a source whose entropy is exact: the ground truth of the tests.

    `independent`: S1, independent discretized logistic pixels; `markov`: S2, a raster Markov field; the label
    of both is the upper or lower half of the levels of the first pixel. `rectangles`: S4, filled rectangles
    with integer corners; the label is the larger or smaller half of the areas. Labels are flipped with
    probability `label_noise`.
    """

    implementation: ClassVar[str] = "ib_analysis.datasets.known_information:KnownInformation"
    kind: Literal["known_information"] = "known_information"
    source: Literal["independent", "markov", "rectangles"] = Field(
        "markov", description="the process that draws the images"
    )
    count: int = Field(4000, ge=30, description="number of images drawn")
    size: int = Field(8, ge=2, description="height and width in pixels")
    levels: int = Field(256, ge=2, le=256, description="number of levels of a pixel")
    correlation: float = Field(0.9, ge=0, lt=1, description="a of the raster Markov field")
    scale: float = Field(5.0, gt=0, description="scale s of the discretized logistic, in levels")
    label_noise: float = Field(0.0, ge=0, le=0.5, description="probability that a label is flipped")
    duplicates: Literal["drop", "keep"] = Field(
        "keep", description="kept by default: dropping them would change the distribution that is known"
    )
