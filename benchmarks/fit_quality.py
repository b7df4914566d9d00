"""Bits per dimension on real CIFAR-10 against compute, and the choice of the recipe: python -m benchmarks.fit_quality.

First one small decoder under one change of the recipe at a time (initialization, learning rate, schedule, weight
average, dropout, mirrored images), then the best recipe at several sizes and budgets. Images of the decoder part are
fitted, those of the evaluation part judged once; the recipe is chosen on the held-out share of the fit, never on them.
Needs CIFAR-10 where `ib_analysis` finds it (workflow/config/README.md); a quarter of an hour on two cores.

python -m benchmarks.fit_quality --plateau instead fits one small decoder with the chosen recipe until it gains no more.
"""

import argparse
import csv
import math
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from decoders.evaluation import nats_per_example
from decoders.fitting import fit
from decoders.pairs import TensorPairs
from decoders.pixelcnn_pp.decoder import PixelCNNPP
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.spec import FitSpec, ImageTarget
from decoders.training.atomic_file import replacing
from ib_analysis.datasets.cifar10 import Cifar10
from ib_analysis.datasets.prepare import open_dataset, prepare_dataset
from ib_analysis.datasets.specs.cifar import Cifar10Spec
from ib_analysis.units import bits_per_dim

TABLE = Path("results/benchmarks/fit_quality.csv")
TARGET = ImageTarget(channels=3, height=32, width=32, levels=256)
IMAGES, EVALUATION = 8000, 500
BASE = FitSpec(
    steps=400, batch_size=16, learning_rate=2e-3, average_decay=0.99, evaluate_every=50, precision="bfloat16"
)
PLATEAU_STEPS = 16_000
GFLOP = {(16, 1): 0.41, (24, 1): 0.92, (32, 1): 1.63, (64, 2): 10.7}
"""Of a step for one image, forward and backward."""


class Recipe(NamedTuple):
    """One fit: the size, the budget and what is changed."""

    name: str
    filters: int = 16
    layers: int = 1
    dropout: float = 0.0
    mirrored: bool = False
    data_dependent: bool = True
    fit: FitSpec = BASE


class Quality(NamedTuple):
    """What came of it; bits per dimension on the held-out share, and on the evaluation images."""

    recipe: Recipe
    heldout: float
    bits_per_dim: float
    stderr: float
    gflop: float
    seconds: float
    late_gain: float
    curve: tuple[tuple[int, float], ...]
    """Bits per dimension on the held-out share by step."""


CHOSEN = Recipe("learning rate x 2", fit=BASE.model_copy(update={"learning_rate": 4e-3}))
"""What the choice on the held-out share came to (docs/performance.md)."""


class MirroredPairs(TensorPairs):
    """Every image once as it is and once mirrored; the pair is one example, so that neither is held out alone."""

    def __len__(self) -> int:
        return len(self.target)

    def batch(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor | None]:
        """The images of those rows, those of odd sums with their neighbours mirrored."""
        images, h = super().batch(rows)
        turned = torch.from_numpy((rows + np.arange(len(rows))) % 2 == 1)
        return torch.where(turned[:, None, None, None], images.flip(3), images), h


def recipes(quick: bool) -> Iterator[Recipe]:
    """One change at a time."""
    yield Recipe("base")
    if quick:
        return
    yield Recipe("without data-dependent initialization", data_dependent=False)
    yield CHOSEN
    yield Recipe("learning rate / 2", fit=BASE.model_copy(update={"learning_rate": 1e-3}))
    yield Recipe("exponential decay", fit=BASE.model_copy(update={"schedule": "exponential"}))
    yield Recipe("weight average 0.9995", fit=BASE.model_copy(update={"average_decay": 0.9995}))
    yield Recipe("no weight average", fit=BASE.model_copy(update={"average_decay": 0.0}))
    yield Recipe("dropout 0.5", dropout=0.5)
    yield Recipe("mirrored images", mirrored=True)


def sizes(best: Recipe, quick: bool) -> Iterator[Recipe]:
    """The recipe that was chosen, at several sizes and budgets."""
    budgets = (
        ((16, 1, 100),) if quick else ((16, 1, 200), (16, 1, 800), (24, 1, 800), (32, 1, 400), (32, 1, 800))
    )
    for filters, layers, steps in budgets:
        fit_ = best.fit.model_copy(update={"steps": steps, "evaluate_every": max(25, steps // 8)})
        yield best._replace(
            name=f"{filters}, {layers}: {steps} steps", filters=filters, layers=layers, fit=fit_
        )


def until_plateau(steps: int) -> Recipe:
    """The smallest decoder, with forty validation steps."""
    fit_ = CHOSEN.fit.model_copy(
        update={"steps": steps, "evaluate_every": steps // 40, "average_decay": 0.998}
    )
    return CHOSEN._replace(name=f"16, 1: {steps} steps", fit=fit_)


def images() -> tuple[Tensor, Tensor]:
    """Images to fit on and to be judged on."""
    with tempfile.TemporaryDirectory() as name:
        spec = Cifar10Spec()
        prepare_dataset(Cifar10(spec), spec, Path(name) / "data")
        data = open_dataset(Path(name) / "data")
        return torch.tensor(data.decoder.images[:IMAGES]), torch.tensor(data.evaluation.images[:EVALUATION])


def _keep_weights(target: Tensor, h: Tensor | None, batch_size: int = 1) -> None:
    """An initialisation that reads no data."""


def quality(recipe: Recipe, fitting: Tensor, evaluation: Tensor) -> Quality:
    """Fit one decoder and judge it."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    spec = PixelCNNPPSpec(filters=recipe.filters, layers=recipe.layers, mixtures=5, dropout=recipe.dropout)
    decoder = PixelCNNPP(spec, TARGET, None)
    if not recipe.data_dependent:
        decoder.initialise = _keep_weights  # type: ignore[method-assign]
    pairs = MirroredPairs(fitting) if recipe.mirrored else TensorPairs(fitting)
    settings = recipe.fit.model_copy(update={"holdout": 0.03})
    found = fit(decoder, pairs, settings, label=recipe.name)
    nats = nats_per_example(decoder, TensorPairs(evaluation), "cpu", 100)
    dimensions = TARGET.dimensions
    stderr = float(nats.std(ddof=1)) / math.sqrt(len(nats))
    gflop = GFLOP[recipe.filters, recipe.layers] * settings.batch_size * found.steps
    return Quality(
        recipe,
        bits_per_dim(found.holdout_nats, dimensions),
        bits_per_dim(float(nats.mean()), dimensions),
        bits_per_dim(stderr, dimensions),
        gflop,
        found.seconds,
        bits_per_dim(found.late_gain_nats, dimensions),
        tuple((row.step, bits_per_dim(row.holdout_nats, dimensions)) for row in found.history),
    )


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one recipe, one size")
    parser.add_argument("--plateau", action="store_true", help="one small decoder until it gains no more")
    options = parser.parse_args()
    fitting, evaluation = images()
    if options.plateau:
        found = shown(quality(until_plateau(1600 if options.quick else PLATEAU_STEPS), fitting, evaluation))
        for step, value in found.curve:
            print(
                f"  step {step:6}  {GFLOP[16, 1] * BASE.batch_size * step / 1000:7.1f} TFLOP  {value:.3f} bits/dim"
            )
        return
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:

        def measured(wanted: Iterator[Recipe]) -> list[Quality]:
            jobs = [pool.submit(quality, recipe, fitting, evaluation) for recipe in wanted]
            return [shown(job.result()) for job in jobs]

        tried = measured(recipes(options.quick))
        best = min(tried, key=lambda one: one.heldout).recipe
        print(f"chosen: {best.name}")
        tried += measured(sizes(best, options.quick))
    write(tried)


def shown(found: Quality) -> Quality:
    """Print one line."""
    judged = f"evaluation {found.bits_per_dim:.3f} +- {found.stderr:.3f} bits/dim"
    spent = f"{found.gflop / 1000:8.1f} TFLOP  {found.seconds:6.0f} s"
    words = f"{judged}  {spent}  late gain {found.late_gain:.3f}"
    print(f"{found.recipe.name:40} held out {found.heldout:.3f}  {words}", flush=True)
    return found


def write(tried: list[Quality]) -> None:
    """The table, atomically."""
    with replacing(TABLE) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["recipe", "filters", "layers", "steps", *Quality._fields[1:-1]])
        for one in tried:
            recipe = one.recipe
            writer.writerow([recipe.name, recipe.filters, recipe.layers, recipe.fit.steps, *one[1:-1]])
    print(f"\n{TABLE}")


if __name__ == "__main__":
    main()
