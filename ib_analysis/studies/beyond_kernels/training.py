"""Stochastic gradient descent on the squared loss, for many runs of one size together."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ib_analysis.encoders.training.seeding import generator
from ib_analysis.studies.beyond_kernels.learners import Learner, Weights
from ib_analysis.studies.beyond_kernels.samples import ORDER, WEIGHTS, Vectors

ROWS_AT_ONCE = 500
RATE_DROP = 10.0


@dataclass(frozen=True)
class Setting:
    """One run: a seed, a learning rate and a weight decay."""

    seed: int
    learning_rate: float
    weight_decay: float


@dataclass(frozen=True)
class Plan:
    """Settings that all runs share."""

    epochs: int
    batch_size: int
    momentum: float


@dataclass
class Trained:
    """Final weights of all runs and those of kept epochs, with a leading axis of runs."""

    weights: Weights
    kept: dict[int, Weights] = field(default_factory=dict)


def train(
    learner: Learner,
    settings: Sequence[Setting],
    pairs: Mapping[int, Vectors],
    plan: Plan,
    device: torch.device | str = "cpu",
    keep: Collection[int] = (),
) -> Trained:
    """Descent on |out(x) - y|^2 / 2, averaged over a batch, with momentum and weight decay on all trained weights.

    The learning rate is divided by 10 after half of the epochs. Runs of the same seed start from the same weights and
    use the same batches, independently of the other runs. A diverging run ends in non-finite numbers and does not
    affect other runs.

    Args:
        learner: the network.
        settings: the runs.
        pairs: training vectors and targets of each seed, all of equal length.
        plan: number of epochs and size of batches.
        device: device of the training.
        keep: epochs after which the weights are kept; 0 for the initial weights.
    """
    descent = _Descent(learner, settings, pairs, plan, torch.device(device))
    trained = Trained(descent.weights)
    for epoch in range(plan.epochs + 1):
        if epoch > 0:
            descent.epoch(epoch)
        if epoch in keep:
            trained.kept[epoch] = {name: weight.detach().clone() for name, weight in descent.weights.items()}
    trained.weights = {name: weight.detach() for name, weight in descent.weights.items()}
    return trained


class _Descent:
    """The state of all runs."""

    def __init__(
        self,
        learner: Learner,
        settings: Sequence[Setting],
        pairs: Mapping[int, Vectors],
        plan: Plan,
        device: torch.device,
    ) -> None:
        self.learner, self.plan, self.device = learner, plan, device
        self.seeds = [setting.seed for setting in settings]
        self.x = torch.stack([pairs[seed].x for seed in self.seeds]).to(device)
        self.y = torch.stack([pairs[seed].y for seed in self.seeds]).to(device)
        self.rate = _column([setting.learning_rate for setting in settings], device)
        self.decay = _column([setting.weight_decay for setting in settings], device)
        starts = [learner.start(generator(seed, WEIGHTS)) for seed in self.seeds]
        self.weights = {name: torch.stack([start[name] for start in starts]).to(device) for name in starts[0]}
        self.orders = {seed: generator(seed, ORDER) for seed in self.seeds}
        self.trained = [self.weights[name].requires_grad_() for name in learner.trained]
        self.velocities = [torch.zeros_like(weight) for weight in self.trained]

    def epoch(self, number: int) -> None:
        """Trains for one epoch, in a new order."""
        rate = self.rate if 2 * number <= self.plan.epochs else self.rate / RATE_DROP
        count = self.x.shape[1]
        orders = {seed: torch.randperm(count, generator=order) for seed, order in self.orders.items()}
        order = torch.stack([orders[seed] for seed in self.seeds])[:, :, None].to(self.device)
        x, y = (rows.gather(1, order.expand(-1, -1, rows.shape[2])) for rows in (self.x, self.y))
        for start in range(0, count, self.plan.batch_size):
            batch = slice(start, start + self.plan.batch_size)
            self._step(x[:, batch], y[:, batch], rate)

    def _step(self, x: Tensor, y: Tensor, rate: Tensor) -> None:
        # The gradient of the sum over runs is, for each run, that of its own loss.
        loss = 0.5 * (self.learner.out(self.weights, x) - y).square().sum() / x.shape[1]
        gradients = torch.autograd.grad(loss, self.trained)
        with torch.no_grad():
            for weight, gradient, velocity in zip(self.trained, gradients, self.velocities):
                velocity.mul_(self.plan.momentum).add_(gradient).addcmul_(weight, self.decay)
                weight.addcmul_(velocity, rate, value=-1)


def _column(values: Sequence[float], device: torch.device) -> Tensor:
    return torch.tensor(values, device=device).view(-1, 1, 1)


@torch.no_grad()
def errors(learner: Learner, weights: Mapping[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
    """Mean of |out(x) - y|^2 over the vectors for each run, (runs,); x (runs, n, inputs), y (runs, n, outputs)."""
    total = torch.zeros(len(x), device=x.device)
    for start in range(0, x.shape[1], ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        total += (learner.out(weights, x[:, rows]) - y[:, rows]).square().sum((1, 2))
    return total / x.shape[1]


@torch.no_grad()
def errors_along(learner: Learner, weights: Mapping[str, Tensor], x: Tensor, y: Tensor, g: Tensor) -> Tensor:
    """The part of each run's error along g: the squared means of (out(x) - y) g, summed over outputs, (runs,).

    Args:
        learner: the network.
        weights: those of all runs.
        x: vectors, (runs, n, inputs).
        y: targets, (runs, n, outputs).
        g: signs that do not depend on the run's weights, (runs, n, outputs).
    """
    total = torch.zeros(len(x), y.shape[2], device=x.device)
    for start in range(0, x.shape[1], ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        total += ((learner.out(weights, x[:, rows]) - y[:, rows]) * g[:, rows]).sum(1)
    return (total / x.shape[1]).square().sum(1)


@torch.no_grad()
def errors_of_f(
    learner: Learner, weights: Mapping[str, Tensor], learn: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor]
) -> Tensor | None:
    """Each run's error of F as linear regression reads it off the first block, (runs,); None without that block.

    Args:
        learner: the network.
        weights: those of all runs.
        learn: vectors (runs, n, inputs) and F of them (runs, n, outputs), from which the regression learns.
        test: the same for the reported error, the mean of |reading - F|^2.
    """
    if learner.first_block is None:
        return None
    (x, f), (test_x, test_f) = learn, test
    read = torch.linalg.pinv(_with_one(_layer(learner, weights, x))) @ f.double()
    missed = _with_one(_layer(learner, weights, test_x)) @ read - test_f
    return missed.square().sum(2).mean(1)


def _layer(learner: Learner, weights: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """The first block's output, (runs, n, outputs), in double precision; 0 where it is not finite."""
    blocks = [
        learner.run(weights, rows).layers[str(learner.first_block)] for rows in x.split(ROWS_AT_ONCE, 1)
    ]
    return torch.cat(blocks, 1).double().nan_to_num(0.0, 0.0, 0.0)


def _with_one(h: Tensor) -> Tensor:
    return torch.nn.functional.pad(h, (0, 1), value=1.0)
