"""The mixture's log-probability in C, and its gradient, against the same in torch operations in double precision."""

import math

import pytest
import torch

from decoders.pixelcnn_pp import logistic_mixture
from decoders.pixelcnn_pp.logistic_mixture import LogisticMixture
from decoders.pixelcnn_pp.native_code import compiled_layers

needs_kernel = pytest.mark.skipif(compiled_layers() is None, reason="there is no C compiler here")
SIZES = [
    (1, 1),
    (8, 8),
    (5, 13),
    (3, 43),
]  # less than a block of pixels, one, one and a pixel, two and a pixel


def pixels(mixture, size, magnitude=1.0, batch=3, seed=0):
    """Parameters of pixels, and levels of which a third is the first and a third the last one."""
    generator = torch.Generator().manual_seed(seed)
    parameters = magnitude * torch.randn(batch, mixture.outputs, *size, generator=generator)
    shape = batch, mixture.channels, *size
    levels = torch.randint(0, mixture.levels, shape, dtype=torch.uint8, generator=generator)
    ends = torch.randint(0, 3, shape, generator=generator)
    levels[ends == 0], levels[ends == 1] = 0, mixture.levels - 1
    return parameters.requires_grad_(), levels


def exact(mixture, parameters, levels, weight):
    """Log-probabilities in double precision, and the gradient of their weighted sum."""
    twin = parameters.detach().double().requires_grad_()
    value = mixture.literal_log_prob(twin, levels)
    (gradient,) = torch.autograd.grad(value, twin, weight.double())
    return value.detach(), gradient


@needs_kernel
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("components", [1, 3, 10])
@pytest.mark.parametrize(("channels", "levels"), [(1, 17), (2, 2), (3, 256), (4, 3)])
def test_value_and_gradient_are_those_of_the_formula(channels, levels, components, size):
    mixture = LogisticMixture(channels, levels, components)
    parameters, x = pixels(mixture, size)
    value = mixture.log_prob(parameters, x)
    weight = torch.randn(value.shape)
    expected, gradient = exact(mixture, parameters, x, weight)
    assert value.dtype == torch.float32
    assert torch.allclose(value.double(), expected, rtol=1e-6, atol=1e-5)
    (ours,) = torch.autograd.grad(value, parameters, weight)
    assert torch.allclose(ours.double(), gradient, rtol=1e-4, atol=1e-4 * weight.abs().max().item())


@needs_kernel
@pytest.mark.parametrize("mean", [0.0, 1.5, 40.0, -300.0])
@pytest.mark.parametrize("raw", [-60.0, -2.0, 8.0, 60.0])
def test_far_in_the_tails_and_at_the_bounds_of_the_scale(mean, raw):
    mixture = LogisticMixture(1, 256, 1)
    levels = torch.tensor([0, 1, 128, 255]).view(1, 1, 1, 4)
    parameters = torch.tensor([0.3, mean, raw]).view(1, 3, 1, 1).repeat(1, 1, 1, 4).requires_grad_()
    value, weight = mixture.log_prob(parameters, levels), torch.ones(1, 1, 4)
    expected, gradient = exact(mixture, parameters, levels, weight)
    rounding = 1e-6 * (1 + abs(mean)) / math.exp(mixture.bound_log_scales(torch.tensor(raw)).item())
    assert torch.allclose(value.double(), expected, rtol=1e-6, atol=1e-5 + rounding)
    (ours,) = torch.autograd.grad(value, parameters, weight)
    assert torch.allclose(ours.double(), gradient, rtol=1e-4, atol=1e-5 + 128 * rounding)


@needs_kernel
@pytest.mark.parametrize("output", [0, 2, 10, 20, 31])
def test_nan_is_not_lost(output):
    """A fit that diverges is seen by its loss; each kind of parameter may be the first."""
    mixture = LogisticMixture(3, 256, 3)
    parameters, levels = pixels(mixture, (4, 5))
    with torch.no_grad():
        parameters[1, output % mixture.outputs, 2, 3] = math.nan
    value = mixture.log_prob(parameters, levels)
    expected = mixture.literal_log_prob(parameters, levels)
    assert torch.equal(value.isnan(), expected.isnan())
    assert value.isnan().sum() == 1
    (ours,) = torch.autograd.grad(value.sum(), parameters)
    assert ours[1, :, 2, 3].isnan().any()
    assert ours.isnan().any(1).sum() == 1


@needs_kernel
def test_what_lies_apart_in_memory_is_read_right():
    mixture = LogisticMixture(3, 256, 5)
    whole, levels = pixels(mixture, (9, 18))
    parameters, x = whole[..., ::2].transpose(2, 3), levels[..., ::2].transpose(2, 3)
    expected, gradient = exact(mixture, parameters, x, torch.ones(3, 9, 9))
    for given in (parameters, parameters.contiguous(memory_format=torch.channels_last)):
        value = mixture.log_prob(given, x.long())
        assert torch.allclose(value.double(), expected, atol=1e-5)
        (ours,) = torch.autograd.grad(value.sum(), whole, retain_graph=True)
        assert torch.allclose(ours[..., ::2].transpose(2, 3).double(), gradient, atol=1e-3)
        assert ours[..., 1::2].eq(0).all()


@needs_kernel
def test_no_bit_depends_on_the_number_of_threads_or_on_whether_there_is_a_gradient():
    mixture = LogisticMixture(3, 256, 5)
    parameters, levels = pixels(mixture, (9, 9), batch=5)
    threads, found = torch.get_num_threads(), []
    try:
        for n in (1, 2, 3):
            torch.set_num_threads(n)
            value = mixture.log_prob(parameters, levels)
            found.append((value, torch.autograd.grad(value.sum(), parameters)[0]))
            with torch.no_grad():
                assert torch.equal(mixture.log_prob(parameters, levels), value)
    finally:
        torch.set_num_threads(threads)
    for value, gradient in found[1:]:
        assert torch.equal(value, found[0][0])
        assert torch.equal(gradient, found[0][1])


@needs_kernel
def test_double_precision_and_a_machine_without_compiler_take_torch_operations(monkeypatch):
    mixture = LogisticMixture(3, 256, 5)
    parameters, levels = pixels(mixture, (4, 4))
    ours = mixture.log_prob(parameters, levels)
    assert torch.equal(
        mixture.log_prob(parameters.double(), levels), mixture.literal_log_prob(parameters.double(), levels)
    )
    monkeypatch.setattr(logistic_mixture, "runs_in_c", lambda *maps: False)
    without = mixture.log_prob(parameters, levels)
    assert torch.equal(without, mixture.literal_log_prob(parameters, levels))
    assert torch.allclose(ours, without, atol=1e-5)


@needs_kernel
def test_what_a_pixel_that_is_almost_certain_costs_is_not_rounded_to_nothing():
    """Thousands of such pixels are in an image of few colours."""
    mixture, levels = LogisticMixture(1, 2, 1), torch.ones(1, 1, 1, 64, dtype=torch.uint8)
    parameters = torch.zeros(1, 3, 1, 64)
    parameters[0, 0] = 0.3
    parameters[0, 1, 0] = torch.linspace(0, 20, 64)
    expected = mixture.literal_log_prob(parameters.double(), levels)
    assert expected.max() > -1e-8
    assert torch.allclose(mixture.log_prob(parameters, levels).double(), expected, rtol=1e-5, atol=0)


@needs_kernel
@pytest.mark.parametrize("size", [10.0, 1e4, 1e8])
def test_large_logits_cost_no_digits_of_the_rest(size):
    """They are known but for a common number."""
    mixture = LogisticMixture(3, 256, 5)
    parameters, levels = pixels(mixture, (8, 8))
    with torch.no_grad():
        parameters[:, :5] = size + size / 1e4 * torch.arange(5)[:, None, None]
    weight = torch.ones(3, 8, 8)
    expected, gradient = exact(mixture, parameters, levels, weight)
    value = mixture.log_prob(parameters, levels)
    assert torch.allclose(value.double(), expected, rtol=1e-6, atol=1e-5)
    (ours,) = torch.autograd.grad(value, parameters, weight)
    assert torch.allclose(ours.double(), gradient, rtol=1e-4, atol=1e-4)


@needs_kernel
def test_what_does_not_fit_together_is_no_matter_for_c():
    """Levels are broadcast, or refused, as in torch operations; memory that is not theirs is never read."""
    mixture = LogisticMixture(3, 256, 5)
    parameters, levels = pixels(mixture, (4, 4))
    each = torch.cat([mixture.log_prob(parameters[i : i + 1], levels[:1]) for i in range(3)])
    assert torch.allclose(mixture.log_prob(parameters, levels[:1]), each, atol=1e-5)
    for wrong in ((parameters[:, :-1], levels), (parameters, levels[:, :, :3])):
        with pytest.raises(RuntimeError):
            mixture.log_prob(*wrong)
    with pytest.raises(RuntimeError):
        mixture.log_prob(parameters, levels.to("meta"))


@needs_kernel
def test_very_many_components_do_not_fill_the_stack():
    mixture = LogisticMixture(1, 17, 20_000)
    parameters, levels = pixels(mixture, (1, 2), batch=1)
    value = mixture.log_prob(parameters, levels)
    assert torch.allclose(value, mixture.literal_log_prob(parameters, levels))
    value.sum().backward()
