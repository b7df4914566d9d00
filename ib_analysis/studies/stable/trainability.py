"""Training of residual classifiers of increasing depth, and the initial gradient of their first layer."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ib_analysis.datasets.dataset import Part
from ib_analysis.encoders.encoder import Encoder, ImageShape
from ib_analysis.encoders.resnet import ResNet
from ib_analysis.encoders.specs.resnet import ResNetSpec
from ib_analysis.encoders.specs.training import TrainingSpec
from ib_analysis.encoders.training.image_rows import ImageRows
from ib_analysis.encoders.training.objective import loss
from ib_analysis.encoders.training.train import DivergedError, train
from ib_analysis.studies.classifier import accuracy
from ib_analysis.studies.study import Setting


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


def train_or_load(
    network: ResNetSpec, part: Part, training: TrainingSpec, seed: int, setting: Setting
) -> Trained:
    """One training of a seed on a part, which may diverge; a finished training is stored in the scratch folder."""
    data = setting.images
    encoder = ResNet(network, "classifier", ImageShape.of(data.header), len(data.header.class_names))
    chance = commonest_label_accuracy(part, data.decoder)
    start = list[float]()

    def keep(epoch: int, reached: Encoder) -> None:
        if epoch == 0:
            start.append(stem_log_gradient(reached, part, training.batch_size, setting.device))

    try:
        train(
            encoder, part, training, seed=seed, epochs_to_keep=(0, training.epochs), device=setting.device,
            scratch=_scratch(network, training, seed, setting), keep=keep, curve_epochs=(training.epochs,),
            label=f"{sum(network.blocks)} blocks, {network.scaling}, {training.learning_rate:g}",
        )  # fmt: skip
    except DivergedError:
        return Trained(None, None, commonest_label_accuracy(part, data.evaluation), _finite(start), chance)
    learned, validation, found = (
        accuracy(encoder, images, setting.device, training.batch_size)
        for images in (part, data.decoder, data.evaluation)
    )
    return Trained(learned, validation, found, _finite(start), chance)


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


def _finite(values: Sequence[float]) -> float | None:
    """The value, or None if it is missing or not finite."""
    return values[0] if values and math.isfinite(values[0]) else None


def _scratch(network: ResNetSpec, training: TrainingSpec, seed: int, setting: Setting) -> Path:
    name = f"{network.scaling}-{network.norm}-{sum(network.blocks)}-{training.learning_rate:g}-seed{seed}"
    return setting.scratch / name
