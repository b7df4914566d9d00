"""Gradient descent at many learning rates together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import vmap

from ib_analysis.studies.shortcut_depth.units import Samples, UnitNetwork


@dataclass(frozen=True)
class Descent:
    """One training by gradient descent."""

    learning_rate: float
    weights: dict[int, Tensor]
    """Weights (parameters,) by step, at the requested steps."""
    losses: tuple[float, ...]
    """The loss before every step, and after the last."""


def descend(
    network: UnitNetwork, start: Tensor, samples: Samples, rates: Sequence[float], steps: Sequence[int]
) -> list[Descent]:
    """Full-batch gradient descent w <- w - rate * gradient from one point at several constant rates.

    The trainings are independent and computed together, which for small networks costs little more than one. A
    diverging training continues with non-finite numbers, which its losses record.

    Args:
        network: the network whose loss is minimised.
        start: (parameters,), the common initial point.
        samples: samples of the loss.
        rates: learning rates, one for each training.
        steps: increasing; weights are kept at these steps, and the last one ends the training.
    """
    weights = start.repeat(len(rates), 1).requires_grad_()
    rate = torch.tensor(rates, dtype=start.dtype, device=start.device)[:, None]
    kept, losses = dict[int, Tensor](), list[Tensor]()
    loss_of_each = vmap(lambda w: network.loss(w, samples))
    for step in range(steps[-1] + 1):
        if step in steps:
            kept[step] = weights.detach().clone()
        loss = loss_of_each(weights)
        losses.append(loss.detach())
        if step < steps[-1]:
            (gradient,) = torch.autograd.grad(loss.sum(), weights)
            with torch.no_grad():
                weights -= rate * gradient
    curves = torch.stack(losses, 1).tolist()
    return [
        Descent(r, {step: w[i] for step, w in kept.items()}, tuple(curves[i])) for i, r in enumerate(rates)
    ]


def best(network: UnitNetwork, trained: Sequence[Descent], validation: Samples) -> Descent | None:
    """The training with the lowest final validation loss; None if all diverged."""
    losses = [final_loss(network, one, validation) for one in trained]
    finite = [(loss, one) for loss, one in zip(losses, trained) if math.isfinite(loss)]
    return min(finite, key=lambda pair: pair[0])[1] if finite else None


def final_loss(network: UnitNetwork, trained: Descent, samples: Samples) -> float:
    """The loss of the final weights on the samples."""
    with torch.no_grad():
        return network.loss(trained.weights[max(trained.weights)], samples).item()
