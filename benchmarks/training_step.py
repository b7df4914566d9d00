"""A training step against a 1536^3 float32 matrix product timed in the same run: python -m benchmarks.training_step.

A step is one batch of 32 images with dropout: log-likelihood, its gradient, Adam. Its operations are
counted once and for all (forward and twice that for the gradient, whatever the implementation does): 52.2
GFLOP at (32 filters, 1 layer a block) and 343 at (64, 2), 3x32x32. The public PyTorch implementation, timed in
the same way in float32, reaches 0.65 of the matrix product's rate at (64, 2).
"""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import Manager, get_context
from pathlib import Path
from threading import Barrier

import torch

from benchmarks.measurement import Measurement, arguments, interleaved_seconds, print_table, seconds
from decoders.pixelcnn_pp.decoder import PixelCNNPP
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.spec import ImageTarget
from decoders.training.precision import autocast

COMMAND = "python -m benchmarks.training_step"
MATRIX = 1536
GFLOP_OF_MATRIX_PRODUCT = 2 * MATRIX**3 / 1e9
GFLOP_OF_STEP = {(32, 1): 52.2, (64, 2): 343.0}
GOALS = {(32, 1): 0.62, (64, 2): 0.95}
SHARE_OF_PUBLIC_IMPLEMENTATION = 0.65
BFLOAT16_GOAL = 2.2
BATCH = 32
BATCHES = (4, 8, 16, 32, 64)
COLOUR = ImageTarget(channels=3, height=32, width=32, levels=256)


def training_step(
    filters: int,
    layers: int,
    target: ImageTarget,
    device: str = "cpu",
    *,
    batch: int = BATCH,
    bfloat16: bool = False,
) -> Callable[[], object]:
    """One step of maximum likelihood on a fixed batch."""
    torch.manual_seed(0)
    spec = PixelCNNPPSpec(filters=filters, layers=layers, mixtures=5)
    decoder = PixelCNNPP(spec, target, None).to(device).train()
    shape = batch, target.channels, target.height, target.width
    x = torch.randint(0, target.levels, shape, dtype=torch.uint8, device=device)
    decoder.initialise(x, None)
    optimiser = torch.optim.Adam(decoder.parameters(), lr=1e-3, betas=(0.95, 0.9995), fused=True)

    def step() -> None:
        optimiser.zero_grad()
        with autocast(torch.device(device), "bfloat16" if bfloat16 else "float32"):
            value = -decoder(None).log_prob(x).mean()
        value.backward()
        optimiser.step()

    return step


def share_rows(filters: int, layers: int, quick: bool = False, device: str = "cpu") -> list[Measurement]:
    """Seconds a step at 3x32x32 in float32 and bfloat16, and their rates as shares of the matrix product's."""
    a = torch.randn(MATRIX, MATRIX, device=device)
    actions = {
        "step": training_step(filters, layers, COLOUR, device),
        "bf16": training_step(filters, layers, COLOUR, device, bfloat16=True),
        "matmul": lambda: a @ a,
    }
    medians = interleaved_seconds(actions, 3 if quick else 9)
    size = f"{filters}_{layers}" + ("" if device == "cpu" else f"_{device}")
    rate = GFLOP_OF_MATRIX_PRODUCT / medians["matmul"]
    share, bf16_share = (GFLOP_OF_STEP[filters, layers] / medians[name] / rate for name in ("step", "bf16"))
    rows = [
        Measurement(f"matmul_{size}", rate, "GFLOP/s", None, COMMAND),
        Measurement(f"training_step_seconds_{size}", medians["step"], "s / step of 32", None, COMMAND),
        Measurement(
            f"training_share_of_matmul_{size}", share, "of 1536^3 float32", GOALS[filters, layers], COMMAND
        ),
        Measurement(f"training_bf16_share_of_matmul_{size}", bf16_share, "of 1536^3 float32", None, COMMAND),
    ]
    if (filters, layers) == (64, 2):
        speedup = bf16_share / SHARE_OF_PUBLIC_IMPLEMENTATION
        name = f"training_bf16_speedup_{size}"
        rows.append(Measurement(name, speedup, "x public, float32", BFLOAT16_GOAL, COMMAND))
    return rows


def seconds_of_steps(filters: int, layers: int, steps: int, barrier: Barrier) -> float:
    """Seconds a step in one thread of this process, which starts when the others do."""
    torch.set_num_threads(1)
    step = training_step(filters, layers, COLOUR)
    step()
    barrier.wait()
    return seconds(step, steps)


def side_by_side_rows(filters: int, layers: int) -> list[Measurement]:
    """As a DAG uses the cores: a fit in each, one thread a fit; their rate together beside a product in all threads."""
    fits, a = torch.get_num_threads(), torch.randn(MATRIX, MATRIX)
    with Manager() as manager, ProcessPoolExecutor(fits, get_context("spawn")) as pool:
        barrier = manager.Barrier(fits)
        before = interleaved_seconds({"matmul": lambda: a @ a}, 9)["matmul"]
        jobs = [pool.submit(seconds_of_steps, filters, layers, 4, barrier) for _ in range(fits)]
        of_step = max(job.result() for job in jobs) / fits
        after = interleaved_seconds({"matmul": lambda: a @ a}, 9)["matmul"]
    share = GFLOP_OF_STEP[filters, layers] / of_step * (before + after) / 2 / GFLOP_OF_MATRIX_PRODUCT
    name = f"training_share_of_matmul_{filters}_{layers}_side_by_side"
    return [Measurement(name, share, f"{fits} fits, 1 thread each", GOALS[filters, layers], COMMAND)]


def batch_rows(device: str = "cpu") -> list[Measurement]:
    """Images a second at (32, 1) for several batches, taken in turn."""
    actions = {str(n): training_step(32, 1, COLOUR, device, batch=n) for n in BATCHES}
    medians = interleaved_seconds(actions, 5)
    return [
        Measurement(
            f"training_images_per_second_32_1_batch_{n}", n / medians[str(n)], "images / s", None, COMMAND
        )
        for n in BATCHES
    ]


def mebibytes_of_step(filters: int, layers: int, bfloat16: bool) -> float:
    """What three steps add to the largest memory that this process, which must be fresh, has held."""
    before = kibibytes_held_at_most()
    step = training_step(filters, layers, COLOUR, bfloat16=bfloat16)
    for _ in range(3):
        step()
    return (kibibytes_held_at_most() - before) / 1024


def kibibytes_held_at_most() -> float:
    """Largest resident memory of this program; unlike ru_maxrss it does not begin with that of the parent."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("VmHWM")))


def memory_rows() -> list[Measurement]:
    """Memory of a step on a CPU, each in a process of its own."""
    rows = []
    for bfloat16 in (False, True):
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            memory = process.submit(mebibytes_of_step, 64, 2, bfloat16).result()
        name = f"training_step_memory_64_2{'_bf16' if bfloat16 else ''}"
        rows.append(Measurement(name, memory, "MiB, step of 32", None, COMMAND))
    return rows


def small_rows(quick: bool = False, device: str = "cpu") -> list[Measurement]:
    """Seconds a step of a small decoder of small images, (16, 1) on 1x8x8, in one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        step = training_step(16, 1, ImageTarget(channels=1, height=8, width=8, levels=17), device)
        median = interleaved_seconds({"step": step}, 20 if quick else 100)["step"]
    finally:
        torch.set_num_threads(threads)
    return [Measurement("training_step_seconds_16_1_8x8_1_thread", median, "s / step of 32", None, COMMAND)]


def measure(quick: bool = False, device: str = "cpu") -> list[Measurement]:
    """All figures of this file; the quick set leaves out the large size, other batches and memory."""
    sizes = ((32, 1),) if quick else ((32, 1), (64, 2))
    rows = [row for size in sizes for row in share_rows(*size, quick=quick, device=device)]
    rows += small_rows(quick, device)
    if not quick:
        rows += batch_rows(device)
        if device == "cpu":
            rows += side_by_side_rows(64, 2) + memory_rows()
    return rows


if __name__ == "__main__":
    chosen = arguments(__doc__)
    print_table(measure(chosen.quick, chosen.device))
