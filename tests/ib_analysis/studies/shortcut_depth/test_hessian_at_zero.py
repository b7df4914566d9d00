"""The closed form at weights 0 against second derivatives, and the condition numbers that the theory names."""

import pytest
import torch
from torch.func import hessian

from ib_analysis.studies.shortcut_depth.hessian_at_zero import condition_at_zero, hessian_at_zero, mismatch
from ib_analysis.studies.shortcut_depth.hessian_spectrum import of_eigenvalues
from ib_analysis.studies.shortcut_depth.units import Samples, UnitNetwork, dense

CONDITION = 2.597


def draws(*size, seed=0):
    return torch.randn(*size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def task(d=3, n=20, classes=None):
    return Samples(draws(n, d, seed=1), draws(n, classes or d, seed=2))


def at_zero(network, samples):
    return hessian(lambda w: network.loss(w, samples))(torch.zeros_like(network.weights))


def matrix_of_condition(d, condition, seed=3):
    """Near the identity, as on whitened inputs whose labels say little: rotations around 1/sqrt(condition)..sqrt."""
    small = draws(d, d, seed=seed) / 20
    turn = torch.linalg.matrix_exp(small - small.T)
    values = torch.logspace(-0.5, 0.5, d, base=condition, dtype=torch.float64)
    basis = torch.linalg.qr(draws(d, d, seed=seed + 100)).Q
    return turn @ basis @ torch.diag(values) @ basis.T


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("units", [1, 2, 3])
@pytest.mark.parametrize("classes", [None, 2])
def test_the_closed_form_is_the_second_derivative(depth, units, classes):
    samples = task(classes=classes)
    readout = None if classes is None else draws(classes, 3, seed=5)
    network = UnitNetwork(dense(3), units * depth, depth, "identity", readout)
    sigma = samples.x.T @ samples.x / len(samples.x)
    closed = hessian_at_zero(depth, units, sigma, mismatch(samples, readout), readout)
    torch.testing.assert_close(closed, at_zero(network, samples))


def test_a_branch_with_tanh_between_two_layers_has_the_linear_curvature_at_zero():
    samples = task()
    linear, curved = (UnitNetwork(dense(3), 4, 2, s) for s in ("identity", "tanh"))
    torch.testing.assert_close(at_zero(linear, samples), at_zero(curved, samples))


@pytest.mark.parametrize("units", [1, 2, 3])
def test_depth_two_has_the_condition_number_of_the_mismatch_whatever_the_number_of_units(units):
    M = matrix_of_condition(5, CONDITION)
    found = of_eigenvalues(torch.linalg.eigvalsh(hessian_at_zero(2, units, torch.eye(5).double(), M)))
    assert found.condition_number == pytest.approx(CONDITION, rel=1e-9)
    assert condition_at_zero(M) == pytest.approx(CONDITION, rel=1e-9)
    assert (found.index, found.flat) == (0.5, 0.0)
    largest = CONDITION**0.5
    assert (found.largest, found.smallest) == pytest.approx((largest, -largest))


def test_depth_one_is_perfect_with_one_unit_and_explodes_with_more():
    # The known values at 2, 4 and 8 units belong to one M, which its condition number does not determine: other M of
    # the same one give others, about as large. 1.0 at one unit holds for every M.
    eye = torch.eye(5).double()
    for units, known in ((1, 1.0), (2, 6.07), (4, 56), (8, 2251)):
        hessians = [
            hessian_at_zero(1, units, eye, matrix_of_condition(5, CONDITION, seed)) for seed in range(15)
        ]
        numbers = [of_eigenvalues(torch.linalg.eigvalsh(H)).condition_number for H in hessians]
        assert units > 1 or numbers == pytest.approx([1.0] * 15)
        assert known / 3 < sorted(numbers)[7] < known * 3


@pytest.mark.parametrize("depth", [3, 4])
def test_deeper_shortcuts_have_no_curvature_at_all(depth):
    assert hessian_at_zero(depth, 2, torch.eye(2), torch.eye(2)).count_nonzero() == 0
    if depth == 3:
        network = UnitNetwork(dense(3), 6, 3, "identity")
        assert at_zero(network, task()).abs().max() == 0


def test_a_network_without_shortcuts_has_none_either_from_three_layers_on():
    assert at_zero(UnitNetwork(dense(3), 2, "none", "identity"), task()).abs().max() > 0
    assert at_zero(UnitNetwork(dense(3), 3, "none", "identity"), task()).abs().max() == 0


def test_a_readout_leaves_singular_values_out_that_are_zero():
    M = torch.diag(torch.tensor([4.0, 2.0, 0.0]))
    assert condition_at_zero(M) == 2.0
