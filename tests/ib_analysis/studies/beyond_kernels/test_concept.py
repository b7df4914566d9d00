"""The target against its definition, and the laws it was chosen for."""

import pytest
import torch

from ib_analysis.studies.beyond_kernels.concept import Concept
from ib_analysis.studies.specs.beyond_kernels import threshold


def vectors(count=200, seed=0):
    return Concept("final", 0.3).draw(count, torch.Generator().manual_seed(seed))


def test_draws_are_fair_signs():
    x = vectors(4000)
    assert set(x.unique().tolist()) == {-1.0, 1.0}
    assert x.mean(0).abs().max() < 5 / 4000**0.5


@pytest.mark.parametrize("version", ["final", "v2"])
def test_the_target_is_its_literal_twin(version):
    concept, x = Concept(version, 0.3), vectors(20)
    for row, value in zip(x.tolist(), concept(x).tolist()):
        y = [row[2 * i] * row[2 * i + 1] for i in range(concept.outputs)]
        if version == "final":
            g = [(-1) ** i * y[0] * y[1] * y[2] * y[3] for i in range(1, 16)]
        else:
            g = [y[0] * y[1] * y[2] * y[3], y[4] * y[5] * y[6] * y[7]] * 4
        assert value == pytest.approx([f + 0.3 * h for f, h in zip(y, g)])


@pytest.mark.parametrize("version", ["final", "v2"])
def test_the_exact_f_errs_by_the_threshold(version):
    concept, x = Concept(version, 0.3), vectors()
    left = (concept(x) - concept.first(x)).square().sum(1)
    assert left.tolist() == pytest.approx([threshold(concept.outputs, 0.3)] * 200, rel=1e-5)


@pytest.mark.parametrize(("version", "bits"), [("final", 1), ("v2", 2)])
def test_each_g_is_uncorrelated_with_every_f_and_not_with_every_g(version, bits):
    concept, x = Concept(version, 0.3), vectors(20000)
    f, g = concept.first(x), concept.second(x)
    assert (f.T @ g / len(x)).abs().max() < 5 / len(x) ** 0.5
    assert torch.linalg.matrix_rank(g.T @ g / len(x)) == bits


def test_g_is_uncorrelated_with_every_product_of_two_coordinates():
    x = vectors(20000)
    g = Concept("final", 0.3).second(x)[:, 0]
    products = (x[:, :, None] * x[:, None, :]).flatten(1)
    assert (products.T @ g / len(x)).abs().max() < 5.5 / len(x) ** 0.5
