"""The choice of a recipe for digits, on the held-out share of the fits: python -m benchmarks.digits_recipe demo.

Or `six-papers`. Every recipe fits a pretrained decoder and from it p(x), p(x|code) for codes of the calibration ladder,
and p(x|h) for taps of the configuration's networks, with two decoder seeds each. Compared are the best held-out bits,
and the processor time of a fit. No decoder is judged on the evaluation images. Needs the data set and the networks of
seed 0 under results/ (`make demo`, `snakemake six_papers`); 4 to 5 minutes on two cores.
"""

import sys
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

NOISE_UNITS = 16
SEEDS = (0, 1)


class Recipe(NamedTuple):
    """The dropout of decoders, `pretrained_fit` and `image_fit`."""

    name: str
    dropout: float
    pretrained_fit: dict[str, Any]
    image_fit: dict[str, Any]


class Choice(NamedTuple):
    """What is compared for a configuration: recipes, the first of which all are compared with."""

    recipes: tuple[Recipe, ...]
    taps: dict[str, tuple[str, ...]]
    """Tapped layers of each network, `encoder/regime/epoch`."""


class Outcome(NamedTuple):
    """One fit: best held-out bits of an image, and seconds of processor time."""

    recipe: str
    task: str
    seed: int
    heldout: float
    seconds: float


COMMON = {"batch_size": 32, "betas": (0.9, 0.99), "pretrained_rate": 1.0, "average_decay": 0.9}
HOT = {**COMMON, "steps": 80, "learning_rate": 1.2e-2, "warmup_steps": 8, "evaluate_every": 10}
SLOW = {**COMMON, "steps": 120, "learning_rate": 4e-3, "evaluate_every": 15}
LONG = {"steps": 600, "batch_size": 32, "learning_rate": 4e-3, "average_decay": 0.98, "evaluate_every": 60}
SHORT = {**LONG, "steps": 300, "evaluate_every": 30}
WARM = {**SHORT, "learning_rate": 8e-3, "warmup_steps": 20, "betas": (0.9, 0.99)}
LASTING = {"average_decay": 0.98, "evaluate_every": 20, "betas": (0.95, 0.9995)}

DEMO = Choice(
    (
        Recipe("120 steps, rate 0.004, no warm-up, dropout 0.3", 0.3, LONG, SLOW),
        Recipe("80 steps of that", 0.3, LONG, {**SLOW, "steps": 80, "evaluate_every": 10}),
        Recipe("80 steps, rate 0.012, warm-up of 8, dropout 0.3", 0.3, LONG, HOT),
        Recipe("the same, dropout 0.2", 0.2, LONG, HOT),
        Recipe("the same, dropout 0.15 (the demo's)", 0.15, LONG, HOT),
        Recipe("the same, dropout 0", 0.0, LONG, HOT),
        Recipe(
            "60 steps, rate 0.012, warm-up of 6, dropout 0.15",
            0.15,
            LONG,
            {**HOT, "steps": 60, "warmup_steps": 6},
        ),
    ),
    {
        "resnet10/classifier/40": ("h1", "h3", "pooled"),
        "resnet10/autoencoder/40": ("h1", "h3", "bottleneck"),
    },
)
SIX_PAPERS = Choice(
    (
        Recipe("120 steps, rate 0.004, no warm-up, (.95, .9995)", 0.0, SHORT, {**SLOW, **LASTING}),
        Recipe("80 steps, rate 0.012, warm-up of 8, (.9, .99)", 0.0, SHORT, HOT),
        Recipe("the same, pretrained with warm-up", 0.0, WARM, HOT),
        Recipe("the same, dropout 0.15", 0.15, WARM, HOT),
    ),
    {
        "resnet/classifier/20": ("h1", "h3"),
        "resnet/autoencoder/20": ("h2", "bottleneck"),
        "rir/classifier/20": ("h1_residual", "h3"),
        "resnet-w4a4/classifier/30": ("h3_quantized",),
        "three-layer-resnet/classifier/20": ("hidden1",),
        "resnet20-unscaled/classifier/20": ("h2",),
        "shortcut-2/classifier/20": ("stem", "layer12"),
    },
)
CHOICES = {"demo": DEMO, "six-papers": SIX_PAPERS}


def tasks(configuration: str, data: Dataset) -> Iterator[tuple[str, Tensor | None]]:
    """What the fitted decoders are told: nothing, a code, h."""
    yield "p(x)", None
    ladder = Ladder(data, 0, NOISE_UNITS)
    codes = [ladder.of_k_means(16, noise=False), ladder.of_k_means(64, noise=True), ladder.of_signs(4)]
    for rung in (*ladder.of_label(), *codes):
        yield rung.name, torch.from_numpy(rung.decoder)
    for network, taps in CHOICES[configuration].taps.items():
        encoder, regime, epoch = network.split("/")
        path = Path(
            "results", configuration, "encoders", encoder, regime, "seed0", checkpoint_name(int(epoch))
        )
        activations = RecomputedActivations(load_checkpoint(path).encoder, data.decoder, "cpu")
        for tap in taps:
            yield f"{encoder} {regime} {tap}", activations.all_rows(tap)


def outcomes(configuration: str, recipe: Recipe, seed: int) -> list[Outcome]:
    """All fits of a recipe with one seed, in one thread."""
    torch.set_num_threads(1)
    settings = yaml.safe_load(Path(f"workflow/config/{configuration}.yaml").read_text(encoding="utf-8"))
    data = open_dataset(Path("results", configuration, "dataset"))
    spec = PixelCNNPPSpec(**{**settings["decoders"]["image"], "dropout": recipe.dropout})
    images = torch.from_numpy(np.array(data.decoder.images))
    target = image_target(data.header)
    torch.manual_seed(seed)
    pretrained = PixelCNNPP(spec, target, None)
    fit(pretrained, TensorPairs(images), FitSpec(**recipe.pretrained_fit, seed=seed), label="pretrained")
    found = []
    for task, h in tasks(configuration, data):
        torch.manual_seed(seed)
        decoder = PixelCNNPP(spec, target, None if h is None else tuple(h.shape[1:]))
        decoder.start_from(pretrained)
        begin = time.process_time()
        fitted = fit(decoder, TensorPairs(images, h), FitSpec(**recipe.image_fit, seed=seed), label=task)
        seconds = time.process_time() - begin
        found.append(Outcome(recipe.name, task, seed, bits(fitted.holdout_nats), seconds))
    return found


def main() -> None:
    """Fit all recipes of a configuration and print how far each lies from the first, in bits, and what a fit costs."""
    if sys.argv[1:] not in [[name] for name in CHOICES]:
        sys.exit(f"name one of {', '.join(CHOICES)}")
    configuration = sys.argv[1]
    recipes = CHOICES[configuration].recipes
    pairs = [(configuration, recipe, seed) for recipe in recipes for seed in SEEDS]
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        found = [row for rows in pool.map(outcomes, *zip(*pairs, strict=True)) for row in rows]
    print("| recipe | held out, mean | worst task | best task | gain against p(x) | seconds a fit |")
    print("| --- | --- | --- | --- | --- | --- |")
    for recipe in recipes:
        print(row_of(recipe, recipes[0], found))


def row_of(recipe: Recipe, compared: Recipe, found: Sequence[Outcome]) -> str:
    """The line of a recipe: bits of held-out images less those of another recipe, means over seeds."""
    own, first = (
        {(r.task, r.seed): r for r in found if r.recipe == name} for name in (recipe.name, compared.name)
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
