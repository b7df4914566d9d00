"""CINIC-10."""

from typing import ClassVar, Literal

from ib_analysis.datasets.specs.source import DownloadedSpec, SourceSpec


class Cinic10Spec(DownloadedSpec, SourceSpec):
    """270,000 RGB images of 32x32, ten classes, in three native parts: train, valid and test."""

    implementation: ClassVar[str] = "ib_analysis.datasets.cinic10:Cinic10"
    kind: Literal["cinic10"] = "cinic10"
