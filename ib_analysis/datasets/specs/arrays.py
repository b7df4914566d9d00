"""Images and labels in NumPy files."""

from typing import ClassVar, Literal

from pydantic import Field

from ib_analysis.datasets.listing import listing_of_files
from ib_analysis.datasets.specs.source import SplitSourceSpec
from ib_analysis.surroundings import user_path


class ArraysSpec(SplitSourceSpec):
    """Images and labels in files of `numpy.save`; nothing in them is executed."""

    implementation: ClassVar[str] = "ib_analysis.datasets.arrays:Arrays"
    kind: Literal["arrays"] = "arrays"
    images_file: str = Field(description="file of uint8 images (n, channels, height, width)")
    labels_file: str | None = Field(
        None,
        description="file of integer labels (n,), any numbers; null: there are none, and I(y;h) is left out",
    )
    learned_file: str | None = Field(
        None,
        description="file of the indices of the images that the network has learned on; they are the encoder part, "
        "`shares` divides the others, and both kinds are measured side by side",
    )
    levels: int = Field(256, ge=2, le=256, description="number of levels of a pixel, 0..levels-1")

    def listing(self) -> str | None:
        """Digest of the sizes and times of change of the files; None while one of them is not there."""
        files = (self.images_file, self.labels_file, self.learned_file)
        return listing_of_files([user_path(file) for file in files if file is not None])

    @property
    def labelled(self) -> bool:
        """Whether there are labels."""
        return self.labels_file is not None

    @property
    def says_what_was_learned(self) -> bool:
        """Whether it is known of each image whether the network has learned on it."""
        return self.learned_file is not None
