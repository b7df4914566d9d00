"""The arc-cosine kernels against quadrature, and against each other."""

import math

import pytest
import torch
from scipy.integrate import quad

from ib_analysis.studies.arc_cosine import kappa_0, kappa_1

CORRELATIONS = [-0.95, -0.3, 0.0, 0.2, 0.7, 0.999]


def over_angles(c, power):
    """2 E[phi^(power)(u) phi^(power)(v)] in polar coordinates: u = r cos t, v = r cos(t - arccos c)."""
    angle = math.acos(c)
    low, high = angle - math.pi / 2, math.pi / 2
    radial = 2.0 if power else 1.0
    found, _ = quad(lambda t: (math.cos(t) * math.cos(t - angle)) ** power, low, high)
    return 2 * radial * found / (2 * math.pi)


@pytest.mark.parametrize("c", CORRELATIONS)
@pytest.mark.parametrize(("kernel", "power"), [(kappa_0, 0), (kappa_1, 1)])
def test_the_closed_form_is_the_gaussian_expectation(kernel, power, c):
    assert kernel(torch.tensor(c, dtype=torch.float64)).item() == pytest.approx(
        over_angles(c, power), abs=1e-9
    )


def test_degree_zero_is_the_derivative_of_degree_one():
    c = torch.tensor(CORRELATIONS, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(kappa_1(c).sum(), c)
    assert torch.allclose(gradient, kappa_0(c.detach()), atol=1e-10)


def test_rounding_beyond_one_does_no_harm():
    c = torch.tensor([1 + 1e-12, -1 - 1e-12], dtype=torch.float64)
    assert kappa_1(c).tolist() == pytest.approx([1.0, 0.0], abs=1e-9)
    assert kappa_0(c).tolist() == pytest.approx([1.0, 0.0], abs=1e-9)
