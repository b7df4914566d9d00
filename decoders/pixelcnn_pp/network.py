"""The network of PixelCNN++: parameters of each pixel's distribution, given the pixels above it and to its left.

There are two streams of maps. The vertical stream u sees all rows above a pixel. The horizontal stream ul sees those
rows through u, and the pixels to the left. Every layer feeds u into ul, never the reverse. Both streams go down through
three scales and up again; every map stored on the way down is used once on the way up.

Source: Salimans, Karpathy, Chen & Kingma 2017 (arXiv 1701.05517), sections 2.3-2.5.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from decoders.pixelcnn_pp.causal_convolution import (
    DownRightShifted,
    DownRightShiftedTransposed,
    DownShifted,
    DownShiftedTransposed,
    PixelLeft,
    Pointwise,
    RowAbove,
    WeightNormalizedConvolution,
    mix_channels,
    shift_down,
    shift_right,
)
from decoders.pixelcnn_pp.context import SCALES, ContextMaps
from decoders.pixelcnn_pp.fused_layers import laid_out
from decoders.pixelcnn_pp.gated_resnet import GatedResnet
from decoders.pixelcnn_pp.logistic_mixture import LogisticMixture
from decoders.pixelcnn_pp.network_pass import Map, RecordedMap, run_pass
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.spec import ImageTarget

Streams = tuple[Map, Map]
MULTIPLE = 2 ** (SCALES - 1)


def padded_size(size: int) -> int:
    """The next multiple of 4, as the coarsest scale needs whole cells.

    >>> padded_size(28), padded_size(30)
    (28, 32)
    """
    return -(-size // MULTIPLE) * MULTIPLE


class Stem(nn.Module):
    """First maps of the streams. Biases are shifted too: row 0 of u and pixel (0, 0) of ul are exactly zero."""

    def __init__(self, inputs: int, filters: int) -> None:
        super().__init__()
        self.above = DownShifted(inputs, filters)
        self.row_above = RowAbove(inputs, filters)
        self.left = PixelLeft(inputs, filters)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map the image with its channel of ones to (u, ul)."""
        u = shift_down(self.above(self.above.pad(x)))
        ul = shift_down(self.row_above(self.row_above.pad(x))) + shift_right(self.left(self.left.pad(x)))
        return laid_out(u), laid_out(ul)


class GatedPair(nn.Module):
    """One gated layer in each stream; on the way up it also reads the `stored` maps of the way down."""

    def __init__(self, spec: PixelCNNPPSpec, goes_up: bool, context_filters: int) -> None:
        super().__init__()
        settings = spec.dropout, context_filters
        self.u = GatedResnet(spec.filters, DownShifted, int(goes_up), *settings)
        self.ul = GatedResnet(spec.filters, DownRightShifted, 1 + int(goes_up), *settings)

    def forward(self, streams: Streams[Map], stored: Streams[Map] | None, s: Map | None) -> Streams[Map]:
        """The streams after one layer; ul sees the new u at its own pixel."""
        u, ul = streams
        if stored is None:
            u = self.u(u, (), s)
            return u, self.ul(ul, (u,), s)
        u = self.u(u, (stored[0],), s)
        return u, self.ul(ul, (u, stored[1]), s)


def change_scale(layer: WeightNormalizedConvolution, x: Map) -> Map:
    """A map at half or twice the resolution, by a convolution of stride 2."""
    return x.recording.add_scale(layer, x) if isinstance(x, RecordedMap) else layer(layer.pad(x))


class Halved(nn.Module):
    """Both streams at half the resolution."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.u = DownShifted(filters, filters, stride=2)
        self.ul = DownRightShifted(filters, filters, stride=2)

    def forward(self, streams: Streams[Map]) -> Streams[Map]:
        """(H, W) to (H / 2, W / 2)."""
        return change_scale(self.u, streams[0]), change_scale(self.ul, streams[1])


class Doubled(nn.Module):
    """Both streams at twice the resolution."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.u = DownShiftedTransposed(filters, filters)
        self.ul = DownRightShiftedTransposed(filters, filters)

    def forward(self, streams: Streams[Map]) -> Streams[Map]:
        """(H, W) to (2 H, 2 W)."""
        return change_scale(self.u, streams[0]), change_scale(self.ul, streams[1])


class PixelCNNPPNetwork(nn.Module):
    """The layers of PixelCNN++, and the map from an image to the parameters of every pixel's mixture.

    Args:
        spec: sizes of the network.
        target: shape and levels of an image. Any height and width: the network pads below and to the right.
        context: shape of one h, (D,) or (C, height, width); None for an unconditional network.

    A new conditional network equals the unconditional one built from the same random state: what h adds starts at 0.
    """

    def __init__(
        self, spec: PixelCNNPPSpec, target: ImageTarget, context: tuple[int, ...] | None = None
    ) -> None:
        super().__init__()
        if context is not None and len(context) not in (1, 3):
            raise ValueError(f"context {context}: an h is a vector (D,) or a map (C, height, width).")
        self.spec, self.target, self.context = spec, target, context
        self.mixture = LogisticMixture(target.channels, target.levels, spec.mixtures)
        self.padded = padded_size(target.height), padded_size(target.width)
        self.context_filters = spec.context_filters if context else 0
        self.stem = Stem(target.channels + 1, spec.filters)
        self.down = nn.ModuleList(self._block(spec.layers, False) for _ in range(SCALES))
        self.halved = nn.ModuleList(Halved(spec.filters) for _ in range(SCALES - 1))
        self.up = nn.ModuleList(self._block(spec.layers + (k < SCALES - 1), True) for k in range(SCALES))
        self.doubled = nn.ModuleList(Doubled(spec.filters) for _ in range(SCALES - 1))
        self.head = Pointwise(spec.filters, self.mixture.outputs)
        # Built last, so that the random draws above are the same with and without a context.
        self.context_maps = self._context_maps(context) if context else None
        # Zero, like the context weights of every layer.
        zeros = torch.zeros(self.mixture.outputs, self.context_filters, 1, 1)
        self.head_context = nn.Parameter(zeros) if context else None

    def _block(self, layers: int, goes_up: bool) -> nn.ModuleList:
        return nn.ModuleList(GatedPair(self.spec, goes_up, self.context_filters) for _ in range(layers))

    def _context_maps(self, context: tuple[int, ...]) -> ContextMaps:
        image, spec = (self.target.height, self.target.width), self.spec
        return ContextMaps(
            context, image, self.padded, spec.context_filters, spec.context_layers, spec.dropout
        )

    def pairs_down(self, k: int) -> list[GatedPair]:
        """Layers at scale k on the way down."""
        return [cast(GatedPair, pair) for pair in cast(nn.ModuleList, self.down[k])]

    def pairs_up(self, k: int) -> list[GatedPair]:
        """Layers at scale k on the way up."""
        return [cast(GatedPair, pair) for pair in cast(nn.ModuleList, self.up[k])]

    def halving(self, k: int) -> Halved:
        """From scale k - 1 to scale k."""
        return cast(Halved, self.halved[k - 1])

    def doubling(self, k: int) -> Doubled:
        """From scale k + 1 to scale k."""
        return cast(Doubled, self.doubled[k])

    def network_input(self, levels: Tensor) -> Tensor:
        """Values in [-1, 1] and a channel of ones, both zero in the padding, in the precision of the weights."""
        x = self.mixture.values(levels, self.head.bias.dtype)
        x = F.pad(x, (0, 0, 0, 0, 0, 1), value=1.0)
        height, width = self.padded
        below, right = height - self.target.height, width - self.target.width
        return F.pad(x, (0, right, 0, below)) if below or right else x

    def parameters_of(self, levels: Tensor, context: tuple[Tensor, ...] | None) -> Tensor:
        """Parameters of the mixture at every pixel, given the pixels before it: (batch, outputs, H, W)."""
        s = context if context is not None else (None,) * SCALES
        ul = self._pass(self.stem(self.network_input(levels)), s)
        ul = ul[:, :, : self.target.height, : self.target.width]
        with torch.autocast(ul.device.type, enabled=False):
            parameters = self.head(F.elu(ul.to(self.head.bias.dtype)))
            if self.head_context is not None and context is not None:
                seen = context[0][:, :, : self.target.height, : self.target.width].to(self.head.bias.dtype)
                parameters = mix_channels(seen, self.head_context, start=parameters)
            return parameters.contiguous()

    def _pass(self, streams: tuple[Tensor, Tensor], s: tuple[Tensor | None, ...]) -> Tensor:
        """The horizontal stream behind all layers; one operation where that is faster."""
        has_context = s[0] is not None

        def through(maps: list[Map]) -> Map:
            of_s = tuple(maps[2:]) if has_context else (None,) * SCALES
            return self._up(*self._down((maps[0], maps[1]), of_s), of_s)[1]

        return run_pass(self, through, [m for m in (*streams, *s) if m is not None])

    def _down(
        self, streams: Streams[Map], s: tuple[Map | None, ...]
    ) -> tuple[Streams[Map], list[Streams[Map]]]:
        stored = [streams]
        for k in range(SCALES):
            for layer in self.pairs_down(k):
                streams = layer(streams, None, s[k])
                stored.append(streams)
            if k < SCALES - 1:
                streams = self.halving(k + 1)(streams)
                stored.append(streams)
        return stored.pop(), stored

    def _up(
        self, streams: Streams[Map], stored: list[Streams[Map]], s: tuple[Map | None, ...]
    ) -> Streams[Map]:
        for k in reversed(range(SCALES)):
            for layer in self.pairs_up(k):
                streams = layer(streams, stored.pop(), s[k])
            if k > 0:
                streams = self.doubling(k - 1)(streams)
        return streams
