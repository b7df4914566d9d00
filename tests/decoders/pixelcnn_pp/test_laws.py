"""Laws of the decoder's law: normalised, autoregressive, exact in any precision, learnable, sampled as it is."""

import math

import pytest
import torch

from decoders.evaluation import NegativeLogLikelihood
from decoders.pixelcnn_pp.logistic_mixture import LogisticMixture

LEVELS = [2, 4, 16, 256]
CHANNELS = [1, 3]


def a_context(context, batch, dtype=torch.float64):
    if context is None:
        return None
    return torch.randn(batch, *context, dtype=dtype, generator=torch.Generator().manual_seed(3))


def repeated(h, n):
    return None if h is None else h.expand(n, *h.shape[1:])


def raw_log_scale(mixture, scale):
    """What the network must give for a scale, in units of the smallest one; 1 is the floor itself."""
    return mixture.smallest_log_scale + (math.log(math.expm1(math.log(scale))) if scale > 1 else -40.0)


# ---- 1. probabilities add up to one


@pytest.mark.parametrize(
    ("channels", "size", "levels"),
    [(1, (2, 1), 16), (1, (2, 2), 4), (3, (1, 1), 4), (1, (1, 1), 256), (3, (1, 2), 2)],
)
def test_probabilities_of_all_images_sum_to_one(decoder, every_image, context, channels, size, levels):
    model, x = decoder(channels, size, levels, context), every_image(channels, *size, levels)
    with torch.no_grad():
        log_prob = model(repeated(a_context(context, 1), len(x))).log_prob(x)
    assert log_prob.exp().sum().item() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("levels", LEVELS)
def test_each_conditional_of_a_pixel_sums_to_one_over_its_levels(decoder, context, levels):
    """At every pixel, whatever the others hold; in float32 too."""
    size = (2, 3)
    x = torch.randint(0, levels, (1, 1, *size), generator=torch.Generator().manual_seed(0))
    for dtype, tolerance in [(torch.float64, 1e-12), (torch.float32, 1e-6)]:
        model = decoder(1, size, levels, context, dtype=dtype)
        with torch.no_grad():
            density = model(repeated(a_context(context, 1, dtype), levels))
            for i in range(size[0]):
                for j in range(size[1]):
                    images = x.repeat(levels, 1, 1, 1)
                    images[:, 0, i, j] = torch.arange(levels)
                    total = density.pixel_log_prob(images)[:, i, j].double().exp().sum()
                    assert total.item() == pytest.approx(1.0, abs=tolerance)


def of_the_first_channels(mixture, parameters, channels):
    """The mixture of a pixel's first channels, and its parameters: what the later channels leave alone."""
    K, C = mixture.components, mixture.channels
    couplings = channels * (channels - 1) // 2
    starts = [(0, K), (K, channels * K), (K + C * K, channels * K), (K + 2 * C * K, couplings * K)]
    parts = [parameters[:, start : start + size] for start, size in starts]
    return LogisticMixture(channels, mixture.levels, K), torch.cat(parts, 1)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("magnitude", [1.0, 6.0])
def test_each_conditional_of_a_channel_sums_to_one_over_its_levels(dtype, levels, magnitude):
    """sum over b of p(r, g, b) = p(r, g), sum over g of p(r, g) = p(r), sum over r of p(r) = 1."""
    generator = torch.Generator().manual_seed(levels)
    mixture, n = LogisticMixture(3, levels, 4), 64
    p = magnitude * torch.randn(n, mixture.outputs, 1, 1, generator=generator, dtype=torch.float64)
    p[:, 4 * 4 : 4 * 7] += mixture.smallest_log_scale / 2
    pixel = torch.randint(0, levels, (n, 3, 1, 1), generator=generator).expand(-1, -1, 1, levels)
    for channels in (3, 2, 1):
        part, parameters = of_the_first_channels(mixture, p.to(dtype), channels)
        x = pixel[:, :channels].clone()
        x[:, -1] = torch.arange(levels)
        total = part.log_prob(parameters.expand(-1, -1, 1, levels), x).double().logsumexp(-1)
        expected = torch.zeros_like(total)
        if channels > 1:
            before, earlier = of_the_first_channels(mixture, p.to(dtype), channels - 1)
            expected = before.log_prob(earlier, pixel[:, : channels - 1, :, :1])[..., 0].double()
        eps = torch.finfo(dtype).eps
        assert torch.allclose(total, expected, rtol=16 * eps, atol=32 * eps)


@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("scale", [1, 1.5, 40, 3000])
def test_masses_of_neighbours_meet_in_float32(levels, scale):
    """Wherever the mean lies between two levels, at any scale: they share an edge to the last bit."""
    mixture, n = LogisticMixture(1, levels, 1), 1000
    p = torch.zeros(n, 3, 1, levels)
    p[:, 1] = 2 * torch.rand(n, 1, 1, generator=torch.Generator().manual_seed(0)) - 1
    p[:, 2] = raw_log_scale(mixture, scale)
    level = torch.arange(levels).expand(n, 1, 1, levels)
    total = mixture.log_prob(p, level).double().exp().sum(-1)
    assert (total - 1).abs().max() < 1e-6


# ---- 2. no conditional depends on its own or a later sub-pixel


def conditionals(model, levels, s):
    """What the law of each sub-pixel is made of, (C, numbers, H, W), as a function of real-valued levels."""
    p = model.mixture.split(model.parameters_of(levels, s))
    means = model.mixture.couple(p.means, p.coefficients, model.mixture.values(levels, levels.dtype))
    return torch.stack((p.logits.unsqueeze(1).expand_as(means), means, p.log_scales), 2).flatten(2, 3)[0]


@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize(("channels", "size"), [(1, (6, 5)), (3, (3, 5)), (3, (4, 4))])
def test_a_conditional_depends_on_every_earlier_subpixel_and_on_no_other(
    decoder, context, channels, size, levels
):
    """All pairs of sub-pixels, channels of one pixel included: exact zeros in the Jacobian, and no others."""
    model = decoder(channels, size, levels, context)
    x = (levels - 1) * torch.rand(1, channels, *size, dtype=torch.float64)
    y = conditionals(model, x.requires_grad_(), model(a_context(context, 1)).context)
    y = (y * torch.randn_like(y)).sum(1).permute(1, 2, 0).flatten()  # in the order of generation
    for n in range(len(y)):
        (gradient,) = torch.autograd.grad(y[n], x, retain_graph=True)
        seen = gradient[0].permute(1, 2, 0).flatten() != 0
        assert seen.tolist() == [m < n for m in range(len(y))]


@pytest.mark.parametrize("context", [(5,), (4, 3, 2)], ids=["vector", "map"])
def test_every_conditional_depends_on_all_of_h(decoder, context):
    """On every number of it, at every pixel: causality constrains the image alone."""
    model, h = decoder(3, (4, 5), 16, context), a_context(context, 1).requires_grad_()
    y = model(h).pixel_log_prob(torch.randint(0, 16, (1, 3, 4, 5))).flatten()
    for n in range(len(y)):
        (gradient,) = torch.autograd.grad(y[n], h, retain_graph=True)
        assert (gradient != 0).all()


# ---- 3. the log-probability is the literal sum; 4. and so are its gradients


def literal_log_prob(mixture, parameters, levels):
    """log of sum_k pi_k prod_c (sigmoid(upper edge) - sigmoid(lower edge)) in float64: no algebra, no branch.

    A logistic is symmetric, so each difference is taken on the side where both terms are small; good to the
    smallest double, some 700 nats away.
    """
    K, C, L = mixture.components, mixture.channels, mixture.levels
    half = 1 / (L - 1)
    x, floor = [2 * v * half - 1 for v in levels], math.log(half / 12)
    p = parameters.double()
    weights, total = p[:K].softmax(0), torch.zeros((), dtype=torch.float64)
    for k in range(K):
        mass = weights[k]
        for c in range(C):
            mean, raw = p[K * (1 + c) + k], p[K * (1 + C + c) + k]
            for d in range(c):
                mean = mean + torch.tanh(p[K * (1 + 2 * C + c * (c - 1) // 2 + d) + k]) * x[d]
            scale = torch.exp(floor + torch.logaddexp(raw - floor, torch.zeros_like(raw)))
            upper = torch.tensor(math.inf) if levels[c] == L - 1 else (x[c] + half - mean) / scale
            lower = torch.tensor(-math.inf) if levels[c] == 0 else (x[c] - half - mean) / scale
            if upper + lower > 0:
                upper, lower = -lower, -upper
            mass = mass * (torch.sigmoid(upper) - torch.sigmoid(lower))
        total = total + mass
    return total.log()


def value_and_gradient(function, parameters):
    """A number and its slopes."""
    p = parameters.detach().clone().requires_grad_()
    value = function(p)
    (gradient,) = torch.autograd.grad(value.sum(), p)
    return value.detach(), gradient


def check(mixture, p, levels, steepness):
    """Equal to the twin, but for what the rounding of a mean does: `steepness` is the reciprocal of a scale."""
    x = torch.tensor(levels).view(1, -1, 1, 1)
    with torch.autocast("cpu", torch.bfloat16):
        value, gradient = value_and_gradient(lambda p: mixture.log_prob(p.view(1, -1, 1, 1), x), p)
    expected, slopes = value_and_gradient(lambda p: literal_log_prob(mixture, p, levels), p.double())
    assert value.dtype == torch.promote_types(p.dtype, torch.float32)
    assert expected.isfinite()
    eps = max(torch.finfo(value.dtype).eps, 1e-13)  # the twin's own: its edges nearly cancel at large scales
    moved = 4 * eps * steepness * (1 + p.double().abs().max().item())  # in scales
    assert value.item() == pytest.approx(expected.item(), rel=8 * eps, abs=moved + 8 * eps)
    assert gradient.isfinite().all()
    relative = max(4 * torch.finfo(p.dtype).eps, 32 * eps) + 2 * moved
    tolerance = relative * slopes.abs().max().item() + 32 * eps * (1 + steepness)
    assert torch.allclose(gradient.double(), slopes, rtol=relative, atol=tolerance)


# bfloat16: what a head under mixed precision might hand over; the likelihood must widen it.
PRECISIONS = [torch.float64, torch.float32, torch.bfloat16]


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("scale", [1, 1.5, 40, 3000])
def test_one_logistic_in_the_middle_at_both_ends_and_far_in_the_tails(dtype, levels, scale):
    """The mean lies up to 650 scales beside the level on either side: hundreds of nats, and no branch at 1e-5."""
    mixture = LogisticMixture(1, levels, 1)
    s = math.exp(mixture.smallest_log_scale) * scale
    for level in sorted({0, 1, levels // 2, levels - 1}):
        for away in (0.0, 0.3, -2.0, 12.0, -12.0, 650.0, -650.0):
            mean = 2 * level / (levels - 1) - 1 + away * s
            p = torch.tensor([0.7, mean, raw_log_scale(mixture, scale)], dtype=torch.float64).to(dtype)
            check(mixture, p, [level], 1 / s)


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("magnitude", [1.0, 3.0])
def test_a_mixture_with_couplings_is_the_literal_sum(dtype, channels, levels, magnitude):
    """Components at their floor and others far away; the first and the last level in every channel."""
    mixture = LogisticMixture(channels, levels, 3)
    generator = torch.Generator().manual_seed(levels + channels)
    p = magnitude * torch.randn(mixture.outputs, generator=generator, dtype=torch.float64)
    p[3 * (1 + channels) : 3 * (1 + 2 * channels)] += mixture.smallest_log_scale / 2
    drawn = torch.randint(0, levels, (channels,), generator=generator).tolist()
    for level in (drawn, [0] * channels, [levels - 1] * channels):
        check(mixture, p.to(dtype), level, math.exp(-mixture.smallest_log_scale))


@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("channels", CHANNELS)
def test_under_mixed_precision_the_loss_and_its_gradients_are_float32_and_exact(
    decoder, context, channels, levels
):
    """Bfloat16 ends before the head: the parameters of the mixture are float32, and so is their exact law."""
    model = decoder(channels, (3, 5), levels, context, dtype=torch.float32)
    x = torch.randint(0, levels, (4, channels, 3, 5), generator=torch.Generator().manual_seed(0))
    h = a_context(context, 4, torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        p, density = model.parameters_of(x, model(h).context), model(h)
        by_pixel, nats = density.pixel_log_prob(x), NegativeLogLikelihood(model)(x, h)
    assert p.dtype == by_pixel.dtype == nats.dtype == nats.mean().dtype == torch.float32
    assert (p != p.bfloat16()).any()
    nats.mean().backward()
    assert all(w.grad.dtype == torch.float32 and w.grad.isfinite().all() for w in model.parameters())
    for i, j in [(0, 0), (2, 4)]:
        expected = literal_log_prob(model.mixture, p[0, :, i, j].detach(), x[0, :, i, j].tolist()).item()
        assert by_pixel[0, i, j].item() == pytest.approx(expected, rel=1e-5, abs=1e-4)


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("levels", LEVELS)
def test_gradients_are_finite_at_extreme_parameters(channels, levels):
    mixture = LogisticMixture(channels, levels, 4)
    generator = torch.Generator().manual_seed(0)
    for magnitude in (30.0, 1e4, 1e8):
        p = magnitude * torch.randn(64, mixture.outputs, 1, 2, generator=generator)
        x = torch.randint(0, levels, (64, channels, 1, 2), generator=generator)
        x[:16], x[16:32] = 0, levels - 1
        value = mixture.log_prob(p.requires_grad_(), x)
        (gradient,) = torch.autograd.grad(value.sum(), p)
        assert value.isfinite().all()
        assert gradient.isfinite().all()


# ---- 3, continued: what the floor of the scale adds


def test_the_floor_of_the_scale_adds_less_than_a_ten_thousandth_of_a_bit():
    """A target that is certain has the optimal scale 0; under the floor it costs this much, at every level."""
    for levels in range(2, 257):
        mixture = LogisticMixture(1, levels, 1)
        level = torch.arange(levels).view(1, 1, 1, -1)
        p = torch.zeros(1, 3, 1, levels)
        p[:, 1:2], p[:, 2] = mixture.values(level), -1e4
        bits = -mixture.log_prob(p, level) / math.log(2)
        assert bits.min() >= 0
        assert bits.max() < 1e-4


@pytest.mark.parametrize("levels", LEVELS)
def test_gradients_lead_down_to_the_floor(levels):
    """For a certain target every step towards a smaller scale pays, until less than 1e-4 bits are left."""
    mixture = LogisticMixture(1, levels, 1)
    raw = torch.linspace(mixture.smallest_log_scale - 8, 3, 500).requires_grad_()
    level = torch.full((500, 1, 1, 1), (levels - 1) // 2)
    p = torch.stack((torch.zeros(500), mixture.values(level).flatten(), raw), 1)
    bits = -mixture.log_prob(p.view(500, 3, 1, 1), level).flatten() / math.log(2)
    (gradient,) = torch.autograd.grad(bits.sum(), raw)
    assert (gradient[bits > 1e-4] > 1e-5).all()
    assert bits[0] < 1e-4 < bits[-1]


# ---- 5. every parameter learns


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("size", [(16, 16), (10, 13)])
def test_every_number_of_every_parameter_receives_a_gradient(decoder, context, channels, size):
    """Each weight, not only each tensor, once what starts at 0 has moved (`decoder` moves every parameter)."""
    model = decoder(channels, size, 16, context)
    x = torch.randint(0, 16, (4, channels, *size), generator=torch.Generator().manual_seed(0))
    NegativeLogLikelihood(model)(x, a_context(context, 4)).mean().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert (parameter.grad != 0).all(), name


# ---- 6. samples are of the law


@pytest.mark.parametrize(("channels", "size", "levels"), [(1, (2, 2), 4), (3, (1, 2), 3), (1, (1, 2), 16)])
def test_mean_nats_of_own_samples_is_the_entropy(decoder, every_image, context, channels, size, levels):
    """The entropy summed over all images; 10,000 samples, so that an error of 4 % is seen."""
    model, h = decoder(channels, size, levels, context), a_context(context, 1)
    x = every_image(channels, *size, levels)
    with torch.no_grad():
        q = model(repeated(h, len(x))).log_prob(x)
        drawn = model(h).sample(torch.Generator().manual_seed(0), 10_000).flatten(0, 1)
    digits = levels ** torch.arange(drawn[0].numel() - 1, -1, -1)
    nats, entropy = -q[(drawn.flatten(1) * digits).sum(1)], -(q.exp() * q).sum().item()
    stderr = nats.std().item() / math.sqrt(len(nats))
    assert stderr < 0.01 * entropy
    assert abs(nats.mean().item() - entropy) < 4 * stderr
