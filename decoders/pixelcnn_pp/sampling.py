"""Draws from PixelCNN++ with cached activations: a pixel step computes what one pixel needs.

The noise is drawn first. Under equal noise the images equal those of the naive loop (a full forward for every pixel);
the conditionals agree with the full forward within rounding. For each kind of row (see `cached_network`) there is one
program: the vertical stream for the whole row, the part of the horizontal stream that is known before the row, then the
pixels from left to right. On a GPU each program is captured once as a CUDA graph.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Generator, Tensor

from decoders.pixelcnn_pp.cached_network import (
    HorizontalStream,
    ImageRows,
    VerticalStream,
    scales_reached,
)
from decoders.pixelcnn_pp.cached_streams import Grid
from decoders.pixelcnn_pp.network import PixelCNNPPNetwork
from decoders.pixelcnn_pp.pixel_draw import PixelDraw
from decoders.pixelcnn_pp.sampling_operations import Program, compile_runs

IMAGES_AT_ONCE = 256  # this and the next line bound the memory for any number of samples
NUMBERS_AT_ONCE = 2**28  # activations kept in the buffers, 1 GiB in float32


class CachedSampler:
    """Static buffers and programs that draw a fixed number of images at once, any number of times.

    Args:
        network: its weights are copied here, so a sampler made before a training step is outdated.
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
        run = capture if like.is_cuda else interpret
        packed: dict[int, Tensor] = {}
        self.run_row = {n: run(compile_runs(self._program(n), packed)) for n in range(1, self.scales + 1)}

    def _program(self, reached: int) -> Program:
        """All operations for one row that reaches this many scales, except loading its noise and context."""
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
        """Yield levels (images, W, C) row by row; each is valid until the next is drawn."""
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
            yield self.image.drawn_row()

    @property
    def last_map(self) -> Tensor:
        """Input of the head in the latest row, (images, W, filters)."""
        return self.horizontal.scales[0].up[-1].target.raw[:, 1 : 1 + self.network.target.width]


def interpret(program: Program) -> Callable[[], None]:
    """A function that calls each operation in turn."""

    def run() -> None:
        for operation in program:
            operation()

    return run


def capture(program: Program) -> Callable[[], None]:
    """A function that replays the program as one CUDA graph, or calls its operations where capture fails."""
    run = interpret(program)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        run()  # libraries allocate their workspaces before the capture
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    try:
        with torch.cuda.graph(graph):
            run()
    except RuntimeError as error:
        torch.cuda.synchronize()
        warnings.warn(f"capture of a CUDA graph failed, so sampling is slow: {error}", stacklevel=2)
        return run

    def replay(kept: Callable[[], None] = run) -> None:
        """Replay the graph. It holds addresses only, so the argument keeps the tensors of the program alive."""
        graph.replay()

    return replay


@contextmanager
def one_thread() -> Iterator[None]:
    """Use one CPU thread, because a draw is a sequence of some 60,000 short operations.

    Threads synchronise at the end of each. On idle cores they help in large batches only. Where another process
    occupies a core, each synchronisation waits for a time slice, and a draw takes 5 to 100 times as long.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def numbers_of_image(network: PixelCNNPPNetwork) -> int:
    """Upper bound on the number of activations kept per image.

    A gated layer of both streams keeps 18 numbers per filter and column. The layers between scales and the shared
    buffers keep 32 more.
    """
    spec = network.spec
    columns = sum(network.padded[1] // 2**k + 2 for k in range(len(network.down)))
    of_column = spec.filters * (18 * (2 * spec.layers + 1) + 32)
    return columns * (of_column + network.context_filters + 2 * network.mixture.outputs)


def images_at_once(network: PixelCNNPPNetwork) -> int:
    """Number of images drawn together."""
    return max(1, min(IMAGES_AT_ONCE, NUMBERS_AT_ONCE // numbers_of_image(network)))


@torch.inference_mode()
def sample_images(
    network: PixelCNNPPNetwork,
    context: tuple[Tensor, ...] | None,
    generator: Generator,
    count: int = 1,
) -> Tensor:
    """Independent draws for each row of the context, (count, batch, C, H, W) as uint8 levels.

    They are drawn in equal groups, which bounds the memory.
    """
    batch = 1 if context is None else context[0].shape[0]
    groups = -(-count * batch // images_at_once(network))
    images = -(-count * batch // groups)
    like = network.head.bias
    with torch.autocast(like.device.type, enabled=False), torch.cuda.device_of(like):
        sampler = CachedSampler(network, images)
        drawn = [sampler.draw(generator, group_context(context, g * images, images)) for g in range(groups)]
    x = torch.cat(drawn)[: count * batch]
    return x.unflatten(0, (count, batch))


def group_context(context: tuple[Tensor, ...] | None, start: int, images: int) -> tuple[Tensor, ...] | None:
    """The context of images start, start + 1, ...: image i is a draw for row i modulo the batch."""
    if context is None:
        return None
    index = torch.arange(start, start + images, device=context[0].device) % context[0].shape[0]
    return tuple(s.detach().index_select(0, index) for s in context)
