"""Running statistics of an untrained network."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


def calibrate(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Sets the running statistics of every batch norm to their average over the given batches; no weight changes.

    A new batch norm has running mean 0 and variance 1. In evaluation mode the activations of an untrained network
    would therefore grow or vanish with depth, unlike those of the network from which training starts. Epoch 0 is
    measured with statistics that are collected here without gradients. Only batch norms are in training mode
    meanwhile, and all batches have equal weight, instead of the usual exponential average. The network is left in
    evaluation mode.
    """
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    if not norms:
        return
    momenta = [module.momentum for module in norms]
    network.eval()
    for module in norms:
        module.reset_running_stats()
        module.momentum = None
        module.train()
    with torch.no_grad():
        for x in batches:
            network(x)
    for module, momentum in zip(norms, momenta):
        module.momentum = momentum
        module.eval()
