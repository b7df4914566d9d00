"""A training step against a 1536^3 float32 matrix product timed in the same run: python -m benchmarks.training_step.

A step is one batch of 32 images with dropout: log-likelihood, its gradient, Adam. Its operations are
counted once and for all (forward and twice that for the gradient, whatever the implementation does): 52.2
GFLOP at (32 filters, 1 layer a block) and 343 at (64, 2), 3x32x32. The public PyTorch implementation, timed in
the same way in float32, reaches 0.65 of the matrix product's rate at (64, 2).
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import Manager, get_context
from pathlib import Path
from threading import Barrier
from typing import Any

import torch

from benchmarks.measurement import Measurement, arguments, interleaved_seconds, print_table, seconds
from decoders.evaluation import NegativeLogLikelihood
from decoders.pixelcnn_pp import logistic_mixture, network_pass
from decoders.pixelcnn_pp.decoder import PixelCNNPP
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.spec import FitSpec, ImageTarget
from decoders.training.optimisation import Optimisation
from decoders.training.precision import autocast
from decoders.training.process_group import Ranks

COMMAND = "python -m benchmarks.training_step"
MATRIX = 1536
GFLOP_OF_MATRIX_PRODUCT = 2 * MATRIX**3 / 1e9
GFLOP_OF_STEP = {(32, 1): 52.2, (64, 2): 343.0}
GOALS = {(32, 1): 0.62, (64, 2): 0.95}
SHARE_OF_PUBLIC_IMPLEMENTATION = 0.65
BFLOAT16_GOAL = 2.2
BATCH = 32
COLOUR = ImageTarget(channels=3, height=32, width=32, levels=256)
# Decoders that are shipped: filters, images, h and batch; and the goal of the pass in one call.
SHIPPED = {
    "16_8": ((16, ImageTarget(channels=1, height=8, width=8, levels=17), (64,), 32), 2.5),
    "24_8": ((24, ImageTarget(channels=3, height=8, width=8, levels=256), (128, 2, 2), 32), 2.0),
    "24_32": ((24, COLOUR, (64, 8, 8), 8), 1.5),
}


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


def shipped_step(filters: int, target: ImageTarget, h: tuple[int, ...], batch: int) -> Callable[[], object]:
    """One step of the fit of a decoder that reads h, of a size that is shipped: gradient, Adam, average of weights."""
    torch.manual_seed(0)
    mixtures, dropout = (5, 0.0) if target.channels > 1 else (3, 0.15)
    sizes = {
        "filters": filters,
        "layers": 1,
        "mixtures": mixtures,
        "context_filters": 32 if filters > 16 else 16,
    }
    decoder = PixelCNNPP(PixelCNNPPSpec(**sizes, dropout=dropout, context_layers=1), target, h).train()
    shape = batch, target.channels, target.height, target.width
    x, given = torch.randint(0, target.levels, shape, dtype=torch.uint8), torch.randn(batch, *h)
    decoder.initialise(x, given)
    loss, recipe = NegativeLogLikelihood(decoder), FitSpec(steps=1, batch_size=batch, learning_rate=1e-3)
    fit = Optimisation(decoder, loss, [], recipe, batch, torch.device("cpu"), Ranks())
    return partial(fit.take_step, 0, x, given)


@contextmanager
def operation_by_operation() -> Iterator[None]:
    """Let decoders run without the pass in one call, and their loss in torch's operations."""
    before = network_pass.key_of_pass, logistic_mixture.runs_in_c
    network_pass.key_of_pass, logistic_mixture.runs_in_c = lambda *_: None, lambda *_: False
    try:
        yield
    finally:
        network_pass.key_of_pass, logistic_mixture.runs_in_c = before


def slow_step(*sizes: Any) -> Callable[[], None]:
    """The same step operation by operation, each parameter for itself."""
    as_vectors = Optimisation._as_vectors
    Optimisation._as_vectors = lambda self, groups: groups  # type: ignore[method-assign]
    try:
        step = shipped_step(*sizes)
    finally:
        Optimisation._as_vectors = as_vectors  # type: ignore[method-assign]

    def apart() -> None:
        with operation_by_operation():
            step()

    return apart


def small_rows(quick: bool = False) -> list[Measurement]:
    """Seconds a step of the decoders that are shipped, in one thread, and how much faster C code and vectors make it.

    The slow step is what a fit did before that: its layers and its loss operation by operation, and each parameter for
    itself.
    """
    threads, rows = torch.get_num_threads(), []
    torch.set_num_threads(1)
    try:
        for name, (sizes, goal) in SHIPPED.items():
            actions = {"step": shipped_step(*sizes), "apart": slow_step(*sizes)}
            medians = interleaved_seconds(actions, 20 if quick else 60)
            speedup = medians["apart"] / medians["step"]
            rows += [
                Measurement(
                    f"small_fits_seconds_{name}", medians["step"], "s / step, 1 thread", None, COMMAND
                ),
                Measurement(f"small_fits_speedup_{name}", speedup, "x operations, 1 thread", goal, COMMAND),
            ]
    finally:
        torch.set_num_threads(threads)
    return rows


def measure(quick: bool = False, device: str = "cpu") -> list[Measurement]:
    """All figures of this file; the quick set leaves out the large size and memory."""
    sizes = ((32, 1),) if quick else ((32, 1), (64, 2))
    rows = [row for size in sizes for row in share_rows(*size, quick=quick, device=device)]
    rows += small_rows(quick) if device == "cpu" else []
    if not quick:
        rows += side_by_side_rows(64, 2) + memory_rows() if device == "cpu" else []
    return rows


if __name__ == "__main__":
    chosen = arguments(__doc__)
    print_table(measure(chosen.quick, chosen.device))
