"""Draws from PixelCNN++ with cached activations: every pixel step costs what one pixel needs.

The images are those of the naive loop (a full forward for every pixel) under the same noise, which is drawn
up front; the conditionals agree with the full forward within rounding. For each kind of row (see
`cached_network`) there is one program: the vertical stream for the whole row, what the horizontal stream
knows before the row, then the pixels from left to right. On a GPU each program is captured once as a CUDA
graph.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from torch import Generator, Tensor

from decoders.pixelcnn_pp.cached_network import (
    HorizontalStream,
    ImageRows,
    VerticalStream,
    scales_reached,
)
from decoders.pixelcnn_pp.cached_streams import Grid
from decoders.pixelcnn_pp.fixed_point import FixedPointSampler
from decoders.pixelcnn_pp.network import PixelCNNPPNetwork
from decoders.pixelcnn_pp.pixel_draw import PixelDraw
from decoders.pixelcnn_pp.sampling_operations import Program, joined

Method = Literal["cached", "fixed_point"]
IMAGES_AT_ONCE = 256  # with the next line: bounds the memory, whatever the number of samples asked for
NUMBERS_AT_ONCE = 2**28  # activations kept in the buffers, 1 GiB in float32


class CachedSampler:
    """Static buffers and programs that draw a fixed number of images at once; reusable from draw to draw.

    Args:
        network: the decoder; its weights are folded here, so a sampler made before a training step is stale.
        images: how many images are drawn at once.
    """

    def __init__(self, network: PixelCNNPPNetwork, images: int) -> None:
        self.network, self.images = network, images
        like = network.head.bias.detach()
        self.scales = len(network.down)
        self.grids = [
            Grid(images, network.spec.filters, network.padded[1] // 2**k, network.context_filters, like)
            for k in range(self.scales)
        ]
        self.image = ImageRows(network, self.grids[0])
        self.vertical = VerticalStream(network, self.grids, self.image)
        self.horizontal = HorizontalStream(network, self.grids, self.vertical)
        self.draws = PixelDraw(
            network.mixture, network.head, network.head_context, network.target.width, self.grids[0]
        )
        run = captured if like.is_cuda else interpreted
        packed: dict[int, Tensor] = {}
        self.run_row = {n: run(joined(self._program(n), packed)) for n in range(1, self.scales + 1)}

    def _program(self, reached: int) -> Program:
        """Everything for one row that reaches this many scales, but for loading its noise and context."""
        program = self.vertical.row[reached] + self.horizontal.before_row(reached)
        for c in range(self.network.target.width):
            program += self.image.pixel(c, self.horizontal.scales[0].maps[0])
            program += self.horizontal.pixel(c, min(reached, scales_reached(c, self.scales)), reached)
            program += self.draws.pixel(c, self.horizontal.last(c), self.image.levels(c))
        return program + self.image.after_row()

    def draw(self, generator: Generator, context: tuple[Tensor, ...] | None) -> Tensor:
        """Images (images, C, H, W) as uint8 levels; context is one map a scale, for each image."""
        with one_thread():
            drawn = [row.to(torch.uint8) for row in self.rows(generator, context)]
        return torch.stack(drawn, 1).permute(0, 3, 1, 2).contiguous()

    def rows(self, generator: Generator, context: tuple[Tensor, ...] | None) -> Iterator[Tensor]:
        """Draw row after row: levels (images, W, C) of each, valid until the next is asked for."""
        target = self.network.target
        for grid in self.grids:
            grid.clear()
        self.image.start()
        noise = self.network.mixture.noise(generator, (target.height, target.width, self.images))
        of_rows = [] if context is None else [s.permute(2, 0, 3, 1).contiguous() for s in context]
        for i in range(target.height):
            reached = scales_reached(i, self.scales)
            for k, s in enumerate(of_rows[:reached]):
                self.grids[k].context[:, :-2].copy_(s[i // 2**k])
            self.draws.load(noise.gumbel[i], noise.logistic[i], of_rows[0][i] if of_rows else None)
            self.run_row[reached]()
            yield self.image.finished()

    @property
    def last_map(self) -> Tensor:
        """What the head read in the row just drawn, (images, W, filters)."""
        return self.horizontal.scales[0].up[-1].target.raw[:, 1 : 1 + self.network.target.width]


def interpreted(program: Program) -> Callable[[], None]:
    """Call each operation in turn."""

    def run() -> None:
        for operation in program:
            operation()

    return run


def captured(program: Program) -> Callable[[], None]:
    """The program as one CUDA graph; called as it is where the driver cannot capture it."""
    run = interpreted(program)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        run()  # once before the capture: libraries allocate their workspaces
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    try:
        with torch.cuda.graph(graph):
            run()
    except RuntimeError as error:
        torch.cuda.synchronize()
        warnings.warn(f"no CUDA graph could be captured, so that sampling is slow: {error}", stacklevel=2)
        return run

    def replay(kept: Callable[[], None] = run) -> None:
        """The program is kept alive with the graph, which knows only the addresses of its tensors."""
        graph.replay()

    return replay


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread on a CPU: a draw is some 60,000 short operations one after another.

    Threads meet at the end of each. On idle cores they gain something in large batches only; where another
    process holds a core, each meeting waits for its time slice, and a draw takes 5 to 100 times as long.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def numbers_of_image(network: PixelCNNPPNetwork) -> int:
    """A bound on the activations kept for an image.

    A gated layer of both streams keeps 18 numbers a filter and column; 32 more are what joins the scales and
    what the layers share.
    """
    spec = network.spec
    columns = sum(network.padded[1] // 2**k + 2 for k in range(len(network.down)))
    of_column = spec.filters * (18 * (2 * spec.layers + 1) + 32)
    return columns * (of_column + network.context_filters + 2 * network.mixture.outputs)


def images_at_once(network: PixelCNNPPNetwork) -> int:
    """How many images are drawn together."""
    return max(1, min(IMAGES_AT_ONCE, NUMBERS_AT_ONCE // numbers_of_image(network)))


@torch.inference_mode()
def sample_images(
    network: PixelCNNPPNetwork,
    context: tuple[Tensor, ...] | None,
    generator: Generator,
    count: int = 1,
    method: Method = "cached",
) -> Tensor:
    """Independent draws for each row of the context, (count, batch, C, H, W) as uint8 levels.

    They are drawn in equal groups, which bounds the memory. The images do not depend on the method, but for
    rounding: "cached" goes pixel by pixel, "fixed_point" passes over whole images until they stay as they are
    (`fixed_point` tells when that is the shorter way).
    """
    batch = 1 if context is None else context[0].shape[0]
    groups = -(-count * batch // images_at_once(network))
    images = -(-count * batch // groups)
    like = network.head.bias
    with torch.autocast(like.device.type, enabled=False), torch.cuda.device_of(like):
        sampler = CachedSampler(network, images) if method == "cached" else FixedPointSampler(network, images)
        drawn = [sampler.draw(generator, group_context(context, g * images, images)) for g in range(groups)]
    x = torch.cat(drawn)[: count * batch]
    return x.unflatten(0, (count, batch))


def group_context(context: tuple[Tensor, ...] | None, start: int, images: int) -> tuple[Tensor, ...] | None:
    """The context of images start, start + 1, ...: image i is a draw for row i modulo the batch."""
    if context is None:
        return None
    index = torch.arange(start, start + images, device=context[0].device) % context[0].shape[0]
    return tuple(s.detach().index_select(0, index) for s in context)
