"""A training step against a 1536^3 float32 matrix product timed in the same run: python -m benchmarks.training_step.

A step is one batch of 32 images with dropout: log-likelihood, its gradient, Adam. Its operations are
counted once and for all (forward and twice that for the gradient, whatever the implementation does): 52.2
GFLOP at (32 filters, 1 layer a block) and 343 at (64, 2), 3x32x32.
"""

from collections.abc import Callable

import torch

from benchmarks.measurement import Measurement, arguments, interleaved_seconds, print_table
from decoders.pixelcnn_pp.network import PixelCNNPP
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.spec import ImageTarget

COMMAND = "python -m benchmarks.training_step"
MATRIX = 1536
GFLOP_OF_MATRIX_PRODUCT = 2 * MATRIX**3 / 1e9
GFLOP_OF_STEP = {(32, 1): 52.2, (64, 2): 343.0}
GOALS = {(32, 1): 0.62, (64, 2): 0.95}
BATCH = 32


def training_step(
    filters: int, layers: int, target: ImageTarget, device: str = "cpu"
) -> Callable[[], object]:
    """One step of maximum likelihood on a fixed batch."""
    torch.manual_seed(0)
    spec = PixelCNNPPSpec(filters=filters, layers=layers, mixtures=5)
    decoder = PixelCNNPP(spec, target, None).to(device).train()
    shape = BATCH, target.channels, target.height, target.width
    x = torch.randint(0, target.levels, shape, dtype=torch.uint8, device=device)
    decoder.initialise(x, None)
    optimiser = torch.optim.Adam(decoder.parameters(), lr=1e-3, betas=(0.95, 0.9995), fused=True)

    def step() -> None:
        optimiser.zero_grad()
        (-decoder(None).log_prob(x).mean()).backward()
        optimiser.step()

    return step


def share_rows(filters: int, layers: int, quick: bool = False, device: str = "cpu") -> list[Measurement]:
    """Seconds a step at 3x32x32, and its rate as a share of the matrix product's."""
    target = ImageTarget(channels=3, height=32, width=32, levels=256)
    a = torch.randn(MATRIX, MATRIX, device=device)
    actions = {"step": training_step(filters, layers, target, device), "matmul": lambda: a @ a}
    medians = interleaved_seconds(actions, 3 if quick else 9)
    size = f"{filters}_{layers}" + ("" if device == "cpu" else f"_{device}")
    share = GFLOP_OF_STEP[filters, layers] / medians["step"] * medians["matmul"] / GFLOP_OF_MATRIX_PRODUCT
    rate = GFLOP_OF_MATRIX_PRODUCT / medians["matmul"]
    return [
        Measurement(f"matmul_{size}", rate, "GFLOP/s", None, COMMAND),
        Measurement(f"training_step_seconds_{size}", medians["step"], "s / step of 32", None, COMMAND),
        Measurement(
            f"training_share_of_matmul_{size}", share, "of 1536^3 float32", GOALS[filters, layers], COMMAND
        ),
    ]


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
    """All figures of this file; the large size is left out of the quick set."""
    sizes = ((32, 1),) if quick else ((32, 1), (64, 2))
    rows = [row for size in sizes for row in share_rows(*size, quick=quick, device=device)]
    return rows + small_rows(quick, device)


if __name__ == "__main__":
    chosen = arguments(__doc__)
    print_table(measure(chosen.quick, chosen.device))
