"""Gradient steps with patience: a network is left as it was at its best look at the hold-out part."""

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

# Longest step that a gradient may ask for: exp(score) makes a few of them enormous.
GRADIENT_NORM = 1.0
AVERAGE_DECAY = 0.99
# Nats by which a look must beat the best one so far to be kept: less is no progress worth waiting for.
LEAST_GAIN = 1e-4
# A fit that gained more nats than this in the last tenth of its steps was cut short.
RISING = 5e-3


@dataclass(frozen=True)
class Schedule:
    """How long to fit and how often to look; `patience` counts steps without a better look."""

    steps: int
    patience: int
    look_every: int
    batch: int
    learning_rate: float
    weight_decay: float

    def __post_init__(self) -> None:
        """Refuse a schedule that cannot run.

        Raises:
            UserError: naming the setting.
        """
        for name in ("steps", "patience", "look_every", "batch", "learning_rate"):
            if getattr(self, name) <= 0:
                raise UserError(f"{name} is {getattr(self, name)}: it must be above 0.")


@dataclass(frozen=True)
class Training:
    """What was kept: the step, its score on the hold-out part (higher is better), and when it ended.

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
    """Adam on batches of the fitting part; the averaged weights of the best look at the hold-out part.

    The weights are averaged exponentially over about 1 / (1 - 0.99) = 100 steps: a single step of a bound
    with exp(score) in it is too noisy to be chosen by.

    Args:
        network: fitted in place.
        rows: number of rows of the fitting part.
        loss: of the network and of row numbers (batch,), a scalar in nats to be made small.
        score: of a network on the hold-out part, in nats, higher is better; -inf where it overflows.
        schedule: how long, how often, how large.
        seed: of the order of the rows.
        label: names the progress bar.

    Returns:
        The network of the best look, in evaluation mode, and how it went.
    """
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(AVERAGE_DECAY))
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=schedule.learning_rate, weight_decay=schedule.weight_decay
    )
    batches = endless_batches(rows, schedule.batch, seed)
    best, best_step, best_score = copy.deepcopy(average.module), 0, _look(average.module, score)
    step, score_at_nine_tenths = 0, best_score
    with progress(range(1, schedule.steps + 1), label) as bar:
        for step in bar:
            _step(network, optimiser, loss, next(batches))
            average.update_parameters(network)
            if step % schedule.look_every == 0 or step == schedule.steps:
                now = _look(average.module, score)
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
    # An overflowing batch says nothing about the direction: it is left out, the next one goes on.
    if torch.isfinite(length):
        optimiser.step()


def _look(network: nn.Module, score: Callable[[nn.Module], float]) -> float:
    # A score that overflows is told by its value.
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
    """Torch's CPU generator as this seed leaves it, and afterwards as it was before; no GPU's is touched.

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
