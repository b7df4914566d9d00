"""Several networks of one architecture computed as one: Stack(encoders).

The time of a step of a small network on a CPU is that of its many small operations. A stack of M members needs the
operations of one.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn.utils import parameters_to_vector

from ib_analysis.encoders.encoder import Encoder

# Numbers of the largest activation of one member for one batch. The share of the time of members one after another that
# a stack of 5 takes is 0.7 at 2^14, 0.8 at 2^15, 0.7 to 0.9 at 2^16, and above 1 for wide networks at 2^17.
MOST_NUMBERS = 2**16
# A stack of 16 takes a tenth less a member than one of 8, and one of 32 as much.
MOST_MEMBERS = 16


def members_at_once(encoder: Encoder, batch_size: int, device: torch.device) -> int:
    """How many networks to compute as one: several small ones on a CPU, otherwise 1."""
    numbers = batch_size * max(math.prod(tap.shape) for tap in encoder.taps)
    return MOST_MEMBERS if device.type == "cpu" and numbers <= MOST_NUMBERS else 1


class Stack:
    """Encoders of one description, whose weights are trained together and handed back by `share`.

    The parameters of a member are one vector, which has its own place in the optimizer. Nothing passes from one member
    to another, in either direction: one whose numbers are not finite harms no other.

    Raises:
        ValueError: encoders that differ in more than their weights.
    """

    def __init__(self, encoders: Sequence[Encoder]) -> None:
        first = encoders[0]
        if any(encoder.description() != first.description() for encoder in encoders):
            raise ValueError("members of a stack have one specification, regime and shape of images")
        self.encoders = encoders
        self.vectors = [
            nn.Parameter(parameters_to_vector(encoder.parameters()).detach()) for encoder in encoders
        ]
        self.shapes = {name: parameter.shape for name, parameter in first.named_parameters()}
        self.sizes = [shape.numel() for shape in self.shapes.values()]
        self.buffers = stack_module_state(list(encoders))[1]
        self.outputs = vmap(self._output, in_dims=(0, 0, 1))

    @property
    def parameters(self) -> list[list[nn.Parameter]]:
        """The parameters of each member."""
        return [[vector] for vector in self.vectors]

    def __call__(self, x: Sequence[Tensor]) -> Tensor:
        """Outputs (members, batch, ...) for images (batch, C, H, W) of each member, in the mode of the first."""
        return self.outputs(torch.stack(list(self.vectors)), self.buffers, torch.stack(list(x), 1))

    @torch.no_grad()
    def share(self) -> None:
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
