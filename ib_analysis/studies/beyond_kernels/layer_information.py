"""What each layer of the ResNet tells of F and of G(F) while it learns.

F_i(x) and G_i(F(x)) are fair bits, and every layer holds them in full at every epoch as far as mutual information
goes: x takes finitely many values, and layers of real numbers map them one to one but for coincidences. What changes
is what a reader of bounded capacity can use (Xu et al. 2020, arXiv 2002.10689): the estimators are probes, each a
lower bound of I(bit; layer) that counts what a linear reader, or a small network, gets.
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
"""The fit ends after this share of its steps without a better look."""
LAYERS = ("hidden1", "out1", "hidden2", "out")


@dataclass(frozen=True)
class LayerInformation:
    """Bits that a probe reads of one binary coordinate off one layer, from below, with their standard error."""

    layer: str
    about: str
    probe: str
    bits: float
    stderr_bits: float


def estimator_of(probe: str, seed: int, steps: int, device: torch.device | str = "cpu") -> Estimator:
    """The laboratory's estimator; that of an MLP with so many steps at most, on the device."""
    settings: dict[str, Any] = {}
    if probe == "mlp_probe":
        patience = max(1, steps // MLP_PATIENCE)
        settings = {"steps": steps, "patience": patience, "learning_rate": MLP_RATE, "device": str(device)}
    return estimator(probe, seed=seed, **settings)


def coordinates(concept: Concept, x: Tensor, probed: Sequence[int]) -> dict[str, Tensor]:
    """The coordinates F_i that are asked for, counted from 1, and G_1, as classes 0 and 1, (n,) each."""
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
    """For each layer, coordinate and probe what is read, on fresh vectors x (n, inputs); weights of one run.

    A probe divides the vectors itself: some fit it, others choose its settings, the rest give the number.
    """
    with torch.no_grad():
        layers = learner.run(weights, x).layers
    for about, classes in coordinates(concept, x, probed).items():
        for layer in LAYERS:
            for name, probe in probes.items():
                found = probe.estimate(layers[layer].cpu().numpy(), classes.cpu().numpy())
                yield LayerInformation(layer, about, name, bits(found.value), bits(found.stderr))
