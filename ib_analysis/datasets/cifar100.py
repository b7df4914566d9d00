"""CIFAR-100."""

from collections.abc import Iterator
from typing import ClassVar

from ib_analysis.datasets.area_mean import averaged
from ib_analysis.datasets.cifar_batches import batch_blocks, class_names
from ib_analysis.datasets.official import Official, locate
from ib_analysis.datasets.source import Block, Source
from ib_analysis.datasets.specs.cifar import Cifar100Spec


class Cifar100(Source):
    """60,000 RGB images of 32x32, a hundred fine classes of 600 (Krizhevsky 2009)."""

    Spec = Cifar100Spec
    levels = 256
    official: ClassVar[Official] = Official(
        title="CIFAR-100",
        url="https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
        md5="eb9058c3a382ffc7106e4002c42a8d85",
        folder="cifar-100-python",
        files={
            "train": "16019d7e3df5f24257cddd939b257f8d",
            "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
            "meta": "7973b15100ade9c7d40fb424638fde48",
        },
    )

    def __init__(self, spec: Cifar100Spec) -> None:
        self.spec = spec
        self.name, self.shape = spec.name_of("cifar100"), (3, spec.size, spec.size)
        self.folder = locate(self.official, spec.folder)
        self.class_names = class_names(self.folder / "meta", "fine_label_names")

    def blocks(self) -> Iterator[Block]:
        """The training file, then the test file, with fine labels."""
        blocks = batch_blocks(self.folder, ("train", "test"), "fine_labels", len(self.class_names))
        yield from averaged(blocks, self.spec.size)
