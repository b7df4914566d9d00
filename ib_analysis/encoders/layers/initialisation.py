"""Random weights from a generator."""

import math

import torch
from torch import nn

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm)


def initialise(network: nn.Module, generator: torch.Generator) -> None:
    """Redraws the weights of every convolution and linear layer; norms become the identity, biases 0.

    Convolutions: N(0, 2 / fan-in), which preserves the second moment through a ReLU (He et al. 2015, Delving deep
    into rectifiers, section 2.2). Linear layers: N(0, 1 / fan-in), which preserves it without a ReLU.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            gain = 2 if isinstance(module, nn.Conv2d) else 1
            fan_in = module.weight[0].numel()
            nn.init.normal_(module.weight, std=math.sqrt(gain / fan_in), generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, NORMS):
            module.reset_parameters()
