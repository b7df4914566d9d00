"""Training of residual classifiers of increasing depth, and the initial gradient of their first layer."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ib_analysis.datasets.dataset import Part
from ib_analysis.encoders.encoder import Encoder, ImageShape
from ib_analysis.encoders.resnet import ResNet
from ib_analysis.encoders.specs.resnet import ResNetSpec
from ib_analysis.encoders.specs.training import TrainingSpec
from ib_analysis.encoders.training.image_rows import ImageRows
from ib_analysis.encoders.training.objective import loss
from ib_analysis.encoders.training.train import Member
from ib_analysis.studies.classifier import accuracy, train_classifiers
from ib_analysis.studies.study import Setting
from ib_analysis.studies.training_part import training_part


@dataclass(frozen=True)
class Trained:
    """One training of one network."""

    training_accuracy: float | None
    """Accuracy on the training images after the last epoch, without augmentation; None as the next."""
    validation_accuracy: float | None
    """Accuracy after the last epoch; None if the loss became non-finite."""
    accuracy: float
    """Accuracy on the evaluation part; that of the most frequent training label if the training diverged."""
    stem_log_gradient: float | None
    """log |dE/dW|^2 of the stem's convolution before the first step, in nats; None if it is not finite.

    It is computed in evaluation mode, in which batch norm uses fixed statistics of the training images. In a training
    step the gradient also passes through the statistics of the batch.
    """

    chance: float
    """Accuracy of the most frequent training label on the decoder part, which validates."""

    @property
    def diverged(self) -> bool:
        """Whether the loss became non-finite."""
        return self.validation_accuracy is None


def train_all(
    network: ResNetSpec,
    trainings: Sequence[TrainingSpec],
    seeds: Sequence[int],
    count: int | None,
    setting: Setting,
) -> list[list[Trained]]:
    """A network trained by every specification from every seed, each of which may diverge, by specification.

    Finished trainings are stored in the scratch folder.

    Args:
        network: the network.
        trainings: they differ in their learning rates alone.
        seeds: of the weights, the order of images and the images themselves.
        count: training images that a seed draws from the encoder part; None: all.
        setting: device, images and scratch folder.
    """
    data = setting.images
    parts = {seed: training_part(data.encoder, count, seed, "stable") for seed in seeds}
    members = [
        Member(
            ResNet(network, "classifier", ImageShape.of(data.header), len(data.header.class_names)),
            parts[seed], training, seed,
        )
        for training in trainings
        for seed in seeds
    ]  # fmt: skip
    start = dict[int, float]()

    def begun(m: int, encoder: Encoder) -> None:
        start[m] = stem_log_gradient(encoder, members[m].part, members[m].spec.batch_size, setting.device)

    name = _name(network, trainings)
    ended = train_classifiers(members, setting.device, setting.scratch / name, name, begun)
    found = [
        _measured(member, trained, _finite(start.get(m)), setting)
        for m, (member, trained) in enumerate(zip(members, ended))
    ]
    return [found[i : i + len(seeds)] for i in range(0, len(found), len(seeds))]


def _measured(member: Member, trained: bool, start: float | None, setting: Setting) -> Trained:
    """What a training came to; `start` is the gradient before it."""
    data, part = setting.images, member.part
    chance = commonest_label_accuracy(part, data.decoder)
    if not trained:
        return Trained(None, None, commonest_label_accuracy(part, data.evaluation), start, chance)
    learned, validation, found = (
        accuracy(member.encoder, images, setting.device, member.spec.batch_size)
        for images in (part, data.decoder, data.evaluation)
    )
    return Trained(learned, validation, found, start, chance)


def stem_log_gradient(encoder: Encoder, part: Part, count: int, device: torch.device) -> float:
    """Log squared norm of the gradient of the first weights, on the first `count` images; changes no state.

    The encoder is used in its current mode; `train` passes it in evaluation mode, in which batch norms are fixed.
    """
    weight = next(parameter for parameter in encoder.parameters() if parameter.requires_grad)
    x, y = next(ImageRows(part, device).blocks(np.arange(len(part)), count))
    (gradient,) = torch.autograd.grad(loss(encoder, encoder(x), x, y), weight)
    return gradient.double().square().sum().log().item()


def commonest_label_accuracy(learned: Part, evaluation: Part) -> float:
    """Accuracy on a part of always predicting the most frequent label of the training images."""
    return float(np.mean(evaluation.labels == np.bincount(learned.labels).argmax()))


def _finite(value: float | None) -> float | None:
    """The value, or None if it is missing or not finite."""
    return value if value is not None and math.isfinite(value) else None


def _name(network: ResNetSpec, trainings: Sequence[TrainingSpec]) -> str:
    rates = "_".join(f"{training.learning_rate:g}" for training in trainings)
    return f"{network.scaling}-{network.norm}-{sum(network.blocks)}-{rates}"
