"""One gradient step: forward pass, loss, backward pass, clipping and Adam."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from decoders.spec import FitSpec
from decoders.training.precision import autocast

Loss = Callable[[Tensor, Tensor | None], Tensor]
Clip = Callable[[float], object]


def build_adam(groups: Iterable[dict[str, Any]], spec: FitSpec, device: torch.device) -> torch.optim.AdamW:
    """AdamW with the settings of the spec, fused where torch has a fused kernel for the device."""
    return torch.optim.AdamW(
        groups,
        lr=spec.learning_rate,
        betas=spec.betas,
        weight_decay=spec.weight_decay,
        fused=device.type in {"cpu", "cuda"},
    )


def set_learning_rate(group: dict[str, Any], rate: float) -> None:
    """Set the learning rate of a parameter group."""
    group["lr"] = rate


class GradientStep:
    """A step, operation by operation.

    Args:
        loss: (target, h) to the mean loss of the batch in nats, a scalar.
        optimizer: made by `build_adam`.
        spec: precision and gradient clip.
        device: of the model and the batches.
        clip: scales the gradients down to a largest norm.
    """

    def __init__(
        self, loss: Loss, optimizer: torch.optim.Optimizer, spec: FitSpec, device: torch.device, clip: Clip
    ) -> None:
        self.loss, self.optimizer, self.spec, self.device, self.clip = loss, optimizer, spec, device, clip

    def __call__(self, target: Tensor, h: Tensor | None) -> Tensor:
        """Take the step, and return the loss of the batch before it, detached."""
        self.optimizer.zero_grad(set_to_none=True)
        with autocast(self.device, self.spec.precision):
            loss = self.loss(target, h)
        loss.backward()
        if self.spec.gradient_clip is not None:
            self.clip(self.spec.gradient_clip)
        self.optimizer.step()
        return loss.detach()
