"""Ridge regression against its other forms."""

import pytest
import torch

from ib_analysis.studies.beyond_kernels.ridge import Grams, Targets, coefficients, kernel_ridge, least_squares


def parts(features=6, noise=0.0, seed=0):
    g = torch.Generator().manual_seed(seed)
    truth = torch.randn(features, 2, generator=g).double()
    phi = tuple(torch.randn(n, features, generator=g).double() for n in (40, 30, 50))
    y = [rows @ truth + noise * torch.randn(len(rows), 2, generator=g).double() for rows in phi]
    return phi, Targets(*y)


def test_kernel_ridge_is_ridge_over_features():
    (train, _, test), y = parts(noise=0.5)
    s = (train @ train.T).diagonal().mean()
    (a,) = coefficients(train @ train.T, y.train, [0.1])
    primal = torch.linalg.solve(train.T @ train + 0.1 * s * torch.eye(6).double(), train.T @ y.train)
    torch.testing.assert_close(test @ train.T @ a, test @ primal)


def test_the_ridge_of_the_least_validation_error_is_taken():
    phi, y = parts(noise=3.0)
    ridges = (1e-4, 0.1, 1.0, 1e4)
    alone = {r: kernel_ridge(Grams.of(phi), y, [r]) for r in ridges}
    best = min(ridges, key=lambda r: alone[r].validation_error)
    assert kernel_ridge(Grams.of(phi), y, ridges) == alone[best]


def test_least_squares_finds_what_is_linear():
    phi, y = parts()
    assert least_squares(phi, y).test_error == pytest.approx(0.0, abs=1e-12)


def test_more_features_than_vectors_are_interpolated_with_the_least_norm():
    phi, y = parts(features=60)
    ridged = kernel_ridge(Grams.of(phi), y, [1e-9])
    found = least_squares(phi, y)
    assert found.test_error == pytest.approx(ridged.test_error, rel=1e-4)
    assert found.test_error > 1


def test_a_matrix_that_is_not_positive_is_no_choice():
    y = Targets(torch.ones(2, 1), torch.ones(1, 1), torch.ones(1, 1))
    gram = torch.tensor([[1.0, 2.0], [2.0, 1.0]])
    found = kernel_ridge(Grams(gram, torch.ones(1, 2), torch.ones(1, 2)), y, [1e-3, 10.0])
    assert found.ridge == 10.0
