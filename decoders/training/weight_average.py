"""The exponential average of a model's weights: it is what is evaluated, kept and sampled from."""

import copy
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

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
        self._average: list[Tensor] = list(self.model.parameters())
        self._current: list[Tensor] = list(model.parameters())

    def restart(self) -> None:
        """Begin again at the model's present weights and buffers."""
        self.model.load_state_dict(self._source.state_dict())

    @torch.no_grad()
    def update(self, step: int) -> None:
        """average <- d average + (1 - d) current for all tensors, with d = average_decay(decay, step)."""
        torch._foreach_lerp_(self._average, self._current, 1.0 - average_decay(self.decay, step))

    @torch.no_grad()
    def copy_buffers(self) -> None:
        """Copy the buffers (the standardisation of h), which are not averaged."""
        for mine, theirs in zip(self.model.buffers(), self._source.buffers(), strict=True):
            mine.copy_(theirs)
