"""M decoders of one architecture as one network, whose members share the batch dimension.

Every map is (M batch, channels, height, width), with the examples of the first member first. Layers without weights
are unchanged. A layer with weights applies the weights of each member to its own examples: a convolution gathers the
inputs of every output pixel and becomes one batched matrix product. So M small decoders need the launches of one.

Members may read h of different shapes, as those of the taps of a network do. The layers that read h are then stacked
for the members of each shape.
"""

import copy
import math
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from decoders.errors import FitError
from decoders.pixelcnn_pp.causal_convolution import Transposed, WeightNormalizedConvolution
from decoders.pixelcnn_pp.context import ContextMaps, PositionMixing
from decoders.pixelcnn_pp.decoder import PixelCNNPP, PixelCNNPPDensity
from decoders.standardisation import Standardisation

Module = TypeVar("Module", bound=nn.Module)


class StackedConvolution(nn.Module):
    """The same weight-normalised convolution of M decoders, each on its own examples.

    Args:
        layers: the layer of each member, of equal shapes; their weights are copied.
    """

    def __init__(self, layers: Sequence[WeightNormalizedConvolution]) -> None:
        super().__init__()
        first = layers[0]
        self.members, self.kernel, self.stride, self.margin = (
            len(layers),
            first.kernel,
            first.stride,
            first.margin,
        )
        self.direction = stack_parameters([layer.direction for layer in layers])
        self.gain = stack_parameters([layer.gain for layer in layers])
        self.bias = stack_parameters([layer.bias for layer in layers])

    def weight(self) -> Tensor:
        """g v / |v|, shape (members, outputs, inputs, *kernel)."""
        gain = self.gain.reshape(-1, 1, 1, 1)
        normalised = torch._weight_norm(self.direction.flatten(0, 1), gain, 0)
        return normalised.unflatten(0, (self.members, -1))

    def pad(self, x: Tensor) -> Tensor:
        """Add the margin of zeros that this convolution expects."""
        return F.pad(x, self.margin)

    def forward(self, padded: Tensor) -> Tensor:
        """Convolve an input with its margin, (members batch, inputs, height + margins, width + margins)."""
        x = padded.permute(0, 2, 3, 1)
        (rows, columns), stride = self.kernel, self.stride
        height, width = (x.shape[1] - rows) // stride + 1, (x.shape[2] - columns) // stride + 1
        seen = [
            x[:, i : i + stride * (height - 1) + 1 : stride, j : j + stride * (width - 1) + 1 : stride]
            for i in range(rows)
            for j in range(columns)
        ]
        patches = torch.cat(seen, -1) if len(seen) > 1 else seen[0]
        weight = self.weight().permute(0, 3, 4, 2, 1).flatten(1, 3)
        y = self.product(patches.reshape(self.members, -1, weight.shape[1]), weight, self.bias)
        return y.view(len(x), height, width, -1).permute(0, 3, 1, 2)

    def product(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """x weight + bias of each member, (members, rows, outputs)."""
        return torch.baddbmm(bias[:, None], x, weight)


class StackedTransposed(StackedConvolution):
    """The same for `Transposed`: one product computes the contribution of each input to the outputs that it affects."""

    def forward(self, x: Tensor) -> Tensor:
        """(members batch, inputs, height, width) to twice the height and width."""
        rows, columns = self.kernel
        x = x.permute(0, 2, 3, 1)
        batch, height, width, inputs = x.shape
        weight = self.weight().permute(0, 2, 3, 4, 1)  # (members, inputs, rows, columns, outputs)
        given = torch.bmm(x.reshape(self.members, -1, inputs), weight.flatten(2))
        given = given.view(batch, height, width, rows, columns, -1)
        if columns == 3:
            # Column j of the input affects columns 2 j - 1, 2 j and 2 j + 1 of the output.
            left, here, right = given.unbind(4)
            given = torch.stack((here, right + F.pad(left[:, :, 1:], (0, 0, 0, 0, 0, 1))), 4)
        y = given.permute(0, 1, 3, 2, 4, 5).reshape(batch, 2 * height, 2 * width, -1)
        bias = self.bias.repeat_interleave(batch // self.members, 0)[:, None, None]
        return (y + bias.to(y.dtype)).permute(0, 3, 1, 2)


class StackedPositionMixing(nn.Module):
    """Position mixing of M decoders."""

    def __init__(self, layers: Sequence[PositionMixing]) -> None:
        super().__init__()
        self.weight = stack_parameters([layer.weight for layer in layers])

    def forward(self, s: Tensor) -> Tensor:
        """(members batch, channels, *size), the same shape."""
        rows = s.flatten(2).reshape(len(self.weight), -1, self.weight.shape[1])
        return torch.baddbmm(rows, rows, self.weight).view(s.shape)


class StackedStandardisation(nn.Module):
    """Standardisation of M decoders, each with its own means and deviations."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, layers: Sequence[Standardisation]) -> None:
        super().__init__()
        self.context = layers[0].context
        self.register_buffer("mean", torch.stack([layer.mean for layer in layers]))
        self.register_buffer("deviation", torch.stack([layer.deviation for layer in layers]))

    def forward(self, h: Tensor) -> Tensor:
        """(members batch, *context), the same shape."""
        by_member = h.to(self.mean.dtype).unflatten(0, (len(self.mean), -1))
        z = (by_member - self.mean[:, None]) / self.deviation[:, None]
        return Standardisation.squeeze(z).flatten(0, 1)


class StackedContextMaps(nn.Module):
    """Context maps of M decoders, computed at once for the members whose h has one shape.

    Args:
        maps: those of each member; their weights are copied.
        members: the members of each shape of h, by their numbers.
    """

    def __init__(self, maps: Sequence[ContextMaps], members: Sequence[tuple[int, ...]]) -> None:
        super().__init__()
        self.members = tuple(members)
        self.shapes = tuple(one.standardise.context for one in maps)
        self.groups = nn.ModuleList(stack_modules([maps[m] for m in group]) for group in members)

    def forward(self, h: Tensor) -> tuple[Tensor, ...]:
        """The maps at each scale, (members batch, filters, height, width), from the h of all members in a row."""
        if len(self.members) == 1:
            return tuple(self.groups[0](h.reshape(-1, *self.shapes[0])))
        numbers = [math.prod(shape) for shape in self.shapes]
        batch = h.numel() // sum(numbers)
        parts = h.flatten().split([batch * n for n in numbers])
        of_members: dict[int, tuple[Tensor, ...]] = {}
        for group, maps in zip(self.members, self.groups, strict=True):
            scales = maps(torch.stack([parts[m] for m in group]).view(-1, *self.shapes[group[0]]))
            of_members |= zip(group, zip(*(s.chunk(len(group)) for s in scales), strict=True), strict=True)
        ordered = [of_members[m] for m in range(len(self.shapes))]
        return tuple(torch.cat(scale) for scale in zip(*ordered, strict=True))


class StackedPixelCNNPP(nn.Module):
    """M initialised decoders of one architecture, whose training step is one pass.

    Member m equals decoder m: its nats and its gradient are those of the decoder alone, up to the order of
    floating-point sums. Parameters and buffers have a first dimension of M, or of the members that read an h of their
    shape; `of_member` gives them the names of a single decoder.

    Args:
        decoders: at least one, with equal spec, target and names of pretrained weights, all with an h or all without;
            their weights are copied.

    Raises:
        FitError: the decoders differ in more than their weights and the shape of h.
    """

    def __init__(self, decoders: Sequence[PixelCNNPP]) -> None:
        super().__init__()
        if any(architecture_of(decoder) != architecture_of(decoders[0]) for decoder in decoders):
            raise FitError(
                "decoders that differ in spec, target or pretrained weights, or of which some read no h, cannot be "
                "fitted side by side; fit them one by one"
            )
        self.members = len(decoders)
        self.pretrained_names = [decoder.pretrained_names for decoder in decoders]
        self.network = stack_modules(decoders, apart="context_maps")
        maps = [decoder.context_maps for decoder in decoders if decoder.context_maps is not None]
        if maps:
            self.network.context_maps = StackedContextMaps(maps, members_by_context(decoders))  # type: ignore[assignment]

    def forward(self, target: Tensor, h: Tensor | None) -> Tensor:
        """-log q of each example under each member, (members, batch), in nats.

        Args:
            target: levels (members, batch, C, H, W).
            h: the h of all members, one member after the other, in any shape, such as (members, batch, *context) where
                all have one; None for unconditional decoders.
        """
        maps = self.network.context_maps
        density = PixelCNNPPDensity(self.network, None if h is None or maps is None else maps(h))
        nats: Tensor = -density.log_prob(target.flatten(0, 1))
        return nats.view(self.members, -1)

    def members_of(self, name: str) -> tuple[int, ...]:
        """The members along the first dimension of a parameter or buffer of the network."""
        maps = self.network.context_maps
        if not isinstance(maps, StackedContextMaps) or not name.startswith(CONTEXT_MAPS):
            return tuple(range(self.members))
        return maps.members[int(name.removeprefix(CONTEXT_MAPS).partition(".")[0])]

    def of_member(self, tensors: Mapping[str, Tensor], m: int) -> dict[str, Tensor]:
        """What belongs to member m in tensors by the names of the network, by the names of a single decoder; views."""
        return {
            alone(name): tensor[self.members_of(name).index(m)]
            for name, tensor in tensors.items()
            if m in self.members_of(name)
        }

    def pretrained_parameters(self) -> list[nn.Parameter]:
        """The weights that the members copied from others."""
        return [
            p
            for name, p in self.network.named_parameters()
            if alone(name) in self.pretrained_names[self.members_of(name)[0]]
        ]


CONTEXT_MAPS = "context_maps.groups."
"""What the names of stacked context maps begin with, before the number of their group."""


def alone(name: str) -> str:
    """The name that a parameter or buffer of a stack has in a single decoder.

    >>> alone("context_maps.groups.1.mix.bias"), alone("stem.left.bias")
    ('context_maps.mix.bias', 'stem.left.bias')
    """
    if not name.startswith(CONTEXT_MAPS):
        return name
    return f"context_maps.{name.removeprefix(CONTEXT_MAPS).partition('.')[2]}"


def architecture_of(decoder: PixelCNNPP) -> Hashable:
    """What members of a stack have in common: all but the weights and the shape of h."""
    return (
        decoder.spec,
        decoder.target,
        decoder.context is None,
        decoder.pretrained_names - _names_of_maps(decoder),
    )


def members_by_context(decoders: Sequence[PixelCNNPP]) -> list[tuple[int, ...]]:
    """The numbers of the decoders whose context maps have equal layers, all of them pretrained or none."""
    found: dict[object, list[int]] = {}
    for m, decoder in enumerate(decoders):
        key = decoder.context, decoder.pretrained_names & _names_of_maps(decoder)
        found.setdefault(key, []).append(m)
    return [tuple(members) for members in found.values()]


def _names_of_maps(decoder: PixelCNNPP) -> frozenset[str]:
    return frozenset(name for name in decoder.state_dict() if name.startswith("context_maps."))


def stack_modules(same: Sequence[Module], apart: str | None = None) -> Module:
    """A copy of the first of some modules that differ in their weights alone, with the weights of all.

    Args:
        same: the modules.
        apart: name of a submodule that stays as it is.
    """
    stack = copy.deepcopy(same[0])
    for name, _ in same[0].named_modules():
        if apart is not None and name.split(".")[0] == apart:
            continue
        if name and (stacked := stack_layers([one.get_submodule(name) for one in same])) is not None:
            stack.set_submodule(name, stacked)
    of_members = [dict(one.named_parameters()) for one in same]
    for name in [name for name in of_members[0] if name.endswith("context")]:
        parent, _, own = name.rpartition(".")
        parameter = stack_parameters([parameters[name] for parameters in of_members])
        setattr(stack.get_submodule(parent), own, parameter)
    return stack


def stack_parameters(parameters: Sequence[Tensor]) -> nn.Parameter:
    """Stack the parameters of M members along a new first dimension."""
    return nn.Parameter(torch.stack([parameter.detach() for parameter in parameters]))


def stack_layers(same: Sequence[nn.Module]) -> nn.Module | None:
    """One layer in place of the same layer of M decoders; None for a layer without weights of its own."""
    first = same[0]
    if isinstance(first, Transposed):
        return StackedTransposed(same)  # type: ignore[arg-type]
    if isinstance(first, WeightNormalizedConvolution):
        return StackedConvolution(same)  # type: ignore[arg-type]
    if isinstance(first, PositionMixing):
        return StackedPositionMixing(same)  # type: ignore[arg-type]
    return StackedStandardisation(same) if isinstance(first, Standardisation) else None  # type: ignore[arg-type]
