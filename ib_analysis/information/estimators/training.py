"""Gradient steps with patience: the network with the averaged weights of its best validation step."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from decoders.training.progress import progress
from ib_analysis.errors import UserError

# Largest norm of a gradient: exp(score) makes a few of them enormous.
GRADIENT_NORM = 1.0
AVERAGE_DECAY = 0.99
# Smallest gain of a validation step over the best one so far, in nats, that resets the patience.
LEAST_GAIN = 1e-4
# A fit that gained more nats than this in the last tenth of its steps was cut short.
RISING = 5e-3


@dataclass(frozen=True)
class Schedule:
    """Length of a fit and of the interval between validation steps; `patience` counts gradient steps without a gain."""

    steps: int
    patience: int
    evaluate_every: int
    batch: int
    learning_rate: float
    weight_decay: float

    def __post_init__(self) -> None:
        """Refuse a schedule that cannot run.

        Raises:
            UserError: naming the setting.
        """
        for name in ("steps", "patience", "evaluate_every", "batch", "learning_rate"):
            if getattr(self, name) <= 0:
                raise UserError(f"{name} is {getattr(self, name)}: it must be above 0.")


@dataclass(frozen=True)
class Training:
    """Record of a fit: the best step, its score on the hold-out part (higher is better), and the last step.

    `cut_short` says that the steps ran out while the score was still rising.
    """

    best_step: int
    best_score: float
    last_step: int
    cut_short: bool


def train(
    network: nn.Module,
    rows: int,
    loss: Callable[[nn.Module, Tensor], Tensor],
    score: Callable[[nn.Module], float],
    schedule: Schedule,
    seed: int,
    label: str,
) -> tuple[nn.Module, Training]:
    """Adam on batches of the fitting part; the averaged weights of the best validation step on the hold-out part.

    The weights are averaged exponentially over about 1 / (1 - 0.99) = 100 steps, because the weights of a single step
    are too noisy for a bound that contains exp(score).

    Args:
        network: fitted in place.
        rows: number of rows of the fitting part.
        loss: function of the network and of row numbers (batch,) to a scalar in nats, to be minimised.
        score: function of a network to its score on the hold-out part in nats, higher is better.
        schedule: steps, intervals and sizes.
        seed: of the order of the rows.
        label: names the progress bar.

    Returns:
        The network of the best validation step, in evaluation mode, and the record of the fit.
    """
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(AVERAGE_DECAY))
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=schedule.learning_rate, weight_decay=schedule.weight_decay
    )
    batches = endless_batches(rows, schedule.batch, seed)
    best, best_step, best_score = copy.deepcopy(average.module), 0, _validate(average.module, score)
    step, score_at_nine_tenths = 0, best_score
    with progress(range(1, schedule.steps + 1), label) as bar:
        for step in bar:
            _step(network, optimiser, loss, next(batches))
            average.update_parameters(network)
            if step % schedule.evaluate_every == 0 or step == schedule.steps:
                now = _validate(average.module, score)
                if now > best_score + LEAST_GAIN:
                    best, best_step, best_score = copy.deepcopy(average.module), step, now
                if 10 * step <= 9 * schedule.steps:
                    score_at_nine_tenths = best_score
                if step - best_step >= schedule.patience:
                    break
    cut_short = step == schedule.steps and best_score > score_at_nine_tenths + RISING
    return best.eval(), Training(best_step, best_score, step, cut_short)


def _step(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    loss: Callable[[nn.Module, Tensor], Tensor],
    batch: NDArray[np.intp],
) -> None:
    optimiser.zero_grad()
    loss(network, torch.from_numpy(batch)).backward()
    length = nn.utils.clip_grad_norm_(network.parameters(), GRADIENT_NORM)
    # The gradient of a batch that overflows has no direction, so the batch is left out.
    if torch.isfinite(length):
        optimiser.step()


def _validate(network: nn.Module, score: Callable[[nn.Module], float]) -> float:
    # An overflow needs no warning: the value shows it.
    with torch.no_grad(), np.errstate(over="ignore", invalid="ignore"):
        value = score(network)
    return value if np.isfinite(value) else -np.inf


def endless_batches(rows: int, batch: int, seed: int) -> Iterator[NDArray[np.intp]]:
    """Row numbers in a new order each epoch; all batches are of the same size, an incomplete one is left out.

    >>> batches = endless_batches(rows=4, batch=2, seed=0)
    >>> sorted(int(row) for _ in range(2) for row in next(batches))
    [0, 1, 2, 3]
    """
    rng, size = np.random.default_rng(seed), min(batch, rows)
    while True:
        order = rng.permutation(rows)
        for start in range(0, rows - size + 1, size):
            yield order[start : start + size]


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch's CPU generator for the block and restore it afterwards; the generators of GPUs are unchanged.

    >>> with seeded(0):
    ...     first = torch.rand(1)
    >>> with seeded(0):
    ...     bool(torch.rand(1) == first)
    True
    """
    with torch.random.fork_rng(devices=[]):
        # Not torch.manual_seed: that reseeds the generators of the GPUs as well.
        torch.default_generator.manual_seed(seed)
        yield


def torch_device(name: str) -> torch.device:
    """The device of that name.

    Raises:
        UserError: there is no such device.
    """
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UserError(f"device is {name!r}: use 'cpu' or 'cuda'.") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UserError("device is cuda, but PyTorch sees no GPU here: use device='cpu'.")
    return device
