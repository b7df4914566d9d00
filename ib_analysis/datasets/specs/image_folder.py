"""Any folder of images."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ib_analysis.datasets.specs.source import SplitSourceSpec

Side = Annotated[int, Field(ge=1)]


class ImageFolderSpec(SplitSourceSpec):
    """A folder with one sub-folder a class, of whatever Pillow opens."""

    implementation: ClassVar[str] = "ib_analysis.datasets.image_folder:ImageFolder"
    kind: Literal["image_folder"] = "image_folder"
    folder: str = Field(description="the folder that holds one sub-folder a class")
    mode: Literal["grey", "rgb"] = Field("rgb", description="colours that images are converted to")
    resize: tuple[Side, Side] | None = Field(
        None, description="(height, width) that every image is resized to; null refuses images of mixed sizes"
    )
