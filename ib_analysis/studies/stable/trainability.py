"""Whether networks of increasing depth train: residual classifiers, and what gradient their first layer starts from."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ib_analysis.datasets.dataset import Dataset, Part
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

    learning_rate: float
    seed: int
    validation_accuracy: float | None
    """After the last epoch; None where the loss did not stay finite."""
    accuracy: float
    """On the evaluation part; of the commonest training label where the training diverged."""
    stem_log_gradient: float | None
    """log |dE/dW|^2 of the stem's convolution before the first step, nats; None where it is not finite.

    Taken in evaluation mode: a batch norm divides by frozen statistics of the encoder part, and not by those of the
    batch, through which the gradient of a training step passes as well.
    """

    @property
    def diverged(self) -> bool:
        """Whether the loss did not stay finite."""
        return self.validation_accuracy is None


def best_trained(
    network: ResNetSpec, training: TrainingSpec, learning_rates: Sequence[float], seed: int, setting: Setting
) -> Trained:
    """The training from a seed at the learning rate that does best on validation images.

    Among equals the largest rate is taken, and the smallest where every training diverges. The evaluation part has no
    say in the choice.
    """
    candidates = [trained(network, _at(training, rate), seed, setting) for rate in learning_rates]
    return max(candidates, key=lambda found: (found.validation_accuracy or 0.0, _rate_if_trained(found)))


def trained(network: ResNetSpec, training: TrainingSpec, seed: int, setting: Setting) -> Trained:
    """One training from a seed; one that diverges is a result as well. Finished ones are kept in the scratch folder."""
    data = setting.images
    encoder = ResNet(network, "classifier", ImageShape.of(data.header), len(data.header.class_names))
    start = list[float]()

    def keep(epoch: int, reached: Encoder) -> None:
        if epoch == 0:
            start.append(stem_log_gradient(reached, data.encoder, training.batch_size, setting.device))

    try:
        curve = train(
            encoder, data.encoder, training, seed=seed, epochs_to_keep=(0, training.epochs), device=setting.device,
            scratch=_scratch(network, training, seed, setting), keep=keep, held_out=data.decoder,
            label=f"{sum(network.blocks)} blocks, {network.scaling}, {training.learning_rate:g}",
        )  # fmt: skip
    except DivergedError:
        return Trained(training.learning_rate, seed, None, commonest_label_accuracy(data), _finite(start))
    found = accuracy(encoder, data.evaluation, setting.device, training.batch_size)
    return Trained(training.learning_rate, seed, curve.rows[-1].held_out_part, found, _finite(start))


def stem_log_gradient(encoder: Encoder, part: Part, count: int, device: torch.device) -> float:
    """log of the squared norm of the gradient of the first weights, on the first `count` images; changes nothing.

    In the mode that the encoder is in; `train` hands it over in evaluation mode, where batch norms are frozen.
    """
    weight = next(parameter for parameter in encoder.parameters() if parameter.requires_grad)
    x, y = next(ImageRows(part, device).blocks(np.arange(len(part)), count))
    (gradient,) = torch.autograd.grad(loss(encoder, encoder(x), x, y), weight)
    return gradient.double().square().sum().log().item()


def commonest_label_accuracy(data: Dataset) -> float:
    """Accuracy on the evaluation part of always guessing the commonest label of the encoder part."""
    commonest = np.bincount(data.encoder.labels).argmax()
    return float(np.mean(data.evaluation.labels == commonest))


def _finite(values: Sequence[float]) -> float | None:
    """The one value, or None where there is none that is finite."""
    return values[0] if values and math.isfinite(values[0]) else None


def _rate_if_trained(found: Trained) -> float:
    return -found.learning_rate if found.diverged else found.learning_rate


def _at(training: TrainingSpec, learning_rate: float) -> TrainingSpec:
    return training.model_copy(update={"learning_rate": learning_rate})


def _scratch(network: ResNetSpec, training: TrainingSpec, seed: int, setting: Setting) -> Path:
    name = f"{network.scaling}-{network.norm}-{sum(network.blocks)}-{training.learning_rate:g}-seed{seed}"
    return setting.scratch / name
