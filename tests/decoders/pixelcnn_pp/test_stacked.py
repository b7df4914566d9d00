"""A stack of decoders is its members: nats, gradients, weights."""

from collections.abc import Sequence

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
BATCH = 5


def members(
    target: ImageTarget, contexts: Sequence[tuple[int, ...] | None]
) -> tuple[list[PixelCNNPP], Tensor, list[Tensor] | None]:
    """Initialised decoders of different weights, images of their own, and h of their own, of the given shapes."""
    torch.manual_seed(0)
    shape = len(contexts), BATCH, target.channels, target.height, target.width
    x = torch.randint(0, target.levels, shape, dtype=torch.uint8)
    h = [s * torch.randn(BATCH, *(c or ())) for s, c in zip((1.0, 5.0, 0.1), contexts, strict=True)]
    decoders = []
    for m, context in enumerate(contexts):
        decoder = PixelCNNPP(SPEC, target, context)
        decoder.initialise(x[m], None if context is None else h[m])
        with torch.no_grad():
            for parameter in decoder.parameters():
                parameter.add_(0.05 * torch.randn_like(parameter))
        decoders.append(decoder)
    return decoders, x, None if None in contexts else h


def in_a_row(h: list[Tensor] | None) -> Tensor | None:
    """The h of all members, one after the other."""
    return None if h is None else torch.cat([one.flatten() for one in h])


@pytest.mark.parametrize(
    ("target", "contexts"),
    [
        (COLOUR, [None] * 3),
        (COLOUR, [(7,)] * 3),
        (COLOUR, [(4, 4, 6)] * 3),
        (ImageTarget(channels=1, height=10, width=6, levels=17), [(5, 10, 6)] * 3),
        (ImageTarget(channels=1, height=8, width=8, levels=17), [(6, 2, 2)] * 3),
        (COLOUR, [(7,), (4, 4, 6), (9,)]),
        (COLOUR, [(4, 4, 6), (7,), (4, 4, 6)]),
        (ImageTarget(channels=1, height=8, width=8, levels=17), [(6, 2, 2), (5, 8, 8), (3, 4, 4)]),
    ],
)
def test_nats_and_gradients_are_those_of_the_members(
    target: ImageTarget, contexts: list[tuple[int, ...] | None]
) -> None:
    decoders, x, h = members(target, contexts)
    stack = StackedPixelCNNPP(decoders)
    nats = stack(x, in_a_row(h))
    nats.mean(1).sum().backward()
    gradients = {name: p.grad for name, p in stack.network.named_parameters() if p.grad is not None}
    for m, decoder in enumerate(decoders):
        of_member = stack.of_member(gradients, m)
        alone = -decoder(None if h is None else h[m]).log_prob(x[m])
        alone.mean().backward()
        torch.testing.assert_close(nats[m], alone, rtol=1e-5, atol=1e-3)
        for name, parameter in decoder.named_parameters():
            assert parameter.grad is not None
            scale = parameter.grad.norm() + 1e-3
            assert (of_member[name] - parameter.grad).norm() / scale < 1e-3, name


@pytest.mark.parametrize("contexts", [[(7,)] * 3, [(4, 4, 6), (7,), (4, 4, 6)]])
def test_a_member_is_taken_out_with_its_weights(contexts: list[tuple[int, ...]]) -> None:
    decoders, x, h = members(COLOUR, contexts)
    stack = StackedPixelCNNPP(decoders)
    assert h is not None
    for m, context in enumerate(contexts):
        again = PixelCNNPP(SPEC, COLOUR, context)
        again.load_state_dict(stack.of_member(stack.network.state_dict(), m))
        torch.testing.assert_close(again(h[m]).log_prob(x[m]), decoders[m](h[m]).log_prob(x[m]))


def test_every_parameter_of_a_stack_is_stacked() -> None:
    decoders, _, _ = members(COLOUR, [(4, 4, 6), (7,), (4, 4, 6)])
    stack = StackedPixelCNNPP(decoders)
    for m, decoder in enumerate(decoders):
        found = stack.of_member(dict(stack.network.named_parameters()), m)
        assert {name: tuple(p.shape) for name, p in found.items()} == {
            name: tuple(p.shape) for name, p in decoder.named_parameters()
        }
    assert {name.split(".")[2] for name in stack.network.state_dict() if "context_maps" in name} == {"0", "1"}


def test_weights_of_the_decoders_of_another_epoch_are_all_pretrained() -> None:
    contexts: list[tuple[int, ...] | None] = [(4, 4, 6), (7,), (4, 4, 6)]
    earlier, _, _ = members(COLOUR, contexts)
    decoders = [PixelCNNPP(SPEC, COLOUR, context) for context in contexts]
    for decoder, other in zip(decoders, earlier, strict=True):
        decoder.start_from(other)
    stack = StackedPixelCNNPP(decoders)
    assert len(stack.pretrained_parameters()) == len(list(stack.parameters()))


@pytest.mark.parametrize(
    "others",
    [
        [PixelCNNPP(SPEC, COLOUR)],
        [PixelCNNPP(SPEC.model_copy(update={"filters": 16}), COLOUR, (7,))],
        [PixelCNNPP(SPEC, ImageTarget(channels=3, height=12, width=12, levels=256), (7,))],
    ],
)
def test_decoders_of_different_architecture_are_refused(others: list[PixelCNNPP]) -> None:
    with pytest.raises(FitError, match="side by side"):
        StackedPixelCNNPP([PixelCNNPP(SPEC, COLOUR, (7,)), *others])
