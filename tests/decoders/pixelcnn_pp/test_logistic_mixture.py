"""The mixture's log-probability against a literal sum, in the middle, at both ends and far in the tails."""

import math

import pytest
import torch
from torch.nn import functional as F

from decoders.pixelcnn_pp.logistic_mixture import LogisticMixture, Noise, interval_log_mass

LEVELS = [2, 3, 17, 256]


def literal_log_mass(level, levels, mean, log_scale):
    """log(sigmoid(b) - sigmoid(a)) in double precision, from whichever side does not cancel."""
    delta, s = 1 / (levels - 1), math.exp(log_scale)
    x = 2 * level * delta - 1
    b = math.inf if level == levels - 1 else (x + delta - mean) / s
    a = -math.inf if level == 0 else (x - delta - mean) / s
    if a > 0:  # the mirror image has the same mass
        a, b = -b, -a
    # sigmoid(b) - sigmoid(a) = e^b (1 - e^(a - b)) / ((1 + e^a) (1 + e^b)), each factor in logarithms
    log_denominators = math.log1p(math.exp(a)) + (
        math.log1p(math.exp(-b)) + b if b > 0 else math.log1p(math.exp(b))
    )
    if b == math.inf:
        return -math.log1p(math.exp(a))
    return b + math.log1p(-math.exp(a - b)) - log_denominators


def direct_log_mass(level, levels, mean, log_scale):
    """The difference of two sigmoids, no algebra: right wherever the mass is not tiny."""
    delta, s = 1 / (levels - 1), math.exp(log_scale)
    x = 2 * level * delta - 1
    upper = 1.0 if level == levels - 1 else 1 / (1 + math.exp(-(x + delta - mean) / s))
    lower = 0.0 if level == 0 else 1 / (1 + math.exp(-(x - delta - mean) / s))
    return math.log(upper - lower)


def ours(level, levels, mean, log_scale, dtype):
    x = torch.tensor(2 * level / (levels - 1) - 1, dtype=dtype)
    ends = torch.tensor(level == 0), torch.tensor(level == levels - 1)
    inputs = [torch.tensor(v, dtype=dtype, requires_grad=True) for v in (mean, log_scale)]
    mass = interval_log_mass(x, *inputs, *ends, 1 / (levels - 1))
    return mass.item(), torch.autograd.grad(mass, inputs)


@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("log_scale", [-3.0, -1.0, 0.5])
def test_mass_of_every_level_is_the_difference_of_two_sigmoids(levels, log_scale):
    for level in range(levels):
        value, _ = ours(level, levels, 0.3, log_scale, torch.float64)
        assert value == pytest.approx(direct_log_mass(level, levels, 0.3, log_scale), abs=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("mean", [-1.0, 0.0, 0.25, 1.5, 40.0, -300.0])
@pytest.mark.parametrize("scale", ["floor", -2.0, 0.0, 8.0])
def test_mass_at_the_ends_at_tiny_scales_and_far_in_the_tails(dtype, levels, mean, scale):
    floor = LogisticMixture(1, levels, 1).smallest_log_scale
    log_scale = torch.tensor(floor if scale == "floor" else scale, dtype=dtype).item()
    for level in {0, 1, levels // 2, levels - 1}:
        value, gradients = ours(level, levels, mean, log_scale, dtype)
        expected = literal_log_mass(level, levels, mean, log_scale)
        # x - m is rounded to one part in 2^24 of 2 and divided by the scale
        rounding = 4 * torch.finfo(dtype).eps * (1 + abs(mean)) * (1 + math.exp(-log_scale))
        assert value == pytest.approx(expected, rel=1e-6, abs=rounding + 2e-6)
        assert all(torch.isfinite(g) for g in gradients)


@pytest.mark.parametrize("levels", LEVELS)
def test_floor_of_the_scale_costs_less_than_a_ten_thousandth_of_a_bit(levels):
    mixture = LogisticMixture(channels=1, levels=levels, components=1)
    lowest = mixture.bound_log_scales(torch.tensor(-50.0, dtype=torch.float64)).item()
    for level in range(levels):
        x = 2 * level / (levels - 1) - 1
        value, _ = ours(level, levels, x, lowest, torch.float64)
        assert -value / math.log(2) < 1e-4


def test_scale_at_its_floor_still_has_a_gradient():
    raw = torch.tensor([-9.0, -12.0], requires_grad=True)
    LogisticMixture(1, 256, 1).bound_log_scales(raw).sum().backward()
    assert (raw.grad > 0).all()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("levels", [2, 3])
def test_probabilities_of_a_pixel_sum_to_one(channels, levels):
    torch.manual_seed(0)
    mixture = LogisticMixture(channels, levels, components=3)
    pixels = torch.cartesian_prod(*(torch.arange(levels) for _ in range(channels))).view(-1, channels, 1, 1)
    for scale in (0.5, 3.0, 30.0):
        p = scale * torch.randn(1, mixture.outputs, 1, 1, dtype=torch.float64)
        total = mixture.log_prob(p.expand(len(pixels), -1, -1, -1), pixels).exp().sum()
        assert total.item() == pytest.approx(1.0, abs=1e-12)


def test_probabilities_of_256_levels_sum_to_one_in_float32():
    torch.manual_seed(0)
    mixture = LogisticMixture(1, 256, components=5)
    p = 4 * torch.randn(8, mixture.outputs, 1, 1)
    levels = torch.arange(256).view(1, 1, 1, 256).expand(8, -1, -1, -1)
    total = mixture.log_prob(p.expand(-1, -1, 1, 256), levels).double().exp().sum(-1)
    assert torch.allclose(total, torch.ones_like(total), atol=2e-4)


@pytest.mark.parametrize(("channels", "levels"), [(1, 17), (2, 5), (3, 256), (4, 3)])
def test_log_prob_is_the_literal_mixture(channels, levels):
    """One component a pixel: channels multiply inside a component, components add."""
    torch.manual_seed(1)
    K = 3
    mixture = LogisticMixture(channels, levels, K)
    p = torch.randn(mixture.outputs, dtype=torch.float64)
    level = torch.randint(0, levels, (channels,)).tolist()
    x = [2 * v / (levels - 1) - 1 for v in level]
    weights = torch.softmax(p[:K], 0).tolist()
    means, log_scales = (p[K * (1 + i * channels) :][: K * channels].view(channels, K) for i in (0, 1))
    couplings = torch.tanh(p[K * (1 + 2 * channels) :]).view(-1, K)
    total, floor = 0.0, mixture.smallest_log_scale
    for k in range(K):
        log_mass = 0.0
        for c in range(channels):
            mean = means[c, k].item()
            for d in range(c):
                mean += couplings[c * (c - 1) // 2 + d, k].item() * x[d]
            log_scale = floor + F.softplus(log_scales[c, k] - floor).item()
            log_mass += literal_log_mass(level[c], levels, mean, log_scale)
        total += weights[k] * math.exp(log_mass)
    value = mixture.log_prob(p.view(1, -1, 1, 1), torch.tensor(level).view(1, -1, 1, 1))
    assert value.item() == pytest.approx(math.log(total), abs=1e-9)


@pytest.mark.parametrize("magnitude", [1.0, 30.0, 1e4])
def test_gradients_are_finite_for_any_parameters(magnitude):
    torch.manual_seed(0)
    mixture = LogisticMixture(3, 256, 4)
    p = (magnitude * torch.randn(64, mixture.outputs, 2, 2)).requires_grad_()
    levels = torch.randint(0, 256, (64, 3, 2, 2))
    levels[:8], levels[8:16] = 0, 255
    value = mixture.log_prob(p, levels)
    value.sum().backward()
    assert torch.isfinite(value).all()
    assert torch.isfinite(p.grad).all()


def test_autocast_changes_nothing():
    torch.manual_seed(0)
    mixture = LogisticMixture(3, 256, 4)
    p, levels = torch.randn(2, mixture.outputs, 3, 3), torch.randint(0, 256, (2, 3, 3, 3))
    expected = mixture.log_prob(p, levels)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(mixture.log_prob(p, levels), expected)
        halved = mixture.log_prob(p.bfloat16(), levels)
    assert halved.dtype == torch.float32
    assert torch.equal(halved, mixture.log_prob(p.bfloat16().float(), levels))


@pytest.mark.parametrize(("channels", "levels"), [(1, 4), (2, 3), (3, 2)])
def test_draws_have_the_probabilities_of_the_mixture(channels, levels):
    torch.manual_seed(0)
    n = 40_000
    mixture = LogisticMixture(channels, levels, components=3)
    p = torch.randn(1, mixture.outputs, dtype=torch.float64)
    noise = mixture.noise(torch.Generator().manual_seed(0), (n,))
    drawn = mixture.draw(p.expand(n, -1), Noise(*noise)).long()
    pixels = torch.cartesian_prod(*(torch.arange(levels) for _ in range(channels))).view(-1, channels)
    probability = mixture.log_prob(p[..., None, None].expand(len(pixels), -1, 1, 1), pixels[..., None, None])
    for pixel, q in zip(pixels, probability.exp().flatten().tolist()):
        share = (drawn == pixel).all(1).double().mean().item()
        assert abs(share - q) < 4.5 * math.sqrt(q * (1 - q) / n)
