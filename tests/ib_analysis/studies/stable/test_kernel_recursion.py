"""The closed-form recursion: the page's values, a literal twin, and random networks."""

import math

import pytest
import torch

from ib_analysis.encoders.layers.branch_scaling import branch_scales
from ib_analysis.studies.stable.kernel_recursion import Kernels, Variances, compute_kernels, propagation

HE = Variances(weight=2.0)
TABLE = {
    (16, "none"): ("6.554e+04", 0.8315),
    (16, "uniform"): ("2.638e+00", 0.3768),
    (16, "decreasing"): ("7.300e+00", 0.4657),
    (50, "none"): ("1.126e+15", 0.9613),
    (50, "uniform"): ("2.692e+00", 0.3816),
    (50, "decreasing"): ("8.061e+00", 0.4774),
    (200, "none"): ("1.607e+60", 0.99632),
    (200, "uniform"): ("2.712e+00", 0.3834),
    (200, "decreasing"): ("8.611e+00", 0.4850),
    (1000, "none"): ("1.072e+301", 0.99983),
    (1000, "uniform"): ("2.717e+00", 0.3838),
    (1000, "decreasing"): ("8.997e+00", 0.4900),
}
"""Growth of variance and gradient, and the correlation, of inputs of correlation 0.2 at sigma_w^2 = 2."""


@pytest.mark.parametrize(("depth", "scheme"), TABLE)
def test_the_values_of_the_paper_to_four_digits(depth, scheme):
    growth, correlation = TABLE[depth, scheme]
    found = propagation(0.2, branch_scales(scheme, depth), HE)
    assert f"{math.exp(found.log_growth):.3e}" == growth
    assert found.correlation == pytest.approx(
        correlation, abs=0.5 * 10.0 ** -len(str(correlation)[2:].ljust(4, "0"))
    )


def test_deeper_than_a_double_can_count():
    found = propagation(0.2, branch_scales("none", 3000), HE)
    assert found.log_growth == pytest.approx(3000 * math.log(2))
    assert 1 - found.correlation < 1e-4


def test_unscaled_correlations_approach_one_as_the_inverse_square_of_depth():
    gaps = [1 - propagation(0.2, branch_scales("none", depth), HE).correlation for depth in (1000, 2000)]
    assert gaps[0] / gaps[1] == pytest.approx(4, rel=0.05)


def expectation(q, other, covariance, both):
    """E over the Gaussian (u, v), from the angle between them, as Cho and Saul write it."""
    angle = math.acos(max(-1.0, min(1.0, covariance / math.sqrt(q * other))))
    j1 = math.sin(angle) + (math.pi - angle) * math.cos(angle)
    return math.sqrt(q * other) * j1 / (2 * math.pi) if both else (math.pi - angle) / (2 * math.pi)


def literal_twin(x, z, scales, variances):
    """K and Theta of two inputs, entry by entry and in their own units."""
    d = len(x)
    q, other, k = (float(a @ b) / d for a, b in ((x, x), (z, z), (x, z)))
    theta = k
    for scale in scales:
        square = scale**2
        derivative = variances.weight * expectation(q, other, k, both=False)
        new_k = k + square * (variances.bias + variances.weight * expectation(q, other, k, both=True))
        theta = theta * (1 + square * derivative) + new_k - k
        q, other = (v + square * (variances.bias + variances.weight * v / 2) for v in (q, other))
        k = new_k
    return k, theta


@pytest.mark.parametrize("variances", [HE, Variances(weight=1.5, bias=0.3)])
@pytest.mark.parametrize("scheme", ["none", "uniform", "decreasing"])
def test_kernels_are_their_literal_twin(scheme, variances):
    rows = torch.randn(3, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    columns = torch.cat((rows[:1], torch.randn(2, 5, generator=torch.Generator().manual_seed(1)).double()))
    scales = branch_scales(scheme, 7)
    found = compute_kernels(rows, columns, scales, variances)
    growth = math.exp(found.log_growth)
    for i, x in enumerate(rows):
        for j, z in enumerate(columns):
            k, theta = literal_twin(x, z, scales, variances)
            assert found.nngp[i, j].item() * growth == pytest.approx(k, rel=1e-6)
            assert found.ntk[i, j].item() * growth == pytest.approx(theta, rel=1e-6)


def random_network(x, scales, variances, width, seed):
    """The first unit behind the last block for each row of x, and the empirical NTK of that unit."""
    draws = torch.Generator().manual_seed(seed)
    d = x.shape[1]
    weights = [torch.randn(width, d, generator=draws, dtype=torch.float64)]
    weights += [torch.randn(width, width, generator=draws, dtype=torch.float64) for _ in scales]
    biases = [torch.randn(width, generator=draws, dtype=torch.float64) for _ in scales]
    parameters = [p.requires_grad_() for p in (*weights, *biases)]
    y = x @ weights[0].T / math.sqrt(d)
    for scale, weight, bias in zip(scales, weights[1:], biases):
        branch = (
            math.sqrt(variances.weight / width) * torch.relu(y) @ weight.T + math.sqrt(variances.bias) * bias
        )
        y = y + scale * branch
    gradients = [
        torch.cat([g.flatten() for g in torch.autograd.grad(row[0], parameters, retain_graph=True)])
        for row in y
    ]
    return y.detach(), torch.stack(gradients) @ torch.stack(gradients).T


def test_kernels_are_the_mean_of_random_networks():
    variances, scales = Variances(weight=2.0, bias=0.2), branch_scales("decreasing", 3)
    x = torch.randn(2, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    width, count = 64, 150
    drawn = [random_network(x, scales, variances, width, seed) for seed in range(count)]
    found = compute_kernels(x, x, scales, variances)
    growth = math.exp(found.log_growth)
    nngp = torch.stack([y @ y.T / width for y, _ in drawn])
    for sample, kernel in ((nngp, found.nngp), (torch.stack([ntk for _, ntk in drawn]), found.ntk)):
        stderr = sample.std(0) / math.sqrt(count)
        deviation = (sample.mean(0) - kernel * growth).abs()
        assert torch.all(deviation < 4 * stderr)
        assert torch.all(stderr < 0.1 * (kernel * growth).abs().max())


def test_the_correlation_has_a_unit_diagonal_and_the_ntk_grows_by_its_own_kernels():
    x = torch.randn(4, 6, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    found = compute_kernels(x, x, branch_scales("none", 20), HE)
    assert isinstance(found, Kernels)
    assert torch.allclose(found.correlation.diagonal(), torch.ones(4, dtype=torch.float64))
    # On the diagonal K grows by 2 and Theta by 2 Theta + K a block: Theta_L = (1 + L / 2) K_L.
    assert torch.allclose(found.ntk.diagonal(), 11 * found.nngp.diagonal())
