"""Probes on networks whose layers are known."""

import pytest
import torch

from ib_analysis.studies.beyond_kernels.concept import Concept
from ib_analysis.studies.beyond_kernels.layer_information import coordinates, estimator_of, layer_information
from ib_analysis.studies.beyond_kernels.learners import ThreeLayerResNet

CONCEPT = Concept("final", 0.3)
DEVICE = torch.device("cpu")


def exact_first_block():
    """A width of 4k that computes F exactly: x1 x2 = (relu(a) + relu(-a) - relu(b) - relu(-b)) / 2, a, b = x1 +- x2."""
    k = CONCEPT.outputs
    W, A = torch.zeros(31, 4 * k), torch.zeros(4 * k, k)
    for i in range(k):
        for unit, (sign, other, weight) in enumerate(
            ((1, 1, 0.5), (-1, -1, 0.5), (1, -1, -0.5), (-1, 1, -0.5))
        ):
            W[2 * i, 4 * i + unit], W[2 * i + 1, 4 * i + unit] = sign, other
            A[4 * i + unit, i] = weight
    return {"W": W, "V": torch.zeros(k + 1, 4 * k), "A": A}


def vectors(count=800):
    return CONCEPT.draw(count, torch.Generator().manual_seed(0))


def test_coordinates_are_the_signs_of_f_and_g():
    x = vectors(50)
    found = coordinates(CONCEPT, x, (2,))
    assert torch.equal(found["F2"], (x[:, 2] * x[:, 3] > 0).long())
    assert torch.equal(found["G1"], (-x[:, :8].prod(1) > 0).long())


def test_a_first_block_that_is_f_tells_all_of_f_and_nothing_of_g_to_a_linear_reader():
    learner, weights, x = ThreeLayerResNet(60, 30, 15), exact_first_block(), vectors()
    torch.testing.assert_close(learner.run(weights, x).layers["out1"], CONCEPT.first(x))
    probes = {"linear_probe": estimator_of("linear_probe", 0, 100, DEVICE)}
    found = {(f.layer, f.about): f for f in layer_information(learner, weights, CONCEPT, x, (1,), probes)}
    for layer in ("hidden1", "out1", "out"):
        assert found[layer, "F1"].bits == pytest.approx(1.0, abs=0.02)
    # V = 0: the second hidden layer is constant.
    assert found["hidden2", "F1"].bits == pytest.approx(0.0, abs=0.02)
    for layer in ("hidden1", "out1", "hidden2", "out"):
        assert abs(found[layer, "G1"].bits) < 4 * found[layer, "G1"].stderr_bits + 0.02
