"""The dimension argument against the whole concept class, listed on ten inputs."""

from itertools import combinations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from ib_analysis.studies.beyond_kernels.concept import Concept
from ib_analysis.studies.beyond_kernels.dimension_bound import (
    DEGREE,
    least_dimensions,
    least_error,
    orthogonal_targets,
    resnet_multiplications,
)
from ib_analysis.studies.beyond_kernels.kernels import conjugate, polynomial, tangent
from ib_analysis.studies.beyond_kernels.learners import LEARNERS

INPUTS = 10
ALPHA = 0.3


def all_vectors(inputs=INPUTS):
    """Every vector of signs, (2^inputs, inputs)."""
    return 1.0 - 2.0 * (torch.arange(2**inputs)[:, None] >> torch.arange(inputs) & 1).double()


@pytest.mark.parametrize("inputs", [8, 10])
def test_the_targets_are_as_many_as_permutations_of_the_inputs_make_and_orthogonal(inputs):
    """Of 45 functions, 1000 permutations miss one with a probability below 1e-8."""
    concept, x = Concept("final", ALPHA, inputs), all_vectors(inputs)
    draws = torch.Generator().manual_seed(0)
    found = {
        tuple(concept.second(x[:, torch.randperm(inputs, generator=draws)])[:, 1].tolist())
        for _ in range(1000)
    }
    functions = torch.tensor(sorted(found), dtype=torch.float64)
    assert len(functions) == orthogonal_targets(inputs)
    assert torch.equal(functions @ functions.T / len(x), torch.eye(len(functions), dtype=torch.float64))


@pytest.mark.parametrize(("output", "inputs_of_g"), [(0, range(8)), (1, range(8, 16))])
def test_each_output_of_version_2_is_a_product_of_as_many_inputs(output, inputs_of_g):
    concept, x = Concept("v2", ALPHA, 16), all_vectors(16)
    assert torch.equal(concept.second(x)[:, output], x[:, list(inputs_of_g)].prod(1))
    assert len(inputs_of_g) == DEGREE


def products(x, size):
    return torch.stack([x[:, list(chosen)].prod(1) for chosen in combinations(range(x.shape[1]), size)], 1)


def of_degree_8(x, z):
    """The kernel whose features are the targets themselves."""
    return products(x, 8) @ products(z, 8).T


def class_error(kernel, count):
    """Mean over the class of the least error of one output in the span of the kernel at `count` vectors.

    An output is the product of a pair within or outside the eight inputs of G, plus alpha times that of G, of either
    sign. The mean over both signs is that of the squared distances of both parts.
    """
    x = all_vectors()
    chosen = x[torch.randperm(len(x), generator=torch.Generator().manual_seed(1))[:count]]
    basis = torch.linalg.svd(kernel(x, chosen), full_matrices=False)
    basis = basis.U[:, basis.S / basis.S[0] > 1e-9]

    def distance(target):
        return (target - basis @ (basis.T @ target)).square().mean().item()

    pairs = {pair: x[:, list(pair)].prod(1) for pair in combinations(range(INPUTS), 2)}
    return sum(
        distance(f + sign * ALPHA * x[:, list(eight)].prod(1))
        for eight in combinations(range(INPUTS), 8)
        for f in pairs.values()
        for sign in (1, -1)
    ) / (45 * 45 * 2)


KERNELS = {
    "polynomial2": polynomial,
    "conjugate": lambda x, z: conjugate("resnet", x, z, 100, 15),
    "tangent": lambda x, z: tangent("net3", x, z, 100, 15),
    "of degree 8": of_degree_8,
    "of degrees 2 and 8": lambda x, z: products(x, 2) @ products(z, 2).T + 0.5 * of_degree_8(x, z),
}


@pytest.mark.parametrize("count", [5, 20])
@pytest.mark.parametrize("kernel", KERNELS)
def test_no_kernel_errs_by_less_on_average_over_the_class(kernel, count):
    assert class_error(KERNELS[kernel], count) >= least_error(count, 1, ALPHA, INPUTS) - 1e-9


@pytest.mark.parametrize("count", [5, 20])
def test_the_bound_is_reached_by_the_kernel_of_the_targets(count):
    """It learns nothing of F, whose error is 1, and N of the 45 dimensions of G."""
    assert class_error(of_degree_8, count) - 1 == pytest.approx(least_error(count, 1, ALPHA, INPUTS))


def test_an_error_asks_for_the_dimensions_that_allow_it():
    for dimensions in (0, 1, 20, 45):
        assert least_dimensions(
            least_error(dimensions, 15, ALPHA, INPUTS), 15, ALPHA, INPUTS
        ) == pytest.approx(dimensions)
    assert least_error(46, 15, ALPHA, INPUTS) == 0
    assert least_dimensions(9.0, 15, ALPHA, INPUTS) == 0


def test_multiplications_are_those_that_torch_counts():
    learner = LEARNERS["resnet"](7, 30, 15)
    weights = learner.start(torch.Generator().manual_seed(0))
    with FlopCounterMode(display=False) as counter:
        learner.out(weights, torch.ones(4, 30))
    assert counter.get_total_flops() == 2 * 4 * resnet_multiplications(30, 15, 7)
