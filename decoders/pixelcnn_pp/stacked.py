"""M decoders of one architecture as one network, whose members share the batch dimension.

Every map is (M batch, channels, height, width), with the examples of the first member first. Layers without weights
are unchanged. A layer with weights applies the weights of each member to its own examples: a convolution gathers the
inputs of every output pixel and becomes one batched matrix product. So M small decoders need the launches of one.
"""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from decoders.errors import FitError
from decoders.pixelcnn_pp.causal_convolution import Transposed, WeightNormalizedConvolution
from decoders.pixelcnn_pp.context import PositionMixing
from decoders.pixelcnn_pp.decoder import PixelCNNPP
from decoders.standardisation import Standardisation


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


class StackedPixelCNNPP(nn.Module):
    """M initialised decoders of one architecture, whose training step is one pass.

    Member m equals decoder m: its nats and its gradient are those of the decoder alone, up to the order of
    floating-point sums. Parameters and buffers have the names of one decoder and a first dimension of M.

    Args:
        decoders: at least one, with equal spec, target, context shape and names of pretrained weights; their weights
            are copied.

    Raises:
        FitError: the decoders differ in more than their weights.
    """

    def __init__(self, decoders: Sequence[PixelCNNPP]) -> None:
        super().__init__()
        architectures = [(decoder.description(), decoder.pretrained_names) for decoder in decoders]
        if any(architecture != architectures[0] for architecture in architectures):
            raise FitError(
                "decoders that differ in spec, target, context or pretrained weights cannot be fitted side by side; "
                "fit them one by one"
            )
        self.members = len(decoders)
        self.network = copy.deepcopy(decoders[0])
        for name, _ in decoders[0].named_modules():
            same = [decoder.get_submodule(name) for decoder in decoders]
            if (stacked := stack_layers(same)) is not None:
                self.network.set_submodule(name, stacked)
        of_members = [dict(decoder.named_parameters()) for decoder in decoders]
        for name in [name for name in of_members[0] if name.endswith("context")]:
            parent, _, own = name.rpartition(".")
            parameter = stack_parameters([parameters[name] for parameters in of_members])
            setattr(self.network.get_submodule(parent), own, parameter)

    def forward(self, target: Tensor, h: Tensor | None) -> Tensor:
        """-log q of each example under each member, (members, batch), in nats.

        Args:
            target: levels (members, batch, C, H, W).
            h: (members, batch, *context); None for unconditional decoders.
        """
        density = self.network(None if h is None else h.flatten(0, 1))
        nats: Tensor = -density.log_prob(target.flatten(0, 1))
        return nats.view(self.members, -1)

    def member(self, m: int) -> dict[str, Tensor]:
        """Weights of member m by the names of a single decoder, as views."""
        return {name: tensor[m] for name, tensor in self.network.state_dict().items()}


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
