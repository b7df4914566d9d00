"""CINIC-10, which has three equal parts."""

from collections.abc import Iterator
from typing import ClassVar

from ib_analysis.datasets.area_mean import averaged
from ib_analysis.datasets.dataset import PartName
from ib_analysis.datasets.image_files import class_folders, image_blocks, image_paths
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
