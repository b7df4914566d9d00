"""A whole plane by warm starts against decoders fitted alone: python -m benchmarks.plane.

Digits, a small ResNet classifier at ten checkpoints and four taps: 40 points. `neighbour_fit` fits each tap's decoder
at the last checkpoint alone, and walks back from there: each next one starts from its neighbour and stops by its
patience. Some points are fitted alone as well, with the full budget, and compared image by image. Cost is counted in
gradient steps, in units of one full budget.
"""

import copy
import math
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.measurement import Measurement, arguments, print_table
from decoders.evaluation import nats_per_example
from decoders.fitting import fit
from decoders.pairs import TensorPairs
from decoders.pixelcnn_pp.decoder import PixelCNNPP
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.spec import FitSpec, ImageTarget
from ib_analysis.activations.recomputed import RecomputedActivations
from ib_analysis.datasets.dataset import Part
from ib_analysis.datasets.digits import Digits
from ib_analysis.datasets.prepare import open_dataset, prepare_dataset
from ib_analysis.datasets.specs.digits import DigitsSpec
from ib_analysis.decoder_fits import image_target
from ib_analysis.encoders.encoder import Encoder, ImageShape
from ib_analysis.encoders.resnet import ResNet
from ib_analysis.encoders.specs.resnet import ResNetSpec
from ib_analysis.encoders.specs.training import TrainingSpec
from ib_analysis.encoders.training.train import train

COMMAND = "python -m benchmarks.plane"
EPOCHS = (0, 1, 2, 3, 5, 8, 12, 18, 26, 40)
TAPS = ("h1", "h2", "h3", "h4")
CHECKED = (0, 3, 12)
"""Epochs whose decoders are fitted alone as well; the last one always is."""
ALONE = FitSpec(steps=600, learning_rate=4e-3, average_decay=0.98, evaluate_every=60)
NEIGHBOUR = FitSpec(
    steps=400,
    learning_rate=2e-3,
    pretrained_rate=1.0,
    schedule="exponential",
    learning_rate_decay=1.0,
    warmup_steps=10,
    average_decay=0.98,
    evaluate_every=20,
    patience=3,
)
DECODER = PixelCNNPPSpec(filters=16, layers=1, mixtures=3, dropout=0.0, context_filters=16, context_layers=1)
GOAL_DECODERS, GOAL_PER_CENT = 8.0, 1.0
Nats = NDArray[np.float64]


class Plane(NamedTuple):
    """Images and activations (by epoch) of one tap, to fit on and to be judged on."""

    target: ImageTarget
    images: torch.Tensor
    h: dict[int, torch.Tensor]
    evaluation_images: torch.Tensor
    evaluation_h: dict[int, torch.Tensor]


class TapResult(NamedTuple):
    """Steps of the walk back, and nats of the checked points: by the walk, and alone."""

    steps: int
    walked: list[Nats]
    alone: list[Nats]


def planes(epochs: Sequence[int], taps: Sequence[str]) -> dict[str, Plane]:
    """Train the network and read every tap at every epoch."""
    with tempfile.TemporaryDirectory() as name:
        folder, spec = Path(name), DigitsSpec()
        prepare_dataset(Digits(spec), spec, folder / "data")
        data = open_dataset(folder / "data")
        shape, target = ImageShape.of(data.header), image_target(data.header)
        network = ResNet(
            ResNetSpec(blocks=(1, 1, 1, 1), widths=(16, 32, 64, 64), bottleneck=16), "classifier", shape, 10
        )
        training = TrainingSpec(epochs=epochs[-1], batch_size=64, learning_rate=0.05, weight_decay=5e-4)
        kept: dict[int, Encoder] = {}
        train(
            network,
            data.encoder,
            training,
            seed=0,
            epochs_to_keep=list(epochs),
            device="cpu",
            scratch=folder / "scratch",
            keep=lambda epoch, net: kept.__setitem__(epoch, copy.deepcopy(net).eval()),
        )
        return {
            tap: Plane(
                target,
                torch.tensor(data.decoder.images[:]),
                {e: activations(kept[e], data.decoder, tap) for e in epochs},
                torch.tensor(data.evaluation.images[:]),
                {e: activations(kept[e], data.evaluation, tap) for e in epochs},
            )
            for tap in taps
        }


def activations(encoder: Encoder, part: Part, tap: str) -> torch.Tensor:
    """h of every image of the part."""
    source = RecomputedActivations(encoder, part, torch.device("cpu"))
    return torch.cat([source.rows(tap, rows) for rows in np.array_split(np.arange(len(part)), 4)])


def fitted(plane: Plane, epoch: int, spec: FitSpec, start: PixelCNNPP | None) -> tuple[PixelCNNPP, int, Nats]:
    """A decoder of one point, the steps it took, and its nats on the evaluation images."""
    torch.manual_seed(0)
    decoder = PixelCNNPP(DECODER, plane.target, tuple(plane.h[epoch].shape[1:]))
    if start is not None:
        decoder.start_from(start)
    steps = fit(decoder, TensorPairs(plane.images, plane.h[epoch]), spec, label=f"epoch {epoch}").steps
    pairs = TensorPairs(plane.evaluation_images, plane.evaluation_h[epoch])
    return decoder, steps, nats_per_example(decoder, pairs, "cpu", 256)


def walk(plane: Plane, epochs: Sequence[int], checked: Sequence[int], alone: FitSpec) -> TapResult:
    """One tap: the last epoch alone, then backwards; and the checked epochs alone."""
    torch.set_num_threads(1)
    decoder, steps, _ = fitted(plane, epochs[-1], alone, None)
    walked = {}
    for epoch in epochs[-2::-1]:
        decoder, more, walked[epoch] = fitted(plane, epoch, NEIGHBOUR, decoder)
        steps += more
    references = [fitted(plane, epoch, alone, None)[2] for epoch in checked]
    return TapResult(steps, [walked[epoch] for epoch in checked], references)


def marginal(plane: Plane, alone: FitSpec) -> Nats:
    """Nats of p(x)."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    decoder = PixelCNNPP(DECODER, plane.target, None)
    fit(decoder, TensorPairs(plane.images), alone, label="p(x)")
    return nats_per_example(decoder, TensorPairs(plane.evaluation_images), "cpu", 256)


def measure(quick: bool = False, device: str = "cpu") -> list[Measurement]:
    """Cost and bias of the warm starts; the quick set has one tap, three epochs and a third of the budget."""
    epochs, taps, checked = (EPOCHS, TAPS, CHECKED) if not quick else ((0, 5, 10), ("h3",), (0, 5))
    alone = ALONE.model_copy(update={"steps": 200, "evaluate_every": 20}) if quick else ALONE
    found = planes(epochs, taps)
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        of_x = pool.submit(marginal, found[taps[0]], alone)
        jobs = [pool.submit(walk, found[tap], epochs, checked, alone) for tap in taps]
        results = [job.result() for job in jobs]
        measured = rows(of_x.result(), results, alone.steps, len(epochs) * len(taps))
    # Three points at a third of the budget show that it runs; they say nothing of the goals.
    return [row._replace(goal=None) for row in measured] if quick else measured


def rows(of_x: Nats, results: Sequence[TapResult], budget: int, points: int) -> list[Measurement]:
    """Decoders' worth of steps, and the bias in per cent of the information, paired over images."""
    biases, errors, information = [], [], []
    for result in results:
        for walked, alone in zip(result.walked, result.alone):
            change = alone - walked
            biases.append(change.mean())
            errors.append(change.std(ddof=1) / math.sqrt(len(change)))
            information.append((of_x - alone).mean())
    total = sum(information)
    shares = [100 * bias / own for bias, own in zip(biases, information)]
    cost = sum(result.steps for result in results) / budget

    def row(name: str, value: float, unit: str, goal: float | None) -> Measurement:
        return Measurement(name, value, unit, goal, COMMAND)

    return [
        row("plane_points", points, "points", None),
        row("plane_cost_in_decoders", cost, "full budgets", GOAL_DECODERS * points / 40),
        row("plane_saving", points / cost, "x", None),
        row("plane_bias_percent", 100 * sum(biases) / total, "% of I(x;h)", GOAL_PER_CENT),
        row(
            "plane_bias_stderr_percent",
            100 * math.sqrt(sum(e**2 for e in errors)) / total,
            "% of I(x;h)",
            None,
        ),
        row("plane_worst_bias_percent", max(shares, key=abs), "% of I(x;h), worst point", None),
    ]


if __name__ == "__main__":
    chosen = arguments(__doc__)
    print_table(measure(chosen.quick, chosen.device))
