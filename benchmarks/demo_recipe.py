"""The choice of the demo's recipe, on the held-out share of the fits: python -m benchmarks.demo_recipe.

Every recipe fits a pretrained decoder of its dropout and from it p(x), p(x|code) for codes of the calibration ladder,
and p(x|h) for taps of the demo's networks, with two decoder seeds each. Compared are the best held-out bits, and the
processor time of a fit. No decoder is judged on the evaluation images. Needs results/demo (`make demo`); 4 minutes on
two cores.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import yaml
from torch import Tensor

from decoders.fitting import fit
from decoders.pairs import TensorPairs
from decoders.pixelcnn_pp.decoder import PixelCNNPP
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.spec import FitSpec
from ib_analysis.activations.recomputed import RecomputedActivations
from ib_analysis.calibration.ladder import Ladder
from ib_analysis.datasets.dataset import Dataset
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.decoder_fits import image_target
from ib_analysis.encoders.checkpoint import checkpoint_name, load_checkpoint
from ib_analysis.units import bits

DEMO, CONFIGURATION = Path("results/demo"), Path("workflow/config/demo.yaml")
EPOCH, NOISE_UNITS = 40, 16
TAPS = {"classifier": ("h1", "h3", "pooled"), "autoencoder": ("h1", "h3", "bottleneck")}
SEEDS = (0, 1)


class Recipe(NamedTuple):
    """The dropout of the demo's decoders, and `image_fit`."""

    name: str
    dropout: float
    image_fit: dict[str, Any]


class Outcome(NamedTuple):
    """One fit: best held-out bits of an image, and seconds of processor time."""

    recipe: str
    task: str
    seed: int
    heldout: float
    seconds: float


COMMON = {"batch_size": 32, "betas": (0.9, 0.99), "pretrained_rate": 1.0, "average_decay": 0.9}
HOT = {**COMMON, "steps": 80, "learning_rate": 1.2e-2, "warmup_steps": 8, "evaluate_every": 10}
FORMER = Recipe(
    "120 steps, rate 0.004, no warm-up, dropout 0.3",
    0.3,
    {**COMMON, "steps": 120, "learning_rate": 4e-3, "evaluate_every": 15},
)
RECIPES = (
    FORMER,
    Recipe("80 steps of that", 0.3, {**FORMER.image_fit, "steps": 80, "evaluate_every": 10}),
    Recipe("80 steps, rate 0.012, warm-up of 8, dropout 0.3", 0.3, HOT),
    Recipe("the same, dropout 0.2", 0.2, HOT),
    Recipe("the same, dropout 0.15 (the demo's)", 0.15, HOT),
    Recipe("the same, dropout 0", 0.0, HOT),
    Recipe("60 steps, rate 0.012, warm-up of 6, dropout 0.15", 0.15, {**HOT, "steps": 60, "warmup_steps": 6}),
)


def tasks(data: Dataset) -> Iterator[tuple[str, Tensor | None]]:
    """What the fitted decoders are told: nothing, a code, h."""
    yield "p(x)", None
    ladder = Ladder(data, 0, NOISE_UNITS)
    codes = [ladder.of_k_means(16, noise=False), ladder.of_k_means(64, noise=True), ladder.of_signs(4)]
    for rung in (*ladder.of_label(), *codes):
        yield rung.name, torch.from_numpy(rung.decoder)
    for regime, taps in TAPS.items():
        path = DEMO / f"encoders/resnet10/{regime}/seed0" / checkpoint_name(EPOCH)
        activations = RecomputedActivations(load_checkpoint(path).encoder, data.decoder, "cpu")
        for tap in taps:
            yield f"{regime} {tap}", activations.all_rows(tap)


def outcomes(recipe: Recipe, seed: int) -> list[Outcome]:
    """All fits of a recipe with one seed, in one thread."""
    torch.set_num_threads(1)
    settings = yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))["decoders"]
    data = open_dataset(DEMO / "dataset")
    spec = PixelCNNPPSpec(**{**settings["image"], "dropout": recipe.dropout})
    images = torch.from_numpy(np.array(data.decoder.images))
    target = image_target(data.header)
    torch.manual_seed(seed)
    pretrained = PixelCNNPP(spec, target, None)
    fit(pretrained, TensorPairs(images), FitSpec(**settings["pretrained_fit"], seed=seed), label="pretrained")
    found = []
    for task, h in tasks(data):
        torch.manual_seed(seed)
        decoder = PixelCNNPP(spec, target, None if h is None else tuple(h.shape[1:]))
        decoder.start_from(pretrained)
        begin = time.process_time()
        fitted = fit(decoder, TensorPairs(images, h), FitSpec(**recipe.image_fit, seed=seed), label=task)
        seconds = time.process_time() - begin
        found.append(Outcome(recipe.name, task, seed, bits(fitted.holdout_nats), seconds))
    return found


def main() -> None:
    """Fit all recipes and print how far each lies from the first: held-out bits, gain against p(x), seconds."""
    pairs = [(recipe, seed) for recipe in RECIPES for seed in SEEDS]
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        found = [row for rows in pool.map(outcomes, *zip(*pairs, strict=True)) for row in rows]
    print("| recipe | held out, mean | worst task | best task | gain against p(x) | seconds a fit |")
    print("| --- | --- | --- | --- | --- | --- |")
    for recipe in RECIPES:
        print(row_of(recipe, found))


def row_of(recipe: Recipe, found: Sequence[Outcome]) -> str:
    """The line of a recipe: bits of held-out images less those of the first recipe, means over seeds."""
    own, first = (
        {(r.task, r.seed): r for r in found if r.recipe == name} for name in (recipe.name, FORMER.name)
    )
    names = dict.fromkeys(task for task, _ in own)
    changes = {
        task: float(np.mean([own[task, seed].heldout - first[task, seed].heldout for seed in SEEDS]))
        for task in names
    }
    gain = float(np.mean([changes["p(x)"] - change for task, change in changes.items() if task != "p(x)"]))
    worst, best = max(changes, key=changes.__getitem__), min(changes, key=changes.__getitem__)
    seconds = float(np.mean([row.seconds for row in own.values()]))
    ends = " | ".join(f"{changes[task]:+.2f} ({task})" for task in (worst, best))
    return (
        f"| {recipe.name} | {np.mean(list(changes.values())):+.2f} | {ends} | {gain:+.2f} | {seconds:.2f} |"
    )


if __name__ == "__main__":
    main()
