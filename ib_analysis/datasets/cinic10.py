"""CINIC-10, which has three equal parts."""

from collections.abc import Iterator
from typing import ClassVar

from ib_analysis.datasets.area_mean import averaged
from ib_analysis.datasets.dataset import PartName
from ib_analysis.datasets.image_files import image_blocks
from ib_analysis.datasets.image_tree import class_folders, image_paths
from ib_analysis.datasets.official import Official, locate
from ib_analysis.datasets.source import Block, Source
from ib_analysis.datasets.specs.cinic10 import Cinic10Spec
from ib_analysis.errors import UserError

OFFICIAL_SHAPE = (3, 32, 32)
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


class Cinic10(Source):
    """270,000 RGB images of 32x32, ten classes, three parts of 90,000 (Darlow et al. 2018, arXiv 1810.03505).

    Encoders are trained on `train`, decoders are fitted on `valid`, and reported numbers come from `test`.
    """

    Spec = Cinic10Spec
    levels = 256
    class_names = CLASSES
    official: ClassVar[Official] = Official(
        title="CINIC-10",
        url="https://datashare.ed.ac.uk/bitstream/handle/10283/3192/CINIC-10.tar.gz",
        md5="6ee4d0c996905fe93221de577967a372",
        folder="CINIC-10",
        files={"train": None, "valid": None, "test": None},
    )
    per_class: ClassVar[int] = 9000
    """Images of each class in each part."""
    _parts: ClassVar[dict[str, PartName]] = {"train": "encoder", "valid": "decoder", "test": "evaluation"}

    def __init__(self, spec: Cinic10Spec) -> None:
        self.spec = spec
        self.name, self.shape = spec.name_of("cinic10"), (3, spec.size, spec.size)
        self.folder = locate(self.official, spec.folder)
        for split in self._parts:
            found = tuple(path.name for path in class_folders(self.folder / split))
            if found != CLASSES:
                raise UserError(
                    f"{self.folder / split}: the classes are {', '.join(found)}, not the ten of CINIC-10; "
                    f"remove {self.folder} and unpack {self.official.archive} again"
                )
        self._demand_complete()

    def _demand_complete(self) -> None:
        """Refuse an unpacking that was interrupted, or a part of the data set."""
        folders = [self.folder / split / name for split in self._parts for name in CLASSES]
        counts = {folder: len(image_paths(folder)) for folder in folders}
        wrong = {folder: count for folder, count in counts.items() if count != self.per_class}
        if not wrong:
            return
        folder, count = next(iter(wrong.items()))
        absent = sum(max(0, self.per_class - found) for found in counts.values())
        whole = f"of the {len(counts) * self.per_class:,} images of CINIC-10"
        what = (
            f"{absent:,} {whole} are missing"
            if absent
            else f"there are more than {whole.removeprefix('of ')}"
        )
        raise UserError(
            f"{self.folder}: {what} ({folder} holds {count:,}, not {self.per_class:,}); remove {self.folder} and "
            f"unpack {self.official.archive} again, or take `kind: image_folder` for a part of it"
        )

    def blocks(self) -> Iterator[Block]:
        """The parts in order, each sorted by class and file."""
        for split, part in self._parts.items():
            files = (
                (path, label)
                for label, name in enumerate(CLASSES)
                for path in image_paths(self.folder / split / name)
            )
            blocks = image_blocks(
                files, OFFICIAL_SHAPE, "rgb", part=part, remedy="unpack the official archive again"
            )
            yield from averaged(blocks, self.spec.size)
