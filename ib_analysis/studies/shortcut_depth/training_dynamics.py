"""Gradient descent from several points at many learning rates together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import vmap

from ib_analysis.studies.shortcut_depth.units import Samples, UnitNetwork

CHECK_EVERY = 10
"""Steps between two looks for trainings that diverged."""


@dataclass(frozen=True)
class Descent:
    """One training by gradient descent."""

    learning_rate: float
    weights: dict[int, Tensor]
    """Weights (parameters,) by step, at the requested steps."""
    losses: tuple[float, ...]
    """The loss before every step, and after the last."""


def descend(
    network: UnitNetwork,
    starts: Sequence[Tensor],
    samples: Samples,
    rates: Sequence[float],
    steps: Sequence[int],
) -> list[list[Descent]]:
    """Full-batch gradient descent w <- w - rate * gradient from each point at several constant rates.

    The trainings are independent and computed together. One whose loss is not finite is given up within some steps:
    its later losses and weights are NaN.

    Args:
        network: the network whose loss is minimised.
        starts: the initial points, each (parameters,).
        samples: samples of the loss.
        rates: learning rates, one for each training of a point.
        steps: increasing; weights are kept at these steps, and the last one ends the training.

    Returns:
        The trainings of each point, in the order of the rates.
    """
    weights = torch.stack(list(starts)).repeat_interleave(len(rates), 0).requires_grad_()
    rate = torch.tensor(rates, dtype=weights.dtype, device=weights.device).repeat(len(starts))[:, None]
    running = torch.arange(len(weights), device=weights.device)
    kept = {step: torch.full_like(weights.detach(), math.nan) for step in steps}
    losses = torch.full((len(weights), steps[-1] + 1), math.nan, dtype=weights.dtype, device=weights.device)
    loss_of_each = vmap(lambda w: network.loss(w, samples))
    for step in range(steps[-1] + 1):
        if not len(running):
            break
        if step in steps:
            kept[step][running] = weights.detach()
        loss = loss_of_each(weights)
        losses[running, step] = loss.detach()
        if step < steps[-1]:
            (gradient,) = torch.autograd.grad(loss.sum(), weights)
            with torch.no_grad():
                weights -= rate[running] * gradient
        if step % CHECK_EVERY == CHECK_EVERY - 1 and not bool((finite := loss.detach().isfinite()).all()):
            running, weights = running[finite], weights.detach()[finite].requires_grad_()
    curves = losses.tolist()
    found = [
        Descent(rates[i % len(rates)], {step: w[i] for step, w in kept.items()}, tuple(curves[i]))
        for i in range(len(curves))
    ]
    return [found[i : i + len(rates)] for i in range(0, len(found), len(rates))]


def best(network: UnitNetwork, trained: Sequence[Descent], validation: Samples) -> Descent | None:
    """The training with the lowest final validation loss; None if all diverged."""
    losses = [final_loss(network, one, validation) for one in trained]
    finite = [(loss, one) for loss, one in zip(losses, trained) if math.isfinite(loss)]
    return min(finite, key=lambda pair: pair[0])[1] if finite else None


def final_loss(network: UnitNetwork, trained: Descent, samples: Samples) -> float:
    """The loss of the final weights on the samples."""
    with torch.no_grad():
        return network.loss(trained.weights[max(trained.weights)], samples).item()
