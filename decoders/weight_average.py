"""The exponential average of a decoder's weights: what is evaluated, kept and sampled from."""

import copy

import torch
from torch import Tensor

from decoders.density import Decoder


def average_decay(decay: float, step: int) -> float:
    """Decay of the average after `step` gradient steps: min(decay, (1 + t) / (10 + t)).

    The warm-up keeps a short run from averaging in the weights it began with.

    >>> average_decay(0.9995, 0), average_decay(0.9995, 10**6)
    (0.1, 0.9995)
    """
    return min(decay, (1 + step) / (10 + step))


class WeightAverage:
    """A second copy of a decoder, in evaluation mode, whose weights are the running average of the first's.

    Source: Salimans et al. 2017, section 3 (Polyak averaging).
    """

    def __init__(self, decoder: Decoder, decay: float) -> None:
        self.decay = decay
        self.decoder = copy.deepcopy(decoder).eval().requires_grad_(False)
        self._source = decoder
        self._average: list[Tensor] = list(self.decoder.parameters())
        self._current: list[Tensor] = list(decoder.parameters())

    @torch.no_grad()
    def update(self, step: int) -> None:
        """average <- d average + (1 - d) current, all tensors at once, d = average_decay(decay, step)."""
        torch._foreach_lerp_(self._average, self._current, 1.0 - average_decay(self.decay, step))

    @torch.no_grad()
    def copy_buffers(self) -> None:
        """Take over what is no parameter (the standardisation of h): it is not averaged."""
        for mine, theirs in zip(self.decoder.buffers(), self._source.buffers(), strict=True):
            mine.copy_(theirs)
