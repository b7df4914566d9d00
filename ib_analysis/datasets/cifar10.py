"""CIFAR-10."""

from collections.abc import Iterator
from typing import ClassVar

from ib_analysis.datasets.area_mean import averaged
from ib_analysis.datasets.cifar_batches import batch_blocks, class_names
from ib_analysis.datasets.official import Official, locate
from ib_analysis.datasets.source import Block, Source
from ib_analysis.datasets.specs.cifar import Cifar10Spec


class Cifar10(Source):
    """60,000 RGB images of 32x32, ten classes of 6,000 (Krizhevsky 2009)."""

    Spec = Cifar10Spec
    levels = 256
    official: ClassVar[Official] = Official(
        title="CIFAR-10",
        url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        md5="c58f30108f718f92721af3b95e74349a",
        folder="cifar-10-batches-py",
        files={
            "data_batch_1": "c99cafc152244af753f735de768cd75f",
            "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
            "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
            "data_batch_4": "634d18415352ddfa80567beed471001a",
            "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
            "test_batch": "40351d587109b95175f43aff81a1287e",
            "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
        },
    )
    _batches = ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch")

    def __init__(self, spec: Cifar10Spec) -> None:
        self.spec = spec
        self.name, self.shape = spec.name_of("cifar10"), (3, spec.size, spec.size)
        self.folder = locate(self.official, spec.folder)
        self.class_names = class_names(self.folder / "batches.meta", "label_names")

    def blocks(self) -> Iterator[Block]:
        """The five training batches, then the test batch."""
        blocks = batch_blocks(self.folder, self._batches, "labels", len(self.class_names))
        yield from averaged(blocks, self.spec.size)
