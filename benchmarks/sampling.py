"""The cached sampler beside the naive loop of the same decoder, and what else there is to say of it, in one run.

    python -m benchmarks.sampling [--quick] [--device cuda]

- Speed-up for 16 images of 3x32x32. The naive loop is one full forward for each pixel and its draw. All its
  1024 steps cost the same, so that a few of them are timed and multiplied: how many is in the name of the
  row. It has the number of threads that serves it best, one or all.
- The same, one thread each, while another process runs on every core; and how much longer a draw takes then.
- Agreement with the full forward, and with the naive loop carried through to the end on small images.
- Images a second by batch, and the memory of the buffers.
"""

import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from benchmarks.measurement import Measurement, arguments, interleaved_seconds, print_table, seconds
from decoders.pixelcnn_pp.decoder import PixelCNNPP
from decoders.pixelcnn_pp.logistic_mixture import Noise
from decoders.pixelcnn_pp.sampling import CachedSampler, numbers_of_image, sample_images
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.spec import ImageTarget

TARGET = ImageTarget(channels=3, height=32, width=32, levels=256)
GOALS = {("cpu", 64): 400.0, ("cpu", 32): 300.0, ("cuda", 64): 200.0, ("cuda", 32): 200.0}
COMMAND = "python -m benchmarks.sampling"
IMAGES = 16
MIB = 2**20


def measure(quick: bool = False, device: str = "cpu") -> list[Measurement]:
    """All figures of this file."""
    small, large = initialised_decoder(32, 1, device), initialised_decoder(64, 2, device)
    rows = speedup_rows(small, quick) + speedup_rows(large, quick)
    if device == "cpu":
        rows += busy_rows(small, quick)
    return rows + [
        conditionals_row(small),
        different_row(8 if quick else 16, device),
        *batch_rows(small, quick),
        *buffer_rows(large),
    ]


def initialised_decoder(filters: int, layers: int, device: str, target: ImageTarget = TARGET) -> PixelCNNPP:
    """A marginal decoder, fitted to nothing: the cost of a cached draw does not depend on the weights."""
    torch.manual_seed(0)
    spec = PixelCNNPPSpec(filters=filters, layers=layers, mixtures=5)
    decoder = PixelCNNPP(spec, target, None).to(device)
    shape = IMAGES, target.channels, target.height, target.width
    decoder.initialise(torch.randint(0, target.levels, shape, dtype=torch.uint8, device=device), None)
    return decoder.eval()


def name_of(decoder: PixelCNNPP) -> str:
    """Filters, layers, and the device where it is not the CPU."""
    device = decoder.head.bias.device.type
    return f"{decoder.spec.filters}_{decoder.spec.layers}" + ("" if device == "cpu" else f"_{device}")


@torch.inference_mode()
def naive_images(decoder: PixelCNNPP, images: int, pixels: int) -> Tensor:
    """The first steps of the naive loop, or all: a full forward and a draw for each pixel."""
    target, like = decoder.target, decoder.head.bias
    noise = decoder.mixture.noise(Generator().manual_seed(0), (target.height, target.width, images))
    noise = Noise(*(n.to(like) for n in noise))
    shape = images, target.channels, target.height, target.width
    x = torch.zeros(shape, dtype=torch.uint8, device=like.device)
    for step in range(pixels):
        i, j = divmod(step, target.width)
        p = decoder.parameters_of(x, None)[:, :, i, j]
        x[:, :, i, j] = decoder.mixture.draw(p, Noise(noise.gumbel[i, j], noise.logistic[i, j])).to(x.dtype)
    return x


def cached_images(decoder: PixelCNNPP, images: int) -> Tensor:
    """A draw as a user asks for it: the buffers are made, and captured on a GPU, within the time."""
    return sample_images(decoder, None, Generator().manual_seed(0), images)[:, 0]


def with_threads(threads: int, action: Callable[[], object]) -> Callable[[], object]:
    """The action in so many threads."""

    def run() -> object:
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            return action()
        finally:
            torch.set_num_threads(before)

    return run


def medians(decoder: PixelCNNPP, pixels: int, threads: int, rounds: int) -> tuple[float, float]:
    """Seconds of a whole naive loop, from so many of its steps, and of a cached draw."""
    times = interleaved_seconds(
        {
            "naive": with_threads(threads, lambda: naive_images(decoder, IMAGES, pixels)),
            "cached": lambda: cached_images(decoder, IMAGES),
        },
        rounds,
    )
    return times["naive"] / pixels * decoder.target.height * decoder.target.width, times["cached"]


def best_threads(decoder: PixelCNNPP) -> int:
    """One thread or all, whichever makes a naive step faster: on a busy machine that is one."""
    counts = sorted({1, torch.get_num_threads()})
    return min(counts, key=lambda n: seconds(with_threads(n, lambda: naive_images(decoder, IMAGES, 1))))


def speedup_rows(decoder: PixelCNNPP, quick: bool) -> list[Measurement]:
    """Seconds of a batch, both ways, and their ratio."""
    pixels, rounds = (1, 2) if quick else (4, 5)
    naive, cached = medians(decoder, pixels, best_threads(decoder), rounds)
    size, unit = name_of(decoder), f"s / {IMAGES} images"
    goal = GOALS.get((decoder.head.bias.device.type, decoder.spec.filters))
    return [
        Measurement(f"sampling_cached_seconds_{size}", cached, unit, None, COMMAND),
        Measurement(f"sampling_naive_seconds_{size}_from_{pixels}_of_1024", naive, unit, None, COMMAND),
        Measurement(f"sampling_speedup_{size}", naive / cached, "times", goal, COMMAND),
    ]


@contextmanager
def busy_cores() -> Iterator[None]:
    """Another process on every core that this one may use."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def busy_rows(decoder: PixelCNNPP, quick: bool) -> list[Measurement]:
    """With a core shared by two a draw takes twice as long; much more would be threads that wait for each other."""
    rounds, size = (2 if quick else 5), name_of(decoder)
    _, alone = medians(decoder, 1, 1, rounds)
    with busy_cores():
        naive, cached = medians(decoder, 1, 1, rounds)
    return [
        Measurement(f"sampling_speedup_{size}_busy_1_thread", naive / cached, "times", None, COMMAND),
        Measurement(f"sampling_slowdown_{size}_busy", cached / alone, "x time alone", 3.0, COMMAND),
    ]


@torch.inference_mode()
def conditionals_row(decoder: PixelCNNPP, images: int = 4) -> Measurement:
    """Largest difference of the parameters of the mixture, over the largest parameter."""
    sampler = CachedSampler(decoder, images)
    maps, levels = [], []
    for row in sampler.rows(Generator().manual_seed(0), None):
        maps.append(sampler.last_map.clone())
        levels.append(row.to(torch.uint8))
    x, last = (torch.stack(rows, 1).permute(0, 3, 1, 2) for rows in (levels, maps))
    with whole_float32():
        full, cached = decoder.parameters_of(x, None), decoder.head(F.elu(last))
    error = float((cached - full).abs().max() / full.abs().max())
    name = f"sampling_conditionals_error_{name_of(decoder)}"
    return Measurement(name, error, "of the largest", 1e-6, COMMAND)


def different_row(side: int, device: str) -> Measurement:
    """Levels in which images differ from those of the naive loop, carried through to the end, in float64.

    In float32 a value within rounding of the edge of two levels goes either way now and then, and then
    shifts all that follows it.
    """
    target = ImageTarget(channels=3, height=side, width=side, levels=256)
    decoder = initialised_decoder(16, 1, device, target).double()
    naive = naive_images(decoder, IMAGES, side * side)
    drawn = sample_images(decoder, None, Generator().manual_seed(0), IMAGES)[:, 0]
    size, unit = f"{name_of(decoder)}_{side}x{side}", f"of {naive.numel()} levels"
    return Measurement(f"sampling_different_{size}", int((naive != drawn).sum()), unit, 0.0, COMMAND)


@contextmanager
def whole_float32() -> Iterator[None]:
    """Without TF32, which on a GPU would hide what is compared."""
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def batch_rows(decoder: PixelCNNPP, quick: bool) -> list[Measurement]:
    """Images a second by the number drawn at once."""
    actions = {n: lambda n=n: cached_images(decoder, n) for n in (1, 4, 16, 64)}
    times = interleaved_seconds({str(n): action for n, action in actions.items()}, 1 if quick else 5)
    return [
        Measurement(
            f"sampling_rate_{name_of(decoder)}_batch_{n}", n / times[str(n)], "images / s", None, COMMAND
        )
        for n in actions
    ]


def buffer_rows(decoder: PixelCNNPP) -> list[Measurement]:
    """Memory of the buffers for 16 images: the bound that decides how many are drawn at once, and what they take."""
    name, unit = f"sampling_buffers_{name_of(decoder)}", f"MiB / {IMAGES} images"
    bound = IMAGES * numbers_of_image(decoder) * decoder.head.bias.element_size() / MIB
    # What 17 images take beyond one: the weights, folded once a sampler, fall out.
    taken = (bytes_of_sampler(decoder, IMAGES + 1) - bytes_of_sampler(decoder, 1)) / MIB
    return [
        Measurement(f"{name}_bound", bound, unit, None, COMMAND),
        Measurement(f"{name}_measured", taken, unit, bound, COMMAND),
    ]


@torch.inference_mode()
def bytes_of_sampler(decoder: PixelCNNPP, images: int) -> int:
    """Bytes of all tensors that a sampler keeps alive."""
    before = bytes_alive()
    sampler = CachedSampler(decoder, images)
    after = bytes_alive()
    assert sampler.images == images
    return after - before


def bytes_alive() -> int:
    """Bytes of the storages of all tensors, each counted once."""
    gc.collect()
    storages = [t.untyped_storage() for t in gc.get_objects() if issubclass(type(t), Tensor)]
    return sum({s.data_ptr(): s.nbytes() for s in storages}.values())


if __name__ == "__main__":
    chosen = arguments(__doc__)
    print_table(measure(chosen.quick, chosen.device))
