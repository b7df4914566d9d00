"""Context maps: h as one map s for each of the three scales of the decoder, computed once per image.

Causality constrains the image alone, so these layers see all of h. A spatial h is read at its own resolution. Learned
up-sampling brings it to the finer scales, where the position inside a coarse cell is known. A vector h is first mapped
to the coarsest scale. Each gated layer of the decoder adds V s, a 1x1 convolution of its own, before its gate (van den
Oord et al. 2016, arXiv 1606.05328, section 2.3). The last layer adds another to the parameters of the mixture: a level
that h determines is then a linear function of s, without passing gates that would need a precision of 1/256.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from decoders.pixelcnn_pp.causal_convolution import Centred, Halving, Pointwise
from decoders.pixelcnn_pp.fused_layers import concat_elu, laid_out
from decoders.pixelcnn_pp.gated_resnet import GatedResnet
from decoders.pixelcnn_pp.network_pass import Map, run_pass
from decoders.standardisation import Standardisation

SCALES = 3  # resolutions of the decoder: 1, 1/2, 1/4
# Positions of a 16x16 map. Mixing lets every position read every other, so the number of weights is the square.
MOST_POSITIONS_MIXED = 256

Size = tuple[int, int]


def halved_size(size: Size, times: int) -> Size:
    """Height and width after a number of halvings, each rounded up.

    >>> halved_size((10, 32), 2)
    (3, 8)
    """
    return -(-size[0] // 2**times), -(-size[1] // 2**times)


def nearest_scale(h: Size, image: Size) -> int:
    """Number of halvings of the image that brings it nearest to the resolution of h (0 where h is finer).

    >>> nearest_scale((8, 8), (32, 32)), nearest_scale((7, 7), (28, 28)), nearest_scale((64, 64), (32, 32))
    (2, 2, 0)
    """
    octaves = 0.5 * (math.log2(image[0] / h[0]) + math.log2(image[1] / h[1]))
    return max(0, round(octaves))


class VectorLayout(nn.Module):
    """A vector h as a map, by one linear function for each channel and position."""

    def __init__(self, features: int, filters: int, size: Size) -> None:
        super().__init__()
        self.shape = (filters, *size)
        self.linear = Pointwise(features, math.prod(self.shape))

    def forward(self, h: Tensor) -> Tensor:
        """(batch, features) to (batch, filters, *size)."""
        return self.linear(h[:, :, None, None]).view(-1, *self.shape)


class SpatialLayout(nn.Module):
    """A spatial h on the grid of the padded image, at the scale nearest to its own."""

    def __init__(self, channels: int, filters: int, size: Size, padded_size: Size) -> None:
        super().__init__()
        self.size = size
        self.below, self.right = padded_size[0] - size[0], padded_size[1] - size[1]
        self.mix = Pointwise(channels, filters)

    def forward(self, h: Tensor) -> Tensor:
        """(batch, channels, any height, any width) to (batch, filters, *padded size)."""
        if h.shape[2:] != self.size:
            h = self._interpolated(h)
        if self.below or self.right:
            h = F.pad(h, (0, self.right, 0, self.below))
        return self.mix(h)

    def _interpolated(self, h: Tensor) -> Tensor:
        shrinks = h.shape[2] > self.size[0] or h.shape[3] > self.size[1]
        if shrinks:
            return F.adaptive_avg_pool2d(h, self.size)
        return F.interpolate(h, self.size, mode="bilinear", align_corners=False)


class PositionMixing(nn.Module):
    """s + M s over positions, one M for all channels; M starts at 0.

    Convolutions read the neighbourhood of a pixel. An h whose positions are not those of the image (shifted, mirrored,
    transposed) carries the same information, which a decoder that reads neighbours alone would miss.
    """

    def __init__(self, size: Size) -> None:
        super().__init__()
        positions = math.prod(size)
        self.weight = nn.Parameter(torch.zeros(positions, positions))

    def forward(self, s: Tensor) -> Tensor:
        """(batch, channels, *size), the same shape."""
        rows = s.flatten(2)
        return torch.baddbmm(rows, rows, self.weight.expand(len(s), -1, -1)).view(s.shape)


class Doubling(nn.Module):
    """Learned up-sampling: a 1x1 convolution to four times the channels, arranged as 2x2, cropped to the finer grid."""

    def __init__(self, filters: int, size: Size) -> None:
        super().__init__()
        self.size = size
        self.mix = Pointwise(2 * filters, 4 * filters)

    def forward(self, s: Tensor) -> Tensor:
        """Map s at half the resolution to the finer size."""
        finer = F.pixel_shuffle(self.mix(concat_elu((s,))), 2)
        return finer[:, :, : self.size[0], : self.size[1]]


class ContextMaps(nn.Module):
    """The map from h to context maps at the three scales of the decoder, finest first.

    Args:
        shape: (D,) for a vector h, (C, height, width) for a spatial one.
        image: height and width of the image.
        padded_image: the same, padded to a multiple of 4.
        filters: channels of every map.
        layers: residual layers that read h at its own scale.
        dropout: inside the residual layers and on the maps. It delays the overfitting of an uninformative h; only the
            held-out share prevents it.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        image: Size,
        padded_image: Size,
        filters: int,
        layers: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.standardise = Standardisation(shape)
        self.layout: VectorLayout | SpatialLayout
        if len(shape) == 1:
            self.scale = SCALES - 1
            self.layout = VectorLayout(shape[0], filters, halved_size(padded_image, self.scale))
        else:
            self.scale = nearest_scale((shape[1], shape[2]), image)
            sizes = halved_size(image, self.scale), halved_size(padded_image, self.scale)
            self.layout = SpatialLayout(shape[0], filters, *sizes)
        size = halved_size(padded_image, self.scale)
        mixed = len(shape) == 3 and math.prod(size) <= MOST_POSITIONS_MIXED
        self.mix_positions = PositionMixing(size) if mixed else None
        self.read = nn.ModuleList(GatedResnet(filters, Centred, 0, dropout, 0) for _ in range(layers))
        self.finer = nn.ModuleList(
            Doubling(filters, halved_size(padded_image, k)) for k in reversed(range(self.scale))
        )
        self.coarser = nn.ModuleList(Halving(2 * filters, filters) for _ in range(self.scale, SCALES - 1))

    def forward(self, h: Tensor) -> tuple[Tensor, ...]:
        """(batch, *shape) to three maps (batch, filters, height / 2^k, width / 2^k), k = 0, 1, 2."""
        s = self.layout(self.standardise(h))
        s = laid_out(s if self.mix_positions is None else self.mix_positions(s))
        s = self._read(s)
        maps = {self.scale: s}
        for k, finer in zip(reversed(range(self.scale)), self.finer):
            maps[k] = laid_out(finer(maps[k + 1]))
        for k, coarser in enumerate(self.coarser, start=self.scale + 1):
            maps[k] = coarser(concat_elu((maps[k - 1],)))
        return tuple(F.dropout(maps[k], self.dropout, self.training) for k in range(SCALES))

    def _read(self, s: Tensor) -> Tensor:
        """Pass the residual layers; as one operation where that is faster."""
        return run_pass(self.read, self._through, (s,))

    def _through(self, maps: list[Map]) -> Map:
        (s,) = maps
        for layer in self.read:
            s = layer(s)
        return s
