"""Every operation in C against the same by torch, and the sampler in C against the sampler by torch."""

import pytest
import torch

from decoders.pixelcnn_pp import sampling, sampling_operations
from decoders.pixelcnn_pp.decoder import PixelCNNPP
from decoders.pixelcnn_pp.native_code import compiled_layers
from decoders.pixelcnn_pp.sampling_operations import (
    BatchedProduct,
    CompiledRun,
    ConcatElu,
    Elu,
    Gate,
    Product,
    compile_runs,
    pack_panels,
)
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.spec import ImageTarget

pytestmark = pytest.mark.skipif(compiled_layers() is None, reason="there is no C compiler here")


def inside(*shape):
    """Random numbers that are a part of a larger buffer, so that vectors lie apart."""
    return torch.randn(*shape[:-1], shape[-1] + 5)[..., 2:-3] * 3


def by_torch_and_in_c(operation, out):
    operation()
    expected = out.clone()
    out.fill_(torch.nan)
    CompiledRun([operation], {})()
    return out, expected


@pytest.mark.parametrize("rows", [1, 5, 6, 16, 19])
@pytest.mark.parametrize(("inputs", "outputs"), [(1, 1), (7, 16), (24, 50), (64, 64), (10, 130), (33, 100)])
def test_product(rows, inputs, outputs):
    out = inside(rows, outputs)
    operation = Product(inside(rows, outputs), inside(rows, inputs), torch.randn(inputs, outputs), out)
    torch.testing.assert_close(*by_torch_and_in_c(operation, out), rtol=1e-5, atol=1e-4)


def test_product_of_what_is_the_same_for_all_images_and_of_overlapping_windows():
    row, out = torch.randn(9, 4), inside(7, 20)
    windows = row.as_strided((7, 12), (4, 1))
    operation = Product(torch.randn(20), windows, torch.randn(12, 20), out)
    torch.testing.assert_close(*by_torch_and_in_c(operation, out), rtol=1e-5, atol=1e-5)


def test_a_product_may_be_added_to_what_is_there():
    out, x, weight = inside(8, 40), inside(8, 9), torch.randn(9, 40)
    expected = out + x @ weight
    CompiledRun([Product(out, x, weight, out)], {})()
    torch.testing.assert_close(out, expected, rtol=1e-5, atol=1e-5)


def test_batched_product():
    out = inside(3, 5, 18)
    operation = BatchedProduct(inside(3, 5, 18), inside(3, 5, 6), torch.randn(3, 6, 18), out)
    torch.testing.assert_close(*by_torch_and_in_c(operation, out), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", [(5, 7), (16, 32), (3, 4, 20)])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 200.0])
def test_element_by_element(shape, scale):
    *images, F = shape
    x = inside(*shape) * scale
    for operation in (
        ConcatElu(x, inside(*images, 2 * F)),
        Elu(x, inside(*shape)),
        Gate(inside(*shape), inside(*images, 2 * F) * scale, inside(*shape)),
    ):
        gates = operation.gates.clone() if isinstance(operation, Gate) else None
        operation()
        expected = operation.out.clone()
        if gates is not None:
            operation.gates.copy_(gates)  # torch overwrites them
        CompiledRun([operation], {})()
        torch.testing.assert_close(operation.out, expected, rtol=2e-6, atol=1e-6 * max(1.0, scale))


def test_a_nan_stays_one():
    x = torch.tensor([[torch.nan, 1.0]])
    out = torch.zeros(1, 4)
    CompiledRun([ConcatElu(x, out)], {})()
    assert out.isnan().tolist() == [[True, False, True, False]]


def test_panels_hold_every_weight_once():
    weight = torch.arange(1.0, 3 * 70 + 1).view(3, 70)
    packed = pack_panels(weight)
    assert packed.numel() == 3 * (64 + 16)
    assert sorted(packed[packed > 0].tolist()) == weight.flatten().tolist()


def test_what_c_does_not_know_stays_where_it_was():
    order = []
    x, out = torch.randn(2, 4), torch.zeros(2, 4)
    expected = torch.nn.functional.elu(x)
    program = compile_runs([Elu(x, out), lambda: order.append(out.clone()), Elu(out, x)], {})
    assert len(program) == 3
    for operation in program:
        operation()
    torch.testing.assert_close(order, [expected])
    assert compile_runs([Elu(x.double(), out.double())], {})[0].__class__ is Elu


@pytest.mark.parametrize("target", [(3, 8, 8, 256), (1, 5, 7, 17), (2, 8, 4, 2)])
def test_the_sampler_draws_the_images_that_it_draws_by_torch(target, monkeypatch):
    torch.manual_seed(3)
    image = ImageTarget(**dict(zip(("channels", "height", "width", "levels"), target)))
    network = PixelCNNPP(PixelCNNPPSpec(filters=20, layers=1, mixtures=3, dropout=0.0), image, None)
    network.initialise(torch.randint(0, target[3], (32, *target[:3]), dtype=torch.uint8), None)
    drawn = sampling.sample_images(network, None, torch.Generator().manual_seed(1), 24)
    monkeypatch.setattr(sampling_operations, "compiled_layers", lambda: None)
    by_torch = sampling.sample_images(network, None, torch.Generator().manual_seed(1), 24)
    # A rounding may tip a value at the edge of two levels, and then what follows in that image.
    same = (drawn == by_torch).flatten(2).all(2)
    assert same.float().mean() > 0.9
