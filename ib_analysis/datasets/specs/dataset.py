"""Every data set that a configuration may name."""

from typing import Annotated

from pydantic import Field

from ib_analysis.datasets.specs.arrays import ArraysSpec
from ib_analysis.datasets.specs.cifar import Cifar10Spec, Cifar100Spec
from ib_analysis.datasets.specs.cinic10 import Cinic10Spec
from ib_analysis.datasets.specs.digits import DigitsSpec
from ib_analysis.datasets.specs.image_folder import ImageFolderSpec
from ib_analysis.datasets.specs.known_information import KnownInformationSpec

DatasetSpec = Annotated[
    DigitsSpec
    | Cifar10Spec
    | Cifar100Spec
    | Cinic10Spec
    | ImageFolderSpec
    | ArraysSpec
    | KnownInformationSpec,
    Field(discriminator="kind"),
]
"""Add the spec of a new data set here."""
