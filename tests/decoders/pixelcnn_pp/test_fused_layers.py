"""The fused layers in C against their formulas, in each layout and precision."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from decoders.pixelcnn_pp import fused_layers
from decoders.pixelcnn_pp.causal_convolution import Margin
from decoders.pixelcnn_pp.fused_layers import CHANCES, concat_elu, gate, literal_concat_elu
from decoders.pixelcnn_pp.native_code import compiled_layers

LAYOUTS = [torch.contiguous_format, torch.channels_last]
MARGINS = [Margin(), Margin(left=1, right=1, above=1), Margin(1, 2, 3, 4)]
EXACTNESS = {torch.float32: 3e-7, torch.bfloat16: 2**-8}
needs_kernel = pytest.mark.skipif(compiled_layers() is None, reason="there is no C compiler here")


@pytest.fixture(params=LAYOUTS, ids=["rows", "channels"])
def memory(request):
    return request.param


@pytest.fixture(params=list(EXACTNESS), ids=["float32", "bfloat16"])
def dtype(request):
    return request.param


def a_map(memory, dtype=torch.float32, shape=(3, 5, 4, 7), seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = 2 * torch.randn(shape, generator=generator)
    return x.to(dtype).to(memory_format=memory).requires_grad_()


def exact(maps):
    """The same numbers in double precision, as leaves of their own."""
    return [x.detach().double().requires_grad_() for x in maps]


def close(ours, theirs, dtype):
    tolerance = EXACTNESS[dtype]
    return torch.allclose(ours.double(), theirs, rtol=tolerance, atol=tolerance)


@needs_kernel
@pytest.mark.parametrize("margin", MARGINS)
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("filters", [5, 16, 37])
def test_concat_elu_and_its_gradient_are_those_of_the_formula(memory, dtype, margin, count, filters):
    maps = [a_map(memory, dtype, (2, filters, 4, 19), seed) for seed in range(count)]
    y, twins = concat_elu(tuple(maps), margin), exact(maps)
    expected = literal_concat_elu(tuple(twins), margin)
    assert y.dtype == dtype
    assert y.is_contiguous(memory_format=memory)
    assert close(y, expected, dtype)
    weight = torch.randn(y.shape).to(dtype)
    ours = torch.autograd.grad(y, maps, weight)
    theirs = torch.autograd.grad(expected, twins, weight.double())
    assert all(
        torch.allclose(a.double(), b, atol=4 * EXACTNESS[dtype], rtol=0.02) for a, b in zip(ours, theirs)
    )


@needs_kernel
def test_a_second_summand_is_added_before_and_has_the_same_gradient(memory, dtype):
    x, added = a_map(memory, dtype, seed=1), a_map(memory, dtype, seed=2)
    margin = Margin(left=1, above=1)
    y, twins = concat_elu((x,), margin, added=added), exact((x, added))
    expected = literal_concat_elu((twins[0] + twins[1],), margin)
    assert close(y, expected, dtype)
    weight = torch.randn(y.shape).to(dtype)
    ours = torch.autograd.grad(y, (x, added), weight)
    (theirs,) = torch.autograd.grad(expected, twins[:1], weight.double())
    assert torch.equal(ours[0], ours[1])
    assert torch.allclose(ours[0].double(), theirs, atol=4 * EXACTNESS[dtype], rtol=0.02)


@needs_kernel
def test_every_value_of_the_exponential_is_within_two_units_of_the_last_place():
    """Relative error where it is hardest: from the smallest numbers to where elu is -1."""
    x = -torch.logspace(-30, 2.2, 400_000, dtype=torch.float64).float()
    negative = concat_elu((x.view(1, 1, 1, -1),)).flatten()[: len(x)].numpy()
    expected = np.expm1(x.numpy().astype(np.float64))
    units = np.abs(negative - expected) / np.spacing(np.abs(expected).astype(np.float32))
    assert units.max() < 2


@needs_kernel
def test_special_values(memory, dtype):
    values = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-30, -1e-30, 3e38, -3e38, -80.0, -90.0, -1e4]
    x = torch.tensor(values, dtype=dtype).view(1, 1, 1, -1).repeat(1, 3, 2, 1).to(memory_format=memory)
    y, expected = concat_elu((x,), Margin(left=1)), literal_concat_elu((x.double(),), Margin(left=1))
    assert torch.equal(y.isnan(), expected.isnan())
    assert torch.equal(y.isinf(), expected.isinf())
    finite = expected.isfinite()
    assert close(y[finite], expected[finite], dtype)
    assert y[:, :, :, 0].eq(0).all()
    x.requires_grad_()
    (gradient,) = torch.autograd.grad(concat_elu((x,)).sum(), x)
    assert torch.equal(gradient.isnan(), x.isnan())


@needs_kernel
def test_gradient_goes_through_what_dropout_kept(memory, dtype):
    torch.manual_seed(0)
    x, margin = a_map(memory, dtype, (4, 16, 8, 9)), Margin(left=1, above=1)
    y = concat_elu((x,), margin, dropout=0.25)
    (twin,) = exact((x,))
    expected = literal_concat_elu((twin,), margin) * (y != 0) / 0.75
    assert close(y, expected, dtype)
    weight = torch.randn(y.shape).to(dtype)
    (ours,) = torch.autograd.grad(y, x, weight)
    (theirs,) = torch.autograd.grad(expected, twin, weight.double())
    assert torch.allclose(ours.double(), theirs, atol=8 * EXACTNESS[dtype], rtol=0.02)


def kept(dropout, shape=(40, 16, 40, 41), memory=torch.contiguous_format, maps=1):
    """What a mask keeps of maps of ones: (batch, 2 filters maps, height, width), 0 or 1."""
    x = torch.ones(shape).to(memory_format=memory)
    return concat_elu((x,) * maps, dropout=dropout).ne(0).double()


@needs_kernel
@pytest.mark.parametrize("dropout", [0.02, 0.5, 0.9])
def test_each_element_is_kept_with_its_probability_and_alone(memory, dropout):
    torch.manual_seed(0)
    mask, p = kept(dropout, memory=memory, maps=2), 1 - dropout
    n = mask.numel()
    assert abs(mask.mean().item() - p) < 4.5 * math.sqrt(p * (1 - p) / n)
    centred = (mask - p) / math.sqrt(p * (1 - p))
    positive_and_negative = centred.unflatten(1, (2, 2, 16)).unbind(2)
    assert abs((positive_and_negative[0] * positive_and_negative[1]).mean().item()) < 4.5 / math.sqrt(n / 2)
    for dimension in range(4):
        for step in (1, 2, 16):
            a, b = centred.narrow(dimension, step, centred.shape[dimension] - step), centred
            b = b.narrow(dimension, 0, a.shape[dimension])
            assert abs((a * b).mean().item()) < 4.5 / math.sqrt(a.numel())


@needs_kernel
def test_masks_of_two_seeds_have_nothing_in_common_and_one_seed_repeats_its_own():
    masks = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        masks += [kept(0.5), kept(0.5)]
    assert torch.equal(masks[0], masks[2])
    assert torch.equal(masks[1], masks[3])
    n = masks[0].numel()
    for a, b in [(0, 1), (0, 4), (1, 5)]:
        assert abs((masks[a] == masks[b]).double().mean().item() - 0.5) < 4.5 / (2 * math.sqrt(n))


@needs_kernel
def test_without_dropout_the_generator_is_left_alone():
    before = torch.get_rng_state()
    concat_elu((torch.ones(1, 2, 3, 3),))
    assert torch.equal(torch.get_rng_state(), before)


@needs_kernel
def test_gate_and_its_gradient_are_those_of_the_formula(memory, dtype):
    c, x = a_map(memory, dtype, (3, 32, 5, 6)), a_map(memory, dtype, (3, 16, 5, 6), seed=1)
    y, twins = gate(c, x), exact((c, x))
    expected = F.glu(twins[0], 1) + twins[1]
    assert y.is_contiguous(memory_format=memory)
    assert close(y, expected, dtype)
    weight = torch.randn(y.shape).to(dtype)
    ours = torch.autograd.grad(y, (c, x), weight)
    theirs = torch.autograd.grad(expected, twins, weight.double())
    assert all(close(a, b, dtype) for a, b in zip(ours, theirs))


@needs_kernel
def test_gate_of_special_values(memory):
    b = torch.tensor([math.nan, math.inf, -math.inf, 200.0, -200.0, 0.0])
    c = torch.stack((torch.ones(6), b)).view(1, 2, 1, 6).repeat_interleave(2, 1).to(memory_format=memory)
    y = gate(c, torch.zeros(1, 2, 1, 6))[0, 0, 0]
    assert torch.allclose(y, torch.sigmoid(b), atol=1e-7, equal_nan=True)


@needs_kernel
def test_no_bit_depends_on_the_number_of_threads(memory, dtype):
    results = []
    threads = torch.get_num_threads()
    try:
        for n in (1, 2, 3):
            torch.set_num_threads(n)
            torch.manual_seed(0)
            x, c = a_map(memory, dtype, (5, 16, 6, 7)), a_map(memory, dtype, (5, 32, 6, 7), seed=1)
            y = concat_elu((x, x), Margin(1, 1, 1), dropout=0.5)
            z = gate(c, x)
            weights = torch.randn(y.shape).to(dtype), torch.randn(z.shape).to(dtype)
            results.append((y, z, *torch.autograd.grad((y, z), (x, c), weights)))
    finally:
        torch.set_num_threads(threads)
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other))


@needs_kernel
def test_what_lies_apart_in_memory_is_read_right():
    """Slices, transposed maps, gradients that are one number expanded."""
    whole = a_map(torch.contiguous_format, shape=(3, 8, 9, 9))
    x = whole[:, 1:6, 2:, ::2].transpose(2, 3)
    (twin,) = exact((x,))
    y = concat_elu((x,))
    assert close(y, literal_concat_elu((twin,)), torch.float32)
    y.sum().backward()
    (theirs,) = torch.autograd.grad(literal_concat_elu((twin,)).sum(), twin)
    assert torch.allclose(whole.grad[:, 1:6, 2:, ::2].transpose(2, 3).double(), theirs, atol=1e-6)
    mixed = concat_elu((x.contiguous(), x.contiguous(memory_format=torch.channels_last)))
    assert torch.equal(mixed[:, :10], mixed[:, 10:])


@needs_kernel
def test_without_the_kernel_everything_is_the_same_but_for_rounding(memory, monkeypatch):
    x, c = a_map(memory, shape=(3, 16, 5, 6)), a_map(memory, shape=(3, 32, 5, 6), seed=1)
    y, z = concat_elu((x,), MARGINS[2], added=x), gate(c, x)
    monkeypatch.setattr(fused_layers, "runs_in_c", lambda *maps: False)
    without = concat_elu((x,), MARGINS[2], added=x), gate(c, x)
    for ours, theirs in zip((y, z), without):
        assert torch.allclose(ours, theirs, atol=1e-6)
        weight = torch.randn(ours.shape)
        (a,), (b,) = (torch.autograd.grad(value, x, weight, retain_graph=True) for value in (ours, theirs))
        assert torch.allclose(a, b, atol=1e-5)


def test_without_the_kernel_dropout_keeps_its_meaning(monkeypatch):
    monkeypatch.setattr(fused_layers, "runs_in_c", lambda *maps: False)
    torch.manual_seed(0)
    y = concat_elu((torch.ones(20, 16, 20, 20),), Margin(left=1), dropout=0.25)
    assert torch.allclose(y[y > 0], torch.tensor(1 / 0.75))
    assert y[:, :16, :, 1:].ne(0).double().mean().item() == pytest.approx(0.75, abs=0.005)


def test_a_probability_is_kept_to_one_part_in_65536():
    assert [fused_layers.chances_to_keep(p) for p in (0.0, 0.5, 0.1)] == [CHANCES, CHANCES // 2, 58982]
