"""Multiply-adds of one forward pass."""

from torch import Tensor, nn

from ib_analysis.encoders.layers.layer_calls import layer_calls


def multiply_adds(network: nn.Module, image: Tensor) -> int:
    """Multiply-adds of convolutions and linear layers for one image, shape (1, C, H, W), including padding.

    Batch norms, additions of shortcuts and pooling are not counted. The network is left in evaluation mode.

    >>> import torch
    >>> multiply_adds(nn.Conv2d(3, 8, 3, padding=1), torch.zeros(1, 3, 4, 4)) == 8 * 16 * 27
    True
    """
    calls = layer_calls(network, lambda: network.eval()(image))
    return sum(call.multiplications for call in calls)
