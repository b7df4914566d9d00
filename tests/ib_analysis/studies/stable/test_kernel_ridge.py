"""Effective rank and kernel ridge regression against their definitions."""

import pytest
import torch

from ib_analysis.studies.stable.kernel_ridge import KernelRidge, Labelled, effective_rank, ridge_regression


def blobs(count, seed, distance=3.0):
    draws = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    centres = distance * torch.eye(3, dtype=torch.float64)
    return centres[labels] + torch.randn(count, 3, generator=draws, dtype=torch.float64), labels


def labelled(x, y, training):
    return Labelled(torch.exp(-torch.cdist(x, training).square() / 4), y)


def test_the_effective_rank_of_equal_eigenvalues_is_their_number():
    q, _ = torch.linalg.qr(torch.randn(6, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64))
    kernel = q @ torch.diag(torch.tensor([2.0, 2.0, 2.0, 2.0, 0.0, 0.0]).double()) @ q.T
    assert effective_rank(kernel) == pytest.approx(4)
    assert effective_rank(7 * kernel) == pytest.approx(4)


def test_the_effective_rank_of_two_eigenvalues():
    p = torch.tensor([0.75, 0.25], dtype=torch.float64)
    assert effective_rank(torch.diag(3 * p)) == pytest.approx(torch.exp(-(p * p.log()).sum()).item())


@pytest.mark.parametrize("ridge", [1e-3, 0.5])
def test_the_coefficients_solve_the_penalised_equations(ridge):
    x, y = blobs(20, 0)
    training = labelled(x, y, x)
    found = KernelRidge.of(training, 3).coefficients(ridge)
    targets = torch.eye(3, dtype=torch.float64)[y]
    penalty = ridge * training.kernel.diagonal().mean() * torch.eye(20, dtype=torch.float64)
    expected = torch.linalg.solve(training.kernel + penalty, targets - targets.mean(0))
    assert torch.allclose(found, expected)


def test_the_ridge_has_no_unit():
    x, y = blobs(30, 1)
    z, w = blobs(60, 2)
    kernel, other = labelled(x, y, x), labelled(z, w, x)
    scaled = KernelRidge.of(Labelled(1e6 * kernel.kernel, y), 3)
    accuracy = KernelRidge.of(kernel, 3).accuracy(other, 0.1)
    assert scaled.accuracy(Labelled(1e6 * other.kernel, w), 0.1) == accuracy
    assert accuracy > 0.8


def test_the_validation_images_choose_the_ridge_and_the_largest_wins_a_tie():
    x, y = blobs(30, 3)
    parts = [labelled(x, y, x), labelled(*blobs(90, 4), x), labelled(*blobs(90, 5), x)]
    ridges = (1e-6, 1e-2, 1.0, 1e4)
    found = ridge_regression(*parts, ridges, 3)
    regression = KernelRidge.of(parts[0], 3)
    scores = {ridge: regression.accuracy(parts[1], ridge) for ridge in ridges}
    assert found.validation_accuracy == max(scores.values())
    assert found.ridge == max(ridge for ridge, score in scores.items() if score == max(scores.values()))
    assert found.accuracy == regression.accuracy(parts[2], found.ridge)


def test_a_kernel_that_sees_all_inputs_alike_can_only_guess():
    _, y = blobs(30, 6)
    flat = Labelled(torch.ones(30, 30, dtype=torch.float64), y)
    assert (
        KernelRidge.of(flat, 3).accuracy(Labelled(torch.ones(9, 30).double(), blobs(9, 7)[1]), 0.1) == 1 / 3
    )
