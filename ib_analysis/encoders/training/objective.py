"""The training loss and the metric of an encoder."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ib_analysis.encoders.encoder import Encoder
from ib_analysis.encoders.specs.training import Regime

METRICS: dict[Regime, str] = {"classifier": "accuracy", "autoencoder": "mean_squared_error", "fixed": "none"}


@dataclass(frozen=True)
class Measurement:
    """Loss and metric of an encoder on some images."""

    loss: float
    """Mean cross-entropy in nats per image, without label smoothing; or mean squared error per sub-pixel."""
    metric: float
    """Accuracy, or mean squared error per sub-pixel of pixels in [0, 1]."""


def loss(encoder: Encoder, output: Tensor, x: Tensor, y: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Mean cross-entropy in nats per image, or mean squared error of pixels in [0, 1]; in float32."""
    if encoder.regime == "classifier":
        return F.cross_entropy(output.float(), y, label_smoothing=label_smoothing)
    return F.mse_loss(output.float(), x.float() / (encoder.image.levels - 1))


@torch.no_grad()
def measure(encoder: Encoder, batches: Iterable[tuple[Tensor, Tensor]]) -> Measurement:
    """Loss and metric in evaluation mode, without augmentation; leaves the encoder in evaluation mode."""
    encoder.eval()
    total, right, count = 0.0, 0, 0
    for x, y in batches:
        output = encoder(x)
        total += loss(encoder, output, x, y).item() * len(x)
        count += len(x)
        if encoder.regime == "classifier":
            right += int((output.argmax(dim=1) == y).sum())
    metric = right if encoder.regime == "classifier" else total
    return Measurement(total / count, metric / count)
