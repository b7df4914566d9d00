"""Forgetting: what samples of p(x | h) share with their original, in numbers."""

from pydantic import Field

from ib_analysis.encoders.specs.resnet import ResNetSpec
from ib_analysis.encoders.specs.training import TrainingSpec
from ib_analysis.spec import Seed, Spec


class ForgettingSpec(Spec):
    """The judge: a classifier that tells the class of a sample.

    It is trained on the decoder part, which no measured network and no evaluation image belongs to. Samples are those
    of the section `samples`; the more `samples.images`, the smaller the errors.
    """

    judge: ResNetSpec = Field(
        ResNetSpec(blocks=(1, 1, 1), widths=(16, 32, 64)), description="the network of the judge"
    )
    training: TrainingSpec = Field(
        TrainingSpec(epochs=20, weight_decay=5e-4), description="how it is trained, on the decoder part"
    )
    seed: Seed = Field(0, description="of its initial weights and of the order of images")
