"""Information of each layer of the ResNet about F and G(F) during training.

F_i(x) and G_i(F(x)) are uniform bits. Their mutual information with every layer is one bit at every epoch, because x
takes finitely many values, which real-valued layers map to distinct values almost surely. Training changes the
information that a predictor of bounded capacity can use (Xu et al. 2020, arXiv 2002.10689). The estimators are
probes: lower bounds of I(bit; layer) for a linear predictor or a small network.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ib_analysis.information.estimators.catalogue import estimator
from ib_analysis.information.estimators.estimator import Estimator
from ib_analysis.studies.beyond_kernels.concept import Concept
from ib_analysis.studies.beyond_kernels.learners import Learner
from ib_analysis.units import bits

MLP_RATE = 3e-3
MLP_PATIENCE = 6
"""A fit stops after this fraction of its steps without an improvement."""
LAYERS = ("hidden1", "out1", "hidden2", "out")


@dataclass(frozen=True)
class LayerInformation:
    """Bits of one binary coordinate that a probe extracts from one layer: a lower bound and its standard error."""

    layer: str
    about: str
    probe: str
    bits: float
    stderr_bits: float


def estimator_of(probe: str, seed: int, steps: int, device: torch.device | str = "cpu") -> Estimator:
    """The probe of the given name; an MLP probe takes at most `steps` steps on the device."""
    settings: dict[str, Any] = {}
    if probe == "mlp_probe":
        patience = max(1, steps // MLP_PATIENCE)
        settings = {"steps": steps, "patience": patience, "learning_rate": MLP_RATE, "device": str(device)}
    return estimator(probe, seed=seed, **settings)


def coordinates(concept: Concept, x: Tensor, probed: Sequence[int]) -> dict[str, Tensor]:
    """The probed coordinates F_i, counted from 1, and G_1, as classes 0 and 1, (n,) each."""
    first, second = concept.first(x), concept.second(x)
    signs = {f"F{i}": first[:, i - 1] for i in probed} | {"G1": second[:, 0]}
    return {name: (sign > 0).long() for name, sign in signs.items()}


def layer_information(
    learner: Learner,
    weights: Mapping[str, Tensor],
    concept: Concept,
    x: Tensor,
    probed: Sequence[int],
    probes: Mapping[str, Estimator],
) -> Iterator[LayerInformation]:
    """The information for each layer, coordinate and probe on fresh vectors x (n, inputs); weights of one run.

    A probe splits the vectors itself: for fitting, for selecting its settings and for the reported value.
    """
    with torch.no_grad():
        layers = learner.run(weights, x).layers
    for about, classes in coordinates(concept, x, probed).items():
        for layer in LAYERS:
            for name, probe in probes.items():
                found = probe.estimate(layers[layer].cpu().numpy(), classes.cpu().numpy())
                yield LayerInformation(layer, about, name, bits(found.value), bits(found.stderr))
