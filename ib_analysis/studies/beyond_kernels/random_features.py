"""Features and tangent kernels of networks of finite width at their initial weights."""

from collections.abc import Mapping

import torch
from torch import Tensor

from ib_analysis.studies.beyond_kernels.learners import Learner, ThreeLayerResNet


def features(learner: Learner, weights: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """The inputs of the fixed A: the last hidden layer, or both hidden layers of the ResNet; (n, features).

    Their inner products divided by the width are the conjugate kernel at that width (Daniely, Frostig & Singer 2016,
    arXiv 1602.05897): random features in the sense of Rahimi & Recht 2007.
    """
    layers = learner.run(weights, x).layers
    if isinstance(learner, ThreeLayerResNet):
        return torch.cat([layers["hidden1"], layers["hidden2"]], dim=1)
    return layers["hidden2"] if "hidden2" in layers else layers["hidden1"]


def tangent_gram(learner: Learner, weights: Mapping[str, Tensor], x: Tensor, z: Tensor) -> Tensor:
    """The neural tangent kernel of the trained weights, averaged over the outputs, (n, n').

    d out_i / d W = (input, 1) d out_i / d before is a product, so the kernel of a weight is the product of two kernels,
    and no gradient of the size of a weight is computed.
    """
    left, right = _Backward(learner, weights, x), _Backward(learner, weights, z)
    total = torch.zeros(len(x), len(z), dtype=x.dtype, device=x.device)
    for output in range(learner.outputs):
        slopes, others = left.slopes(output), right.slopes(output)
        for name in learner.trained:
            total += (left.inputs[name] @ right.inputs[name].T + 1.0) * (slopes[name] @ others[name].T)
    return total / learner.outputs


class _Backward:
    """A forward pass with gradients with respect to the inputs of each ReLU."""

    def __init__(self, learner: Learner, weights: Mapping[str, Tensor], x: Tensor) -> None:
        self.names = learner.trained
        # A gradient with respect to the input of a ReLU needs a leaf below it.
        tracked = {name: weight.detach().requires_grad_() for name, weight in weights.items()}
        self._pass = learner.run(tracked, x)
        self.inputs = {name: rows.detach() for name, rows in self._pass.inputs.items()}

    def slopes(self, output: int) -> dict[str, Tensor]:
        """d out_i / d before of each trained weight, (n, units), row by row."""
        before = [self._pass.before[name] for name in self.names]
        out = self._pass.layers["out"][:, output].sum()
        return dict(zip(self.names, torch.autograd.grad(out, before, retain_graph=True)))
