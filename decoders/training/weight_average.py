"""The exponential average of a model's weights: it is what is evaluated, kept and sampled from."""

import copy
from collections.abc import Sequence
from typing import Generic, TypeVar

import torch
from torch import nn

from decoders.flat_parameters import flatten

Model = TypeVar("Model", bound=nn.Module)


def average_decay(decay: float, step: int) -> float:
    """Decay of the average after `step` gradient steps: min(decay, (1 + t) / (10 + t)).

    The warm-up reduces the weight of the initial values in a short run.

    >>> average_decay(0.9995, 0), average_decay(0.9995, 10**6)
    (0.1, 0.9995)
    """
    return min(decay, (1 + step) / (10 + step))


class WeightAverage(Generic[Model]):
    """A copy of a model in evaluation mode, whose weights are the running average of the model's.

    `torch.optim.swa_utils.AveragedModel` gives the same bits, but copies its step count to the device in every update,
    which makes a GPU wait, and takes five times as long on a CPU (2.1 against 0.4 ms for 210 tensors).

    Source: Salimans et al. 2017, section 3 (Polyak averaging).
    """

    def __init__(self, model: Model, decay: float) -> None:
        self.decay = decay
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self._source = model
        self._average: Sequence[nn.Parameter] = list(self.model.parameters())
        self._current: Sequence[nn.Parameter] = list(model.parameters())

    def join(self, groups: Sequence[Sequence[nn.Parameter]]) -> list[nn.Parameter]:
        """Make the parameters of each group one vector, and so their averages: an update is then one operation a group.

        Args:
            groups: parameters of the model, each in one group at most.

        Returns:
            The vectors of the model's parameters.
        """
        averages = {id(mine): average for mine, average in zip(self._current, self._average, strict=True)}
        joined = [[averages.pop(id(parameter)) for parameter in group] for group in groups]
        alone = [(p, averages[id(p)]) for p in self._current if id(p) in averages]
        vectors = [flatten(group) for group in groups]
        self._current = [*vectors, *(p for p, _ in alone)]
        self._average = [*map(flatten, joined), *(average for _, average in alone)]
        return vectors

    def restart(self) -> None:
        """Begin again at the model's present weights and buffers."""
        self.model.load_state_dict(self._source.state_dict())

    @torch.no_grad()
    def update(self, step: int) -> None:
        """average <- d average + (1 - d) current for all tensors, with d = average_decay(decay, step)."""
        torch._foreach_lerp_(
            tuple(self._average), tuple(self._current), 1.0 - average_decay(self.decay, step)
        )

    @torch.no_grad()
    def copy_buffers(self) -> None:
        """Copy the buffers (the standardisation of h), which are not averaged."""
        for mine, theirs in zip(self.model.buffers(), self._source.buffers(), strict=True):
            mine.copy_(theirs)
