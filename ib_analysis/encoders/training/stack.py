"""Several networks of one architecture computed as one: Stack(encoders).

The time of a step of a small network on a CPU is that of its many small operations. A stack of M members needs the
operations of one.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from ib_analysis.encoders.encoder import Encoder

# Numbers of the largest tapped activation of one member for one batch. Beyond it a stack may take longer than its
# members one after another (benchmarks/network_stacks.py).
MOST_NUMBERS = 2**16
# A stack of 32 takes a tenth less a member than one of 16, for twice the memory (benchmarks/network_stacks.py).
MOST_MEMBERS = 16


def members_at_once(encoder: Encoder, batch_size: int, device: torch.device) -> int:
    """How many networks to compute as one: several small ones on a CPU, otherwise 1."""
    numbers = batch_size * max(math.prod(tap.shape) for tap in encoder.taps)
    return MOST_MEMBERS if device.type == "cpu" and numbers <= MOST_NUMBERS else 1


class Stack:
    """Encoders of one description, whose weights are trained together and handed back by `write_back`.

    The parameters of a member are one vector of `vectors`, for an optimizer. Nothing passes from one member to another,
    in either direction: one whose numbers are not finite harms no other. Encoders that draw random numbers are refused
    by `vmap`.

    Raises:
        ValueError: encoders that differ in more than their weights.
    """

    def __init__(self, encoders: Sequence[Encoder]) -> None:
        first = encoders[0]
        if any(encoder.description() != first.description() for encoder in encoders):
            raise ValueError("members of a stack have one specification, regime and shape of images")
        self.encoders = encoders
        self.vectors = [nn.Parameter(_in_a_row(encoder)) for encoder in encoders]
        self.shapes = {name: parameter.shape for name, parameter in first.named_parameters()}
        self.sizes = [shape.numel() for shape in self.shapes.values()]
        buffers = [dict(encoder.named_buffers()) for encoder in encoders]
        self.buffers = {name: torch.stack([own[name] for own in buffers]) for name in buffers[0]}
        self.outputs = vmap(self._output, in_dims=(0, 0, 1))

    def __call__(self, x: Sequence[Tensor]) -> Tensor:
        """Outputs (members, batch, ...) for images (batch, C, H, W) of each member, in the mode of the first."""
        return self.outputs(torch.stack(list(self.vectors)), self.buffers, torch.stack(list(x), 1))

    @torch.no_grad()
    def write_back(self) -> None:
        """Copies the weights and buffers into the encoders."""
        for m, encoder in enumerate(self.encoders):
            buffers = {name: buffer[m] for name, buffer in self.buffers.items()}
            encoder.load_state_dict(self._parameters(self.vectors[m]) | buffers)

    def _output(self, vector: Tensor, buffers: dict[str, Tensor], x: Tensor) -> Tensor:
        found: Tensor = functional_call(self.encoders[0], self._parameters(vector) | buffers, (x,))
        return found

    def _parameters(self, vector: Tensor) -> dict[str, Tensor]:
        """The parameters of a member by name, as views of its vector."""
        return {
            name: part.view(self.shapes[name]) for name, part in zip(self.shapes, vector.split(self.sizes))
        }


def _in_a_row(encoder: Encoder) -> Tensor:
    """A copy of all parameters as one vector, whatever their layout in memory."""
    return torch.cat([parameter.detach().reshape(-1) for parameter in encoder.parameters()])
