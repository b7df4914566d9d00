"""PixelCNN++ assembled from cached streams: the programs of a row and of a pixel.

A row of the image reaches scale k (1 / 2^k of the resolution) if its index is a multiple of 2^k. So there are three
kinds of row, which reach one, two or three scales, and likewise three kinds of pixel in a row.
"""

from functools import partial

import torch
from torch import Tensor

from decoders.pixelcnn_pp.cached_streams import (
    DoubledPixels,
    DoubledRows,
    Grid,
    HalvedPixels,
    HorizontalLayer,
    PixelMap,
    RowMap,
    VerticalLayer,
    halve_rows,
    taps,
)
from decoders.pixelcnn_pp.network import PixelCNNPPNetwork
from decoders.pixelcnn_pp.sampling_operations import BatchedProduct, Product, Program


def scales_reached(index: int, scales: int) -> int:
    """Number of scales that a row or column of the image reaches.

    >>> [scales_reached(i, 3) for i in range(5)]
    [3, 1, 2, 1, 3]
    """
    return next(k for k in range(scales, 0, -1) if index % 2 ** (k - 1) == 0)


class ImageRows:
    """The last three rows of the image as the stem reads them, and the stem itself.

    Features of a pixel are its levels as whole numbers, the channel of ones, and a constant that multiplies the biases.
    All are zero outside the image, so the first row of u and the first pixel of ul are exactly zero.
    """

    def __init__(self, network: PixelCNNPPNetwork, grid: Grid) -> None:
        self.grid, self.mixture, self.stem = grid, network.mixture, network.stem
        self.channels, self.width = network.target.channels, network.target.width
        self.rows = grid.row(3, self.channels + 2)
        self.known = grid.row(2 * grid.filters)
        self.of_left = self._weights(taps(self.stem.left, 1)[0], self.stem.left.bias)
        self.start()

    def start(self) -> None:
        """Set the constant features of this row after the buffers are cleared."""
        self.rows[:, 1 : 1 + self.width, 2, self.channels] = 1.0
        self.rows[:, 1:-1, 2, self.channels + 1] = 1.0

    def levels(self, c: int) -> Tensor:
        """View of the levels of column c of this row, (images, channels)."""
        return self.rows[:, c + 1, 2, : self.channels]

    def drawn_row(self) -> Tensor:
        """The levels of this row, (images, width, channels)."""
        return self.rows[:, 1 : 1 + self.width, 2, : self.channels]

    def _weights(self, tap: Tensor, bias: Tensor | None = None) -> Tensor:
        """A tap (inputs, outputs) for whole levels: x = 2 delta level - 1 where the channel of ones is 1."""
        colours, ones = tap[: self.channels], tap[self.channels]
        constant = torch.zeros_like(ones) if bias is None else bias
        ones = ones - colours.sum(0)
        return torch.cat((colours * (2 * self.mixture.delta), ones[None], constant[None]))

    def _taps(self) -> list[Tensor]:
        """Left, centre, right taps of the two rows above, (2 features, [u, ul]): the stem shifted down."""
        stem, biases = self.stem, (None, 1, None)
        nothing = torch.zeros_like(self.of_left)
        u_far, u_near, ul_row = taps(stem.above, 0), taps(stem.above, 1), taps(stem.row_above, 0)
        result = []
        for t, has_bias in enumerate(biases):
            far = torch.cat((self._weights(u_far[t]), nothing), 1)
            near_u = self._weights(u_near[t], stem.above.bias if has_bias else None)
            near_ul = self._weights(ul_row[t], stem.row_above.bias if has_bias else None)
            if t == 0:
                near_ul = near_ul + self._weights(taps(stem.left, 0)[0])
            result.append(torch.cat((far, torch.cat((near_u, near_ul), 1))))
        return result

    def before_row(self, u: RowMap) -> Program:
        """Program: first map of u for the whole row, and the known part of the first map of ul."""
        out, rows = self.grid.flat(self.known), self.rows[:, :, :2]
        left, *others = self._taps()
        return [
            partial(torch.mm, self.grid.flat(rows), left, out=out),
            *(Product(out, self.grid.flat(rows, t), w, out) for t, w in enumerate(others, start=1)),
            *u.write([partial(u.here.copy_, self.known[:, :-2, : self.grid.filters])]),
        ]

    def after_row(self) -> Program:
        """Program: this row becomes the one above. Its old levels are overwritten before they are read."""
        return [partial(self.rows[:, :, i].copy_, self.rows[:, :, i + 1]) for i in (0, 1)]

    def pixel(self, c: int, ul: PixelMap) -> Program:
        """Program: first map of ul at column c, from the part known before the row and the pixel to the left."""
        known = self.known[:, c, self.grid.filters :]
        return [
            Product(known, self.rows[:, c, 2], self.of_left, ul.here(c)),
            *ul.activate(c),
        ]


class VerticalStream:
    """Maps and layers of u; `row[n]` is the program of a row that reaches n scales."""

    def __init__(self, network: PixelCNNPPNetwork, grids: list[Grid], image: ImageRows) -> None:
        self.network, self.grids = network, grids
        self.down = [[RowMap(grid)] for grid in grids]
        self.up: list[list[RowMap]] = [[] for _ in grids]
        self.doubled: dict[int, DoubledRows] = {}
        self.way_down: list[Program] = [[] for _ in grids]
        self.way_up: list[Program] = [[] for _ in grids]
        self.way_down[0] += image.before_row(self.down[0][0])
        for k in range(len(grids)):
            self._connect_down(k)
        for k in reversed(range(len(grids))):
            self._connect_up(k)
        self.row = {n: self._row(n) for n in range(1, len(grids) + 1)}

    def _connect_down(self, k: int) -> None:
        if k:
            self.way_down[k] += halve_rows(self.network.halving(k).u, self.down[k - 1][-1], self.down[k][0])
        for pair in self.network.pairs_down(k):
            layer = VerticalLayer(pair.u, self.down[k][-1], None)
            self.way_down[k] += layer.row
            self.down[k].append(layer.target)

    def _connect_up(self, k: int) -> None:
        stored = self.down[k].copy()
        source = RowMap(self.grids[k]) if k < len(self.grids) - 1 else stored.pop()
        if k < len(self.grids) - 1:
            self.doubled[k] = DoubledRows(self.network.doubling(k).u, self.up[k + 1][-1], source)
            self.way_up[k + 1] += self.doubled[k].row
        for pair in self.network.pairs_up(k):
            layer = VerticalLayer(pair.u, source, stored.pop())
            self.way_up[k] += layer.row
            self.up[k].append(layer.target)
            source = layer.target

    def _row(self, reached: int) -> Program:
        program = [operation for k in range(reached) for operation in self.way_down[k]]
        for k in reversed(range(reached)):
            if k in self.doubled:
                program += self.doubled[k].use[lower_of_cell(k, reached)]
            program += self.way_up[k]
        return program


def lower_of_cell(k: int, reached: int) -> int:
    """1 where a row is the lower one of its coarse cell at scale k, that is, reaches no coarser scale; else 0."""
    return int(k == reached - 1)


class HorizontalScale:
    """Layers of ul at one scale; one batched product per pixel adds all stored maps to the way up."""

    def __init__(self, network: PixelCNNPPNetwork, grid: Grid, k: int, vertical: VerticalStream) -> None:
        pairs_down, pairs_up = network.pairs_down(k), network.pairs_up(k)
        F = grid.filters
        self.stored = grid.rows(len(pairs_down) + 1, 2 * F)
        self.known = grid.rows(len(pairs_up), F)
        self.given = grid.like.new_zeros(len(pairs_up), grid.images, F)
        self.maps = [PixelMap(grid, activated) for activated in self.stored]
        self.down = [
            HorizontalLayer(pair.ul, self.maps[i], self.maps[i + 1], vertical.down[k][i + 1], grid.row(F))
            for i, pair in enumerate(pairs_down)
        ]
        # The coarsest scale goes up from its last map; the others go up from the doubled map of the next scale.
        source = self.maps[-1] if len(pairs_up) == len(pairs_down) else PixelMap(grid)
        self.up: list[HorizontalLayer] = []
        for j, pair in enumerate(pairs_up):
            known = self.known[len(pairs_up) - 1 - j]
            self.up.append(HorizontalLayer(pair.ul, source, PixelMap(grid), vertical.up[k][j], known))
            source = self.up[-1].target
        self.skips = torch.stack([layer.of_stored for layer in reversed(self.up)])
        self.before_row: Program = [
            operation for layer in self.down + self.up for operation in layer.before_row
        ]

    def pixel_down(self, c: int) -> Program:
        """Program: the stored maps at column c."""
        program: Program = []
        for layer in self.down:
            program += layer.pixel(c, layer.source.here(c), layer.known[:, c]) + layer.target.activate(c)
        return program

    def pixel_up(self, c: int, doubled: Tensor | None) -> Program:
        """Program: from the doubled map (None at the coarsest scale) to the last map at column c."""
        J = len(self.up)
        known, stored = self.known[:, :, c], self.stored[:J, :, c + 1]
        program: Program = [BatchedProduct(known, stored, self.skips, self.given)]
        first = self.up[0].source
        if doubled is not None:
            program += first.activate(c, doubled)
        x = first.here(c) if doubled is None else doubled
        for j, layer in enumerate(self.up):
            program += layer.pixel(c, x, self.given[J - 1 - j])
            x = layer.target.here(c)
            if j < J - 1:
                program += layer.target.activate(c)
        return program


class HorizontalStream:
    """The scales of ul and the layers between them."""

    def __init__(self, network: PixelCNNPPNetwork, grids: list[Grid], vertical: VerticalStream) -> None:
        self.scales = [HorizontalScale(network, grid, k, vertical) for k, grid in enumerate(grids)]
        coarser = range(1, len(grids))
        self.halved = {
            k: HalvedPixels(network.halving(k).ul, self.scales[k - 1].maps[-1], self.scales[k].maps[0])
            for k in coarser
        }
        self.doubled = {
            k - 1: DoubledPixels(network.doubling(k - 1).ul, self.scales[k].up[-1].target) for k in coarser
        }

    def before_row(self, reached: int) -> Program:
        """Program: everything that is known before a row at the scales that it reaches."""
        program: Program = []
        for k in range(1, reached):
            program += self.halved[k].before_row
        for scale in self.scales[:reached]:
            program += scale.before_row
        return program

    def pixel(self, c: int, depth: int, reached: int) -> Program:
        """Program: a pixel that reaches `depth` scales in a row that reaches `reached`, after its first map."""
        program = self.scales[0].pixel_down(c)
        for k in range(1, depth):
            program += self.halved[k].pixel(c // 2**k) + self.scales[k].pixel_down(c // 2**k)
        for k in reversed(range(depth)):
            ck = c // 2**k
            doubled = self.doubled[k].fine(ck, lower_of_cell(k, reached)) if k in self.doubled else None
            program += self.scales[k].pixel_up(ck, doubled)
            if k:
                program += self.doubled[k - 1].pixel(ck)
        return program

    def last(self, c: int) -> Tensor:
        """Input of the head at column c."""
        return self.scales[0].up[-1].target.here(c)
