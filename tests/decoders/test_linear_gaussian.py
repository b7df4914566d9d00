import math

import numpy as np
import pytest
import torch
from scipy import stats

from decoders.errors import ContextError, FitError
from decoders.evaluation import nats_per_example
from decoders.linear_gaussian import LinearGaussian
from decoders.pairs import TensorPairs
from decoders.spec import ImageTarget, LinearGaussianSpec


def vector(dimensions):
    return ImageTarget(channels=dimensions, height=1, width=1, levels=2)


def build(d, context=None, ridge=1e-9):
    return LinearGaussian(LinearGaussianSpec(ridge=ridge), vector(d), context)


def joint_gaussian(n, seed=0):
    """x (3) and h (2) jointly Gaussian, with I(x; h) in closed form."""
    rng = np.random.default_rng(seed)
    root = np.random.default_rng(99).normal(size=(5, 5))
    covariance = root @ root.T + 0.3 * np.eye(5)
    sample = rng.multivariate_normal(np.arange(5.0), covariance, size=n)
    log_det = lambda part: np.linalg.slogdet(covariance[part, part])[1]  # noqa: E731
    truth = 0.5 * (log_det(slice(0, 3)) + log_det(slice(3, 5)) - log_det(slice(0, 5)))
    x, h = torch.from_numpy(sample[:, :3]), torch.from_numpy(sample[:, 3:])
    entropy = 0.5 * log_det(slice(0, 3)) + 1.5 * math.log(2 * math.pi * math.e)
    return x.reshape(n, 3, 1, 1), h, truth, entropy


def test_information_equals_the_closed_form():
    x, h, truth, entropy = joint_gaussian(20000)
    x_test, h_test, _, _ = joint_gaussian(20000, seed=1)
    marginal, conditional = build(3), build(3, (2,))
    marginal.fit_closed_form(x, None)
    conditional.fit_closed_form(x, h)
    a = nats_per_example(marginal, TensorPairs(x_test), "cpu", 3000)
    b = nats_per_example(conditional, TensorPairs(x_test, h_test), "cpu", 3000)
    stderr = (a - b).std(ddof=1) / math.sqrt(len(a))
    assert abs((a - b).mean() - truth) < 4 * stderr
    assert abs(a.mean() - entropy) < 4 * a.std(ddof=1) / math.sqrt(len(a))
    # On its own sample the maximum-likelihood value is the sample's Gaussian information, exactly.
    z = np.cov(torch.cat([x.flatten(1), h], 1).numpy().T)
    sample = 0.5 * (
        np.linalg.slogdet(z[:3, :3])[1] + np.linalg.slogdet(z[3:, 3:])[1] - np.linalg.slogdet(z)[1]
    )
    own = (conditional(h).log_prob(x) - marginal(None).log_prob(x)).mean().item()
    assert own == pytest.approx(sample, abs=1e-6)


def test_correlation_of_two_normals():
    rng = np.random.default_rng(0)
    h = rng.normal(size=(50000, 1))
    x = 0.75 * h + math.sqrt(1 - 0.75**2) * rng.normal(size=(50000, 1))
    marginal, conditional = build(1), build(1, (1,))
    pair = torch.from_numpy(x).reshape(-1, 1, 1, 1), torch.from_numpy(h)
    marginal.initialise(pair[0], None)
    conditional.initialise(*pair)
    gain = (conditional(pair[1]).log_prob(pair[0]) - marginal(None).log_prob(pair[0])).mean().item()
    assert gain == pytest.approx(-0.5 * math.log(1 - 0.75**2), abs=0.02)  # .413 nats


def test_log_density_is_scipys():
    x, h, _, _ = joint_gaussian(200)
    oracle = build(3, (2,))
    oracle.fit_closed_form(x, h)
    density = oracle(h[:5])
    covariance = (density.cholesky @ density.cholesky.T).numpy()
    for row in range(5):
        expected = stats.multivariate_normal(density.mean[row].numpy(), covariance).logpdf(
            x[row].flatten().numpy()
        )
        assert density.log_prob(x[:5])[row].item() == pytest.approx(expected, rel=1e-10)


def test_blocks_give_what_the_whole_gives():
    x, h, _, _ = joint_gaussian(1000)
    whole, blocks = build(3, (2,)), build(3, (2,))
    whole.fit_closed_form(x + 1e4, h)
    blocks.fit_blocks((x[i : i + 130] + 1e4, h[i : i + 130]) for i in range(0, 1000, 130))
    for a, b in zip(whole.buffers(), blocks.buffers(), strict=True):
        assert torch.allclose(a, b, rtol=1e-7, atol=1e-7)


def test_samples_have_its_moments():
    x, h, _, _ = joint_gaussian(500)
    oracle = build(3, (2,))
    oracle.fit_closed_form(x, h)
    density = oracle(h[:2])
    draws = density.sample(torch.Generator().manual_seed(0), 40000)
    assert draws.shape == (40000, 2, 3, 1, 1)
    flat = draws.flatten(2)
    covariance = density.cholesky @ density.cholesky.T
    assert torch.allclose(flat.mean(0), density.mean, atol=0.05 * covariance.diagonal().max().sqrt().item())
    assert torch.allclose(torch.cov(flat[:, 0].T), covariance, atol=0.05 * covariance.max().item())
    entropy = density.cholesky.diagonal().log().sum() + 1.5 * math.log(2 * math.pi * math.e)
    nats = -density.log_prob(draws[0])
    assert nats.shape == (2,)
    own = torch.stack([-density.log_prob(draw) for draw in draws[:4000]]).mean()
    assert own.item() == pytest.approx(entropy.item(), abs=0.1)


def test_constant_pixels_are_held_up_by_the_ridge():
    x = torch.zeros(50, 3, 1, 1)
    oracle = build(3, ridge=1e-4)
    oracle.fit_closed_form(x, None)
    assert torch.isfinite(oracle(None).log_prob(x)).all()


def test_bad_input():
    with pytest.raises(FitError, match="two examples"):
        build(3).fit_closed_form(torch.zeros(1, 3, 1, 1), None)
    with pytest.raises(FitError, match="two examples"):
        build(3).fit_blocks([])
    with pytest.raises(ContextError, match="built for"):
        build(3, (2,))(None)
    with pytest.raises(ContextError, match="built for"):
        build(3, (2,))(torch.zeros(4, 5))
    with pytest.raises(FitError, match="not positive definite"):
        build(3).fit_closed_form(torch.full((5, 3, 1, 1), float("nan")), None)
