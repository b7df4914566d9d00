"""The convolutions and linear layers of a network in execution order, each with its input and output."""

import math
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ib_analysis.encoders.layers.normalisation import Normalise

Hook = Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class LayerCall:
    """One call of one layer."""

    name: str
    """Path of the layer in the network, as `get_submodule` takes it."""
    layer: nn.Conv2d | nn.Linear
    read: Tensor
    written: Tensor

    @property
    def weights(self) -> int:
        """Number of weights, without the bias."""
        return self.layer.weight.numel()

    @property
    def multiplications(self) -> int:
        """Multiplications for one image: the number of outputs times the weights of one output."""
        return math.prod(self.written.shape[1:]) * (self.weights // self.layer.weight.shape[0])

    @property
    def is_projection(self) -> bool:
        """Whether the layer is a 1x1 convolution, as the projection of a shortcut is."""
        return isinstance(self.layer, nn.Conv2d) and self.layer.kernel_size == (1, 1)


def layer_calls(
    network: nn.Module, run: Callable[[], object], noise: torch.Generator | None = None
) -> tuple[LayerCall, ...]:
    """Input and output of every convolution and linear layer while `run` runs the network.

    With a generator, the result of each of them and of the pixel normalisation is replaced by Gaussian noise. An
    activation that is non-negative under this noise is non-negative for all weights and images.
    """
    calls: list[LayerCall] = []

    def drawn(_: nn.Module, __: tuple[Tensor, ...], output: Tensor) -> Tensor:
        return output if noise is None else torch.randn(output.shape, generator=noise)

    def recorded(name: str, layer: nn.Conv2d | nn.Linear) -> Hook:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
            written = drawn(module, inputs, output)
            calls.append(LayerCall(name, layer, inputs[0], written))
            return written

        return hook

    with ExitStack() as hooked, torch.no_grad():
        for name, module in network.named_modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                hooked.callback(module.register_forward_hook(recorded(name, module)).remove)
            elif isinstance(module, Normalise):
                hooked.callback(module.register_forward_hook(drawn).remove)
        run()
    return tuple(calls)


def same_memory(a: Tensor, b: Tensor) -> bool:
    """Whether two live tensors share their memory."""
    return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()
