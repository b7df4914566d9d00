"""A folder of images."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ib_analysis.datasets.listing import listing
from ib_analysis.datasets.specs.source import SplitSourceSpec
from ib_analysis.surroundings import user_path

Side = Annotated[int, Field(ge=1)]


class ImageFolderSpec(SplitSourceSpec):
    """A folder with one sub-folder of images per class, in any format that Pillow opens but PostScript."""

    implementation: ClassVar[str] = "ib_analysis.datasets.image_folder:ImageFolder"
    kind: Literal["image_folder"] = "image_folder"
    folder: str = Field(
        description="the folder that holds one sub-folder per class; hidden files and folders are passed over, and "
        "files of no image format are named in the log"
    )
    mode: Literal["grey", "rgb"] = Field("rgb", description="colour mode to which images are converted")
    resize: tuple[Side, Side] | None = Field(
        None, description="(height, width) to which images are resized; null requires images of equal size"
    )

    @property
    def height(self) -> int | None:
        """Rows of an image; None where only the files say it."""
        return None if self.resize is None else self.resize[0]

    def listing(self) -> str | None:
        """Digest of the names, sizes and times of change of the files; None while the folder is not there."""
        return listing(user_path(self.folder))
