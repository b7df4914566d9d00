"""Running statistics of a network that has not been trained."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


def calibrate(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Sets the running statistics of every batch norm to the average over some batches; no weight changes.

    A fresh batch norm believes in mean 0 and variance 1, so an untrained network in evaluation mode would
    not be the random network that its training starts from, but one whose activations grow or vanish with
    depth. Epoch 0 is therefore measured with statistics of its own, gathered without gradients. Only batch
    norms are in training mode meanwhile; the mean over batches is an equal one, not the usual exponential
    average. Leaves the network in evaluation mode.
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
