"""The two streams of PixelCNN++ for one row or one pixel at a time, on activations in static buffers.

Sampling proceeds pixel by pixel, and almost everything that a pixel needs is known before it:

- the vertical stream sees only rows above, so a whole row of it is computed at once;
- the contributions of the row above, the vertical stream and h to the horizontal stream are a few matrix products for
  a whole row (`before_row`);
- the rest depends on the current row: each 2x2 convolution reads one contiguous window (left pixel, this pixel) of a
  buffer, which is one small matrix product.

Every buffer has the layout (images, columns + 2, features). Column c has index c + 1, between columns of zeros, so each
tap of a convolution is the same flat matrix shifted by one row. Weight norm is computed once. A step is a **program**:
a list of tensor operations bound to their buffers. It is the same for every row of a kind, and is either called
operation by operation or captured in a CUDA graph.
"""

from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from decoders.pixelcnn_pp.causal_convolution import WeightNormalizedConvolution
from decoders.pixelcnn_pp.gated_resnet import GatedResnet
from decoders.pixelcnn_pp.sampling_operations import ConcatElu, Gate, Product, Program


def taps(layer: WeightNormalizedConvolution, row: int) -> list[Tensor]:
    """One row of a kernel as matrices (inputs, outputs), from left to right."""
    return [w.contiguous() for w in layer.weight()[:, :, row].permute(2, 1, 0).unbind()]


def stacked_taps(layer: WeightNormalizedConvolution) -> list[Tensor]:
    """The columns of a two-row kernel as matrices (2 inputs, outputs), upper row first."""
    return [torch.cat(pair) for pair in zip(taps(layer, 0), taps(layer, 1))]


class Grid:
    """Sizes and buffers of one scale with `columns` pixels in a row."""

    def __init__(self, images: int, filters: int, columns: int, context_filters: int, like: Tensor) -> None:
        self.images, self.filters, self.columns, self.like = images, filters, columns, like
        self.buffers: list[Tensor] = []
        self.context = self.row(context_filters)
        self.hidden, self.gates = self.row(filters), self.row(2 * filters)
        self.pixel_hidden, self.pixel_gates = (
            like.new_zeros(images, filters),
            like.new_zeros(images, 2 * filters),
        )

    def rows(self, count: int, *features: int) -> Tensor:
        """Zeros of shape (count, images, columns + 2, *features), which `clear` resets to zero."""
        self.buffers.append(self.like.new_zeros(count, self.images, self.columns + 2, *features))
        return self.buffers[-1]

    def row(self, *features: int) -> Tensor:
        """Zeros of shape (images, columns + 2, *features), which `clear` resets to zero."""
        return self.rows(1, *features)[0]

    def clear(self) -> None:
        """Set every buffer to zero."""
        for buffer in self.buffers:
            buffer.zero_()

    def flat(self, buffer: Tensor, shift: int = 0) -> Tensor:
        """The columns of all images as one matrix that starts at column `shift` and leaves out two columns in all."""
        rows = self.images * (self.columns + 2) - 2
        return buffer.flatten(2).flatten(0, 1)[shift : shift + rows]

    def activate(self, x: Tensor, into: Tensor) -> Program:
        """Program: concat_elu of x (..., filters) into (..., 2 filters)."""
        return [ConcatElu(x, into)]

    def gate(self, x: Tensor, gates: Tensor, into: Tensor) -> Program:
        """Program: x + a sigmoid(b), where gates (..., 2 filters) hold a and b."""
        return [Gate(x, gates, into)]

    def add_context(self, layer: GatedResnet, out: Tensor) -> Program:
        """Program: add V s for a whole row."""
        if layer.context is None:
            return []
        return [Product(out, self.flat(self.context), layer.context.flatten(1).t().contiguous(), out)]

    def down_shifted(
        self, layer: WeightNormalizedConvolution, rows: Tensor, out: Tensor, bias: Tensor
    ) -> Program:
        """Program: a 2x3 convolution of (images, columns + 2, 2 rows, inputs) into the flat matrix `out`."""
        left, centre, right = stacked_taps(layer)
        return [
            Product(bias, self.flat(rows), left, out),
            Product(out, self.flat(rows, 1), centre, out),
            Product(out, self.flat(rows, 2), right, out),
        ]

    def above(self, layer: WeightNormalizedConvolution, row: Tensor, out: Tensor, bias: Tensor) -> Program:
        """Program: the contribution of the row above to a 2x2 convolution, for all columns."""
        left, centre = taps(layer, 0)
        return [
            Product(bias, self.flat(row), left, out),
            Product(out, self.flat(row, 1), centre, out),
        ]


class RowMap:
    """A map of the vertical stream: this row and the row above, before and after concat_elu."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.raw = grid.row(2, grid.filters)
        self.activated = grid.row(2, 2 * grid.filters)

    @property
    def here(self) -> Tensor:
        """This row, (images, columns, filters)."""
        return self.raw[:, 1:-1, 1]

    @property
    def activated_here(self) -> Tensor:
        """concat_elu of this row as a flat matrix, column c at row c."""
        return self.grid.flat(self.activated[:, :, 1], 1)

    def write(self, program: Program) -> Program:
        """Program: move this row to the row above, run `program`, which writes to `here`, and apply concat_elu."""
        moves = [partial(b[:, :, 0].copy_, b[:, :, 1]) for b in (self.raw, self.activated)]
        return [*moves, *program, *self.grid.activate(self.here, self.activated[:, 1:-1, 1])]


class VerticalLayer:
    """A gated layer of the vertical stream; `row` is the program of one row of its target."""

    def __init__(self, layer: GatedResnet, source: RowMap, stored: RowMap | None) -> None:
        grid = source.grid
        self.target = RowMap(grid)
        self.middle = grid.row(2, 2 * grid.filters)
        gated = grid.gate(source.here, grid.gates[:, :-2], self.target.here)
        self.row = [
            *self._hidden(layer, source, stored),
            *self._gates(layer, grid),
            *self.target.write(gated),
        ]

    def _hidden(self, layer: GatedResnet, source: RowMap, stored: RowMap | None) -> Program:
        grid, out = source.grid, source.grid.flat(source.grid.hidden)
        bias = layer.first.bias if layer.skip is None else layer.first.bias + layer.skip.bias
        program = grid.down_shifted(layer.first, source.activated, out, bias)
        if layer.skip is not None and stored is not None:
            program.append(Product(out, stored.activated_here, taps(layer.skip, 0)[0], out))
        return program

    def _gates(self, layer: GatedResnet, grid: Grid) -> Program:
        above, here = self.middle[:, :, 0], self.middle[:, :, 1]
        out = grid.flat(grid.gates)
        return [
            partial(above.copy_, here),
            *grid.activate(grid.hidden[:, :-2], here[:, 1:-1]),
            *grid.down_shifted(layer.second, self.middle, out, layer.second.bias),
            *grid.add_context(layer, out),
        ]


def halve_rows(layer: WeightNormalizedConvolution, source: RowMap, target: RowMap) -> Program:
    """The strided convolution of u: an output sees a pair of columns and the first of the next pair."""
    filters, images, columns = source.grid.filters, source.grid.images, target.grid.columns
    left, centre, right = stacked_taps(layer)
    pairs = source.raw.view(images * (columns + 1), 4 * filters)
    of_next = F.pad(right, (0, 0, 0, 2 * filters))
    out = source.raw.new_zeros(images, columns + 1, filters)
    flat = out.view(-1, filters)
    return [
        Product(layer.bias, pairs, torch.cat((left, centre)), flat),
        Product(flat[:-1], pairs[1:], of_next, flat[:-1]),
        *target.write([partial(target.here.copy_, out[:, :-1])]),
    ]


class DoubledRows:
    """The transposed convolution of the vertical stream: one coarse row gives two fine ones, kept until used.

    Columns 2 j (from coarse column j) and 2 j + 1 (from j and j + 1) of both rows are one product with j
    and one with j + 1. `row` is its program, `use[0]` and `use[1]` those that take the upper and the lower
    fine row.
    """

    def __init__(self, layer: WeightNormalizedConvolution, source: RowMap, target: RowMap) -> None:
        grid = source.grid
        w = layer.weight().permute(3, 1, 2, 0)
        own = torch.stack((w[1], w[2]), 2).flatten(1).contiguous()
        of_next = torch.stack((torch.zeros_like(w[0]), w[0]), 2).flatten(1).contiguous()
        cells, coarse = grid.row(2, 2, grid.filters), source.raw[:, :, 1]
        out = grid.flat(cells)
        self.row = [
            Product(layer.bias.repeat(4), grid.flat(coarse, 1), own, out),
            Product(out, grid.flat(coarse, 2), of_next, out),
        ]
        fine = target.here.unflatten(1, (-1, 2))
        self.use = [target.write([partial(fine.copy_, cells[:, :-2, i])]) for i in (0, 1)]


class PixelMap:
    """A map of the horizontal stream: this row up to this pixel, and the row above from the next pixel on."""

    def __init__(self, grid: Grid, activated: Tensor | None = None) -> None:
        self.grid = grid
        self.raw = grid.row(grid.filters)
        self.activated = grid.row(2 * grid.filters) if activated is None else activated

    def here(self, c: int) -> Tensor:
        """The map at column c, (images, filters)."""
        return self.raw[:, c + 1]

    def activate(self, c: int, x: Tensor | None = None) -> Program:
        """Program: concat_elu at column c of the map, or of x in its place."""
        return self.grid.activate(self.here(c) if x is None else x, self.activated[:, c + 1])


def window(buffer: Tensor, c: int) -> Tensor:
    """Columns c - 1 and c of a row buffer side by side, (images, 2 features)."""
    return buffer[:, c : c + 2].flatten(1)


class HorizontalLayer:
    """A gated layer of the horizontal stream, one pixel at a time.

    Args:
        layer: the layer.
        source: the map it reads.
        target: the map it writes.
        vertical: the map of the vertical stream that it sees at the same pixel.
        known: buffer (images, columns + 2, filters) for the part of its first convolution that is known before a row.

    `before_row` is the program that computes this part for both convolutions, from the row above, the vertical stream
    and h.
    """

    def __init__(
        self, layer: GatedResnet, source: PixelMap, target: PixelMap, vertical: RowMap, known: Tensor
    ) -> None:
        assert layer.skip is not None
        grid = source.grid
        self.grid, self.source, self.target, self.known = grid, source, target, known
        self.known_gates = grid.row(2 * grid.filters)
        self.middle = grid.row(2 * grid.filters)
        self.first, self.second = torch.cat(taps(layer.first, 1)), torch.cat(taps(layer.second, 1))
        skip = taps(layer.skip, 0)[0]
        self.of_vertical, self.of_stored = skip[: 2 * grid.filters], skip[2 * grid.filters :]
        hidden, gates = grid.flat(known), grid.flat(self.known_gates)
        self.before_row: Program = [
            *grid.above(layer.first, source.activated, hidden, layer.first.bias + layer.skip.bias),
            Product(hidden, vertical.activated_here, self.of_vertical, hidden),
            *grid.above(layer.second, self.middle, gates, layer.second.bias),
            *grid.add_context(layer, gates),
        ]

    def pixel(self, c: int, x: Tensor, known: Tensor) -> Program:
        """Program: the target at column c from x (the source there) and the known part of the first convolution."""
        grid = self.grid
        hidden, gates = grid.pixel_hidden, grid.pixel_gates
        return [
            Product(known, window(self.source.activated, c), self.first, hidden),
            *grid.activate(hidden, self.middle[:, c + 1]),
            Product(self.known_gates[:, c], window(self.middle, c), self.second, gates),
            *grid.gate(x, gates, self.target.here(c)),
        ]


class HalvedPixels:
    """The strided convolution of the horizontal stream; each output reads two columns of two rows."""

    def __init__(self, layer: WeightNormalizedConvolution, source: PixelMap, target: PixelMap) -> None:
        self.source, self.target = source, target
        grid = target.grid
        self.known = grid.like.new_zeros(grid.images, grid.columns + 1, grid.filters)
        self.weight = torch.cat(taps(layer, 1))
        pairs, above = source.raw.view(-1, 2 * grid.filters), torch.cat(taps(layer, 0))
        self.before_row: Program = [Product(layer.bias, pairs, above, self.known.flatten(0, 1))]

    def pixel(self, c: int) -> Program:
        """Program: column c of the target from columns 2 c - 1 and 2 c of the source."""
        out, seen = self.target.here(c), window(self.source.raw, 2 * c)
        return [Product(self.known[:, c], seen, self.weight, out), *self.target.activate(c)]


class DoubledPixels:
    """The transposed convolution of the horizontal stream; it keeps the 2x2 output of each coarse pixel."""

    def __init__(self, layer: WeightNormalizedConvolution, source: PixelMap) -> None:
        self.source = source
        self.cells = source.grid.row(2, 2, source.grid.filters)
        self.weight = layer.weight().permute(1, 2, 3, 0).flatten(1).contiguous()
        self.bias = layer.bias.repeat(4)

    def pixel(self, c: int) -> Program:
        """Program: the four fine pixels of coarse column c."""
        return [Product(self.bias, self.source.here(c), self.weight, self.cells[:, c].flatten(1))]

    def fine(self, c: int, which: int) -> Tensor:
        """Fine column c of the upper (0) or lower (1) of the two rows, (images, filters)."""
        return self.cells[:, c // 2, which, c % 2]
