"""python -m benchmarks.gpu: checks and times the GPU path in one call, and writes results/benchmarks/gpu.json.

Steps of PixelCNN++ in every variant (contiguous maps, channels last, CUDA graph, compiled), lone and stacked, at
several batches; sampling by the cache and naively; a matrix product of the same run. An item that fails is reported,
and the others go on.
"""

import argparse
import json
import math
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks import gpu_check
from decoders.evaluation import NegativeLogLikelihood
from decoders.pixelcnn_pp import context, fused_layers, network
from decoders.pixelcnn_pp.decoder import PixelCNNPP
from decoders.pixelcnn_pp.sampling import sample_images
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.pixelcnn_pp.stacked import StackedPixelCNNPP
from decoders.spec import FitSpec, ImageTarget
from decoders.training.gradient_step import GradientStep, build_adam
from decoders.training.graphed_step import GraphedStep

GPU = torch.device("cuda")
GFLOP_AN_IMAGE = {(160, 5, 32): 146.0, (64, 2, 32): 10.7, (32, 1, 32): 1.63, (24, 1, 32): 0.92}
"""Of a training step at 3x32x32; in proportion to the pixels at other sizes."""
REPEATS = 10


def image_target(size: int) -> ImageTarget:
    """Colour images of that height and width."""
    return ImageTarget(channels=3, height=size, width=size, levels=256)


def gflop_an_image(filters: int, layers: int, size: int) -> float:
    """Operations of a training step for one image, whatever the implementation does."""
    return GFLOP_AN_IMAGE[filters, layers, 32] * (size / 32) ** 2


def decoder_of(filters: int, layers: int, size: int, h: tuple[int, ...] | None = None) -> PixelCNNPP:
    """A decoder on the GPU, initialised on random images."""
    spec = PixelCNNPPSpec(
        filters=filters, layers=layers, mixtures=5, dropout=0.1, context_filters=32, context_layers=1
    )
    decoder = PixelCNNPP(spec, image_target(size), h).to(GPU)
    decoder.initialise(random_images(64, size), None if h is None else torch.randn(64, *h, device=GPU))
    return decoder.train()


def random_images(count: int, size: int) -> Tensor:
    """Levels drawn at random, uint8 (count, 3, size, size)."""
    return torch.randint(0, 256, (count, 3, size, size), dtype=torch.uint8, device=GPU)


VECTOR = (64,)
"""Shape of the h of a small decoder."""


def _as_it_is(x: Tensor) -> Tensor:
    """Maps in the layout that they have."""
    return x


@contextmanager
def contiguous_maps() -> Iterator[None]:
    """Maps as they were before: channels first on a GPU."""
    rooms = fused_layers, network, context
    before = fused_layers.laid_out
    for room in rooms:
        vars(room)["laid_out"] = _as_it_is
    try:
        yield
    finally:
        for room in rooms:
            vars(room)["laid_out"] = before


def milliseconds(action: Callable[[], object], repeats: int = REPEATS) -> float:
    """Median time of one call, by events on the device, after enough calls to warm up or capture."""
    for _ in range(5):
        action()
    torch.cuda.synchronize()
    times = []
    for _ in range(repeats):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        action()
        end.record()
        torch.cuda.synchronize()
        times.append(start.elapsed_time(end))
    return sorted(times)[len(times) // 2]


def lone_step(
    decoder: PixelCNNPP, batch: int, graph: bool, compiled: bool, precision: str = "mixed"
) -> Callable[[], object]:
    """A training step of one decoder on a fixed batch, dropout included."""
    spec = FitSpec(steps=1, precision=precision)
    loss: Any = NegativeLogLikelihood(decoder)
    loss = torch.compile(loss) if compiled else loss
    make = GraphedStep if graph else GradientStep
    step = make(
        lambda x, h: loss(x, h).mean(),
        build_adam([{"params": list(decoder.parameters())}], spec, GPU),
        spec,
        GPU,
        print,
    )
    x = random_images(batch, decoder.target.height)
    h = None if decoder.context is None else torch.randn(batch, *decoder.context, device=GPU)
    return lambda: step(x, h)


def stacked_step(
    filters: int,
    size: int,
    contexts: Sequence[tuple[int, ...]],
    batch: int,
    graph: bool,
    compiled: bool,
    precision: str = "mixed",
) -> Callable[[], object]:
    """A training step of several decoders of one layer a block, each of which reads an h of its own shape."""
    spec = FitSpec(steps=1, precision=precision)
    members = len(contexts)
    stack = StackedPixelCNNPP([decoder_of(filters, 1, size, context) for context in contexts]).train()
    loss: Any = torch.compile(stack) if compiled else stack
    make = GraphedStep if graph else GradientStep
    step = make(
        lambda x, h: loss(x, h).mean(1).sum(),
        build_adam([{"params": list(stack.parameters())}], spec, GPU),
        spec,
        GPU,
        print,
    )
    x = random_images(members * batch, size).unflatten(0, (members, batch))
    h = torch.randn(batch * sum(map(math.prod, contexts)), device=GPU)
    return lambda: step(x, h)


class Table:
    """Figures so far; prints each as it comes, and skips what would begin after the deadline."""

    def __init__(self, seconds: float) -> None:
        self.rows: dict[str, float | str] = {}
        self.start, self.seconds = time.monotonic(), seconds

    def add(self, name: str, figure: Callable[[], float]) -> None:
        """Measure one figure."""
        begun = time.monotonic()
        if begun - self.start > self.seconds:
            self.rows[name] = "not reached"
            return
        try:
            self.rows[name] = figure()
        except Exception as error:  # one variant that fails must not hide the others
            self.rows[name] = f"{type(error).__name__}: {str(error).splitlines()[0][:160]}"
            traceback.print_exc(limit=-3)
        torch.cuda.empty_cache()
        value = self.rows[name]
        shown = f"{value:12.4g}" if isinstance(value, float) else value
        print(f"{name:58} {shown}  ({time.monotonic() - begun:.1f} s)", flush=True)


def tflops(filters: int, layers: int, size: int, images: int, ms: float) -> float:
    """Rate of a step."""
    return gflop_an_image(filters, layers, size) * images / ms


def ceilings(table: Table) -> None:
    """A bf16 matrix product and a copy, the limits of this card in this run."""
    a, b = (torch.randn(8192, 8192, device=GPU, dtype=torch.bfloat16) for _ in range(2))
    table.add("matmul 8192^3 bf16, TFLOP/s", lambda: 2 * 8192**3 / 1e9 / milliseconds(lambda: a @ b))
    source = torch.empty(2**31, dtype=torch.uint8, device=GPU).random_()
    other = torch.empty_like(source)
    table.add("copy, TB/s", lambda: 2 * len(source) / 1e9 / milliseconds(lambda: other.copy_(source)))


def lone(table: Table) -> None:
    """(64, 2) at a batch of 128 in every variant, then batches, then full size."""

    def timed(graph: bool, compiled: bool, batch: int = 128, size: tuple[int, int] = (64, 2)) -> float:
        return tflops(
            *size, 32, batch, milliseconds(lone_step(decoder_of(*size, 32), batch, graph, compiled))
        )

    def contiguous() -> float:
        with contiguous_maps():
            return timed(False, False)

    table.add("64_2 b128 eager contiguous, TFLOP/s", contiguous)
    table.add("64_2 b128 eager channels last, TFLOP/s", lambda: timed(False, False))
    table.add("64_2 b128 graph, TFLOP/s", lambda: timed(True, False))
    for batch in (32, 512):
        table.add(f"64_2 b{batch} graph, TFLOP/s", partial(timed, True, False, batch))
    table.add("160_5 b64 graph, TFLOP/s", lambda: timed(True, False, 64, (160, 5)))


def decoder_steps(
    filters: int, size: int, members: int, graph: bool, compiled: bool = False, precision: str = "mixed"
) -> float:
    """Decoder-steps a second at a batch of 32; one member is a lone fit."""
    if members == 1:
        step = lone_step(decoder_of(filters, 1, size, VECTOR), 32, graph, compiled, precision)
    else:
        step = stacked_step(filters, size, [VECTOR] * members, 32, graph, compiled, precision)
    return 1e3 * members / milliseconds(step)


def small(table: Table) -> None:
    """Small decoders at 3x16x16 alone and side by side."""
    name = "24_1 16x16 b32"
    table.add(f"{name} lone eager, decoder-steps/s", lambda: decoder_steps(24, 16, 1, False))
    table.add(f"{name} lone graph", lambda: decoder_steps(24, 16, 1, True))
    table.add(f"{name} stack of 36 graph", lambda: decoder_steps(24, 16, 36, True))
    table.add(f"{name} stack of 36 graph float32", lambda: decoder_steps(24, 16, 36, True, False, "float32"))


def stacked(table: Table) -> None:
    """Other sizes and numbers of members."""
    for filters, size, members in (
        (24, 16, 8),
        (32, 16, 36),
        (24, 8, 36),
        (24, 8, 1),
        (16, 8, 36),
        (16, 8, 1),
    ):
        table.add(
            f"{filters}_1 {size}x{size} b32 {members} members graph",
            partial(decoder_steps, filters, size, members, True),
        )


def taps_side_by_side(filters: int, size: int) -> float:
    """Decoder-steps a second of the decoders of one checkpoint, as a job fits them side by side."""
    contexts = [(64, size, size), (128, size // 2, size // 2), (256, size // 4, size // 4), VECTOR]
    return 1e3 * len(contexts) / milliseconds(stacked_step(filters, size, contexts, 32, True, False))


def taps(table: Table) -> None:
    """The taps of one checkpoint, whose h differ in shape."""
    for filters, size in ((24, 16), (16, 8), (24, 32), (32, 32)):
        table.add(f"{filters}_1 {size}x{size} b32 4 taps graph", partial(taps_side_by_side, filters, size))


def checks(table: Table) -> None:
    """Trains, fits, evaluates and samples; counts what went wrong."""
    table.add("checks that failed", lambda: float(gpu_check.main()))


def sampling(table: Table) -> None:
    """Images a second at (64, 2), 3x32x32: the cache and a naive loop."""
    decoder = decoder_of(64, 2, 32).eval()

    def rate(images: int) -> float:
        torch.cuda.synchronize()
        start = time.perf_counter()
        sample_images(decoder, None, torch.Generator(device=GPU).manual_seed(0), images)
        torch.cuda.synchronize()
        return images / (time.perf_counter() - start)

    for images in (64, 256, 1024):
        table.add(f"sampling 64_2 cached {images}, images/s", partial(rate, images))

    @torch.inference_mode()
    def naive(images: int = 256) -> float:
        x = random_images(images, 32)
        return images / (1024 * milliseconds(lambda: decoder.parameters_of(x, None), 4) / 1e3)

    table.add("sampling 64_2 naive 256 (4 of 1024 steps), images/s", naive)


def compiled(table: Table) -> None:
    """Last, for each compiles for a minute or more."""
    table.add(
        "24_1 16x16 b32 stack of 36 graph compiled, decoder-steps/s",
        lambda: decoder_steps(24, 16, 36, True, True),
    )
    table.add(
        "64_2 b128 graph compiled, TFLOP/s",
        lambda: tflops(64, 2, 32, 128, milliseconds(lone_step(decoder_of(64, 2, 32), 128, True, True))),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=420.0, help="no item begins later than this")
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks/gpu.json"))
    parser.add_argument(
        "--without_compilation", action="store_true", help="leave out what torch.compile makes"
    )
    chosen = parser.parse_args()
    table = Table(chosen.seconds)
    table.rows |= {"device": torch.cuda.get_device_name(), "torch": str(torch.__version__)}
    parts = (ceilings, small, taps, lone, checks, sampling, stacked) + (
        () if chosen.without_compilation else (compiled,)
    )
    for part in parts:
        part(table)
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        chosen.out.write_text(json.dumps(table.rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
