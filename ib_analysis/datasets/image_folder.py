"""A folder of images with one sub-folder per class."""

from collections.abc import Iterator
from pathlib import Path

from ib_analysis.datasets.image_files import image_blocks, read_image
from ib_analysis.datasets.image_tree import class_folders, image_paths, other_files, refuse_parts
from ib_analysis.datasets.source import Block, Source
from ib_analysis.datasets.specs.image_folder import ImageFolderSpec
from ib_analysis.surroundings import in_one_line, user_path


class ImageFolder(Source):
    """Images of any format that Pillow opens but PostScript, grey or RGB.

    Without `resize` all must have the size of the first.
    """

    Spec = ImageFolderSpec
    levels = 256

    def __init__(self, spec: ImageFolderSpec) -> None:
        self.spec = spec
        folder = user_path(spec.folder)
        self._classes = class_folders(folder)
        refuse_parts(folder, self._classes)
        _say_passed_over(other_files(folder, self._classes))
        self.name = folder.resolve().name
        self.class_names = tuple(path.name for path in self._classes)
        first, *_ = [image_paths(path)[0] for path in self._classes]  # raises for a class without an image
        channels, height, width = read_image(first, spec.mode, spec.resize).shape
        self.shape = (channels, height, width)
        self._remedy = (
            f"set `resize: [{height}, {width}]` or remove it (the first image, {first}, sets the size)"
        )

    def blocks(self) -> Iterator[Block]:
        """The images sorted by class and path."""
        files = ((path, label) for label, folder in enumerate(self._classes) for path in image_paths(folder))
        yield from image_blocks(files, self.shape, self.spec.mode, self.spec.resize, remedy=self._remedy)


def _say_passed_over(files: list[Path]) -> None:
    if files:
        shown = ", ".join(in_one_line(str(file)) for file in files[:3]) + ", ..." * (len(files) > 3)
        print(f"passed over, for they are no images in a class folder: {len(files)} files ({shown})")
