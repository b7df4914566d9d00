"""One gradient step: forward pass, loss, backward pass, clipping and Adam."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from decoders.spec import FitSpec
from decoders.training.precision import autocast

Loss = Callable[[Tensor, Tensor | None], Tensor]
Clip = Callable[[float], object]


def build_adam(groups: Iterable[dict[str, Any]], spec: FitSpec, device: torch.device) -> torch.optim.AdamW:
    """AdamW with the settings of the spec; on a GPU its state and learning rates are tensors, as a graph needs."""
    on_gpu = device.type == "cuda"
    optimizer = torch.optim.AdamW(
        groups,
        lr=torch.tensor(spec.learning_rate, device=device) if on_gpu else spec.learning_rate,
        betas=spec.betas,
        weight_decay=spec.weight_decay,
        fused=device.type in {"cpu", "cuda"},
        capturable=on_gpu,
    )
    for group in optimizer.param_groups:
        group["lr"] = group["lr"].clone() if on_gpu else group["lr"]
    return optimizer


def set_learning_rate(group: dict[str, Any], rate: float) -> None:
    """Set the learning rate of a parameter group, in place where a captured step reads it."""
    if isinstance(group["lr"], Tensor):
        group["lr"].fill_(rate)
    else:
        group["lr"] = rate


class GradientStep:
    """A step, operation by operation.

    Args:
        loss: (target, h) to the mean loss of the batch in nats, a scalar.
        optimizer: made by `build_adam`.
        spec: precision and gradient clip.
        device: of the model and the batches.
        clip: scales the gradients down to a largest norm.

    Attributes:
        in_place: set gradients to zero where they are, as views of one vector need it.
    """

    def __init__(
        self, loss: Loss, optimizer: torch.optim.Optimizer, spec: FitSpec, device: torch.device, clip: Clip
    ) -> None:
        self.loss, self.optimizer, self.spec, self.device, self.clip = loss, optimizer, spec, device, clip
        self.in_place = False

    def __call__(self, target: Tensor, h: Tensor | None) -> Tensor:
        """Take the step, and return the loss of the batch before it, detached."""
        self.optimizer.zero_grad(set_to_none=not self.in_place)
        with autocast(self.device, self.spec.precision):
            loss = self.loss(target, h)
        loss.backward()
        if self.spec.gradient_clip is not None:
            self.clip(self.spec.gradient_clip)
        self.optimizer.step()
        return loss.detach()


def clip_by_member(
    parameters: Sequence[tuple[nn.Parameter, Tensor | None]], members: int, largest: float
) -> None:
    """Scale the gradient of each member down to the norm `largest`.

    Equals `torch.nn.utils.clip_grad_norm_` of each member alone.

    Args:
        parameters: each with the members along its first dimension, (rows,) int64 on its device; None: all members.
        members: how many there are.
        largest: the norm.
    """
    gradients = [(p.grad, rows) for p, rows in parameters if p.grad is not None]
    squares = gradients[0][0].new_zeros(members)
    for g, rows in gradients:
        own = g.flatten(1).square().sum(1)
        squares = squares + own if rows is None else squares.index_add(0, rows, own)
    factor = (largest / (squares.sqrt() + 1e-6)).clamp(max=1.0)
    for g, rows in gradients:
        own = factor if rows is None else factor[rows]
        g.mul_(own.view(-1, *[1] * (g.dim() - 1)))
