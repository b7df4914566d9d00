"""CIFAR-10 and CIFAR-100."""

from typing import ClassVar, Literal

from ib_analysis.datasets.specs.source import DownloadedSpec, SplitSourceSpec


class Cifar10Spec(DownloadedSpec, SplitSourceSpec):
    """60,000 RGB images of 32x32, ten classes."""

    implementation: ClassVar[str] = "ib_analysis.datasets.cifar10:Cifar10"
    kind: Literal["cifar10"] = "cifar10"


class Cifar100Spec(DownloadedSpec, SplitSourceSpec):
    """60,000 RGB images of 32x32, a hundred classes."""

    implementation: ClassVar[str] = "ib_analysis.datasets.cifar100:Cifar100"
    kind: Literal["cifar100"] = "cifar100"
