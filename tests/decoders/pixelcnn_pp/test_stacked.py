"""A stack of decoders is its members: nats, gradients, weights."""

import pytest
import torch
from torch import Tensor

from decoders.errors import FitError
from decoders.pixelcnn_pp.decoder import PixelCNNPP
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.pixelcnn_pp.stacked import StackedPixelCNNPP
from decoders.spec import ImageTarget

SPEC = PixelCNNPPSpec(filters=8, layers=1, mixtures=2, dropout=0.0, context_filters=8, context_layers=1)
COLOUR = ImageTarget(channels=3, height=8, width=12, levels=256)
MEMBERS, BATCH = 3, 5


def members(
    target: ImageTarget, context: tuple[int, ...] | None
) -> tuple[list[PixelCNNPP], Tensor, Tensor | None]:
    """Initialised decoders of different weights, images of their own, and h of their own."""
    torch.manual_seed(0)
    shape = MEMBERS, BATCH, target.channels, target.height, target.width
    x = torch.randint(0, target.levels, shape, dtype=torch.uint8)
    h = (
        None
        if context is None
        else torch.randn(MEMBERS, BATCH, *context)
        * torch.tensor([1.0, 5.0, 0.1]).view(-1, 1, *[1] * len(context))
    )
    decoders = []
    for m in range(MEMBERS):
        decoder = PixelCNNPP(SPEC, target, context)
        decoder.initialise(x[m], None if h is None else h[m])
        with torch.no_grad():
            for parameter in decoder.parameters():
                parameter.add_(0.05 * torch.randn_like(parameter))
        decoders.append(decoder)
    return decoders, x, h


@pytest.mark.parametrize(
    ("target", "context"),
    [
        (COLOUR, None),
        (COLOUR, (7,)),
        (COLOUR, (4, 4, 6)),
        (ImageTarget(channels=1, height=10, width=6, levels=17), (5, 10, 6)),
        (ImageTarget(channels=1, height=8, width=8, levels=17), (6, 2, 2)),
    ],
)
def test_nats_and_gradients_are_those_of_the_members(
    target: ImageTarget, context: tuple[int, ...] | None
) -> None:
    decoders, x, h = members(target, context)
    stack = StackedPixelCNNPP(decoders)
    nats = stack(x, h)
    nats.mean(1).sum().backward()
    for m, decoder in enumerate(decoders):
        alone = -decoder(None if h is None else h[m]).log_prob(x[m])
        alone.mean().backward()
        torch.testing.assert_close(nats[m], alone, rtol=1e-5, atol=1e-3)
        for name, parameter in decoder.named_parameters():
            gradient = stack.network.get_parameter(name).grad
            assert gradient is not None
            assert parameter.grad is not None
            scale = parameter.grad.norm() + 1e-3
            assert (gradient[m] - parameter.grad).norm() / scale < 1e-3, name


def test_a_member_is_taken_out_with_its_weights() -> None:
    decoders, x, h = members(COLOUR, (7,))
    stack = StackedPixelCNNPP(decoders)
    again = PixelCNNPP(SPEC, COLOUR, (7,))
    again.load_state_dict(stack.member(1))
    assert h is not None
    torch.testing.assert_close(again(h[1]).log_prob(x[1]), decoders[1](h[1]).log_prob(x[1]))


def test_every_parameter_of_a_stack_is_stacked() -> None:
    decoders, _, _ = members(COLOUR, (4, 4, 6))
    stack = StackedPixelCNNPP(decoders)
    shapes = {name: tuple(p.shape) for name, p in decoders[0].named_parameters()}
    assert {name: tuple(p.shape) for name, p in stack.network.named_parameters()} == {
        name: (MEMBERS, *shape) for name, shape in shapes.items()
    }


def test_decoders_of_different_h_are_refused() -> None:
    with pytest.raises(FitError, match="side by side"):
        StackedPixelCNNPP([PixelCNNPP(SPEC, COLOUR, (7,)), PixelCNNPP(SPEC, COLOUR, (8,))])
