"""A model under optimisation: its loss, its gradient steps, and the average of its weights."""

from collections.abc import Collection
from functools import partial
from typing import Any, Generic

import torch
from torch import Tensor, nn

from decoders.flat_parameters import flatten_gradients, read_apart
from decoders.spec import FitSpec
from decoders.training.gradient_step import GradientStep, build_adam, set_learning_rate
from decoders.training.graphed_step import build_step
from decoders.training.process_group import Ranks
from decoders.training.schedule import learning_rate
from decoders.training.seeds import seed_generators, step_seed
from decoders.training.weight_average import Model, WeightAverage


class Optimisation(Generic[Model]):
    """A model together with its loss, its optimizer and the average of its weights.

    Args:
        model: fitted in place; on the device.
        loss: module with the model inside: (target, h) to the loss of each example, (batch,).
        pretrained: parameters with pretrained weights; their learning rate is multiplied by `spec.pretrained_rate`.
        spec: the recipe.
        batch_size: examples of a step, of all processes.
        device: of the model and the batches.
        ranks: the processes that share each step.
    """

    def __init__(
        self,
        model: Model,
        loss: nn.Module,
        pretrained: Collection[nn.Parameter],
        spec: FitSpec,
        batch_size: int,
        device: torch.device,
        ranks: Ranks,
    ) -> None:
        self.model, self.spec, self.ranks, self.device = model, spec, ranks, device
        self.average = WeightAverage(model, spec.average_decay)
        groups = parameter_groups(model, pretrained, spec.pretrained_rate)
        self.vectors: list[tuple[nn.Parameter, nn.Parameter]] = []
        if device.type == "cpu":  # a GPU would add each gradient to its place by a kernel of its own
            groups = self._as_vectors(groups)
        self.loss = ranks.wrap(loss, device)
        self.optimizer = build_adam(groups, spec, device)
        # The gradients of several processes meet outside a graph.
        build = GradientStep if ranks.several else build_step
        # Functions without this object inside: a cycle would keep its memory on a GPU after the fit.
        mean_loss = partial(_mean_loss, self.loss, ranks, batch_size)
        clip = partial(nn.utils.clip_grad_norm_, [p for group in groups for p in group["params"]])
        self.gradient_step = build(mean_loss, self.optimizer, spec, device, clip)
        self.gradient_step.in_place = bool(self.vectors)

    def _as_vectors(self, groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The groups with the parameters of each, their gradients and their averages as one vector."""
        vectors = self.average.join([group["params"] for group in groups])
        for group, vector in zip(groups, vectors, strict=True):
            # Processes exchange the gradients of parameters, by a hook on each.
            flatten_gradients(group["params"], vector, as_one=not self.ranks.several)
            self.vectors.append((group["params"][0], vector))
        return [group | {"params": [vector]} for group, vector in zip(groups, vectors, strict=True)]

    def take_step(self, step: int, target: Tensor, h: Tensor | None) -> Tensor:
        """Take gradient step `step` = 0, 1, ... on this process' share of the batch, and update the average.

        Returns:
            The mean loss over the examples of all processes before the step, a scalar.
        """
        self._demand_views()
        seed_generators(step_seed(self.spec.seed, step, self.ranks.rank), self.device)
        rate = learning_rate(self.spec, step)
        for group in self.optimizer.param_groups:
            set_learning_rate(group, rate * group["share"])
        loss = self.gradient_step(target, h)
        self.average.update(step + 1)
        return self.ranks.mean(loss)

    def end(self) -> None:
        """Take no more steps: the parameters are those of any module again."""
        read_apart(self.model.parameters())

    def _demand_views(self) -> None:
        """Gradients that left their vector would change nothing, and nobody would see it."""
        for first, vector in self.vectors:
            assert vector.grad is not None, "the gradient of a vector is set to zero in place"
            if first.grad is None or first.grad.data_ptr() != vector.grad.data_ptr():
                raise RuntimeError("a gradient was replaced between two steps: set it to zero in place")

    def state_dict(self) -> dict[str, Any]:
        """Everything that `load_state_dict` restores."""
        return {
            "model": self.model.state_dict(),
            "average": self.average.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.model.load_state_dict(state["model"])
        self.average.model.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])


def parameter_groups(
    model: nn.Module, pretrained: Collection[nn.Parameter], pretrained_rate: float
) -> list[dict[str, Any]]:
    """Parameter groups: new weights take the whole learning rate, pretrained ones the share `pretrained_rate`.

    Parameters that take no gradient are in none.
    """
    ids, learned = (
        {id(parameter) for parameter in pretrained},
        [p for p in model.parameters() if p.requires_grad],
    )
    groups: list[dict[str, Any]] = [
        {"params": [p for p in learned if id(p) not in ids], "share": 1.0},
        {"params": [p for p in learned if id(p) in ids], "share": pretrained_rate},
    ]
    return [group for group in groups if group["params"]]


def _mean_loss(loss: nn.Module, ranks: Ranks, batch_size: int, target: Tensor, h: Tensor | None) -> Tensor:
    """Mean loss of this process' share, weighted such that the mean over processes is that of the batch."""
    mean: Tensor = loss(target, h).mean() * ranks.weight(len(target), batch_size)
    return mean
