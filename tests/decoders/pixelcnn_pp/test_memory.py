"""An initialisation passes what the budget holds, and the formula of memory agrees with what passes really take."""

import json
import os
import subprocess
import sys

import pytest
import torch

from decoders import memory
from decoders.fitting import fit
from decoders.pairs import TensorPairs
from decoders.pixelcnn_pp.context import ContextMaps
from decoders.pixelcnn_pp.decoder import PixelCNNPP
from decoders.pixelcnn_pp.memory import DecoderMemory
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.spec import FitSpec, ImageTarget

SPEC = PixelCNNPPSpec(filters=6, layers=1, mixtures=2, context_filters=4, context_layers=1)
TARGET = ImageTarget(channels=3, height=6, width=8, levels=16)
IMAGES = 37


def initialised(context, start=None, batch_size=1):
    torch.manual_seed(0)
    decoder = PixelCNNPP(SPEC, TARGET, context)
    if start is not None:
        decoder.start_from(start)
    images = torch.randint(0, 16, (IMAGES, 3, 6, 8), dtype=torch.uint8)
    h = None if context is None else 3 + 2 * torch.randn(IMAGES, *context)
    decoder.initialise(images, h, batch_size)
    return decoder


def few_at_once(monkeypatch, context, images):
    bytes_of_one = DecoderMemory(SPEC, TARGET, torch.Size(context or (0,)).numel()).evaluation
    monkeypatch.setattr(memory, "BUDGET", images * bytes_of_one)


def images_of_passes(monkeypatch, context, **given):
    """How many images each pass of an initialisation was of."""
    seen = []

    def noted(self, target, h):
        seen.append(len(target))
        return parameters_of(self, target, h)

    parameters_of = PixelCNNPP.parameters_of
    monkeypatch.setattr(PixelCNNPP, "parameters_of", noted)
    initialised(context, **given)
    return seen


@pytest.mark.parametrize("context", [None, (5,), (2, 3, 4)])
def test_one_pass_of_no_more_images_than_the_budget_holds(monkeypatch, context):
    few_at_once(monkeypatch, context, 10)
    assert images_of_passes(monkeypatch, context) == [10]
    assert images_of_passes(monkeypatch, context, batch_size=IMAGES) == [IMAGES], (
        "a step takes more memory anyway"
    )
    monkeypatch.setattr(memory, "BUDGET", 2**40)
    assert images_of_passes(monkeypatch, context) == [IMAGES]


@pytest.mark.parametrize("context", [None, (5,), (2, 3, 4)])
def test_the_images_that_pass_are_spread_over_all(monkeypatch, context):
    # Images of a folder may come class by class: the first ones are of few classes.
    torch.manual_seed(0)
    decoder = PixelCNNPP(SPEC, TARGET, context)
    images = torch.randint(0, 16, (IMAGES, 3, 6, 8), dtype=torch.uint8)
    h = (
        None
        if context is None
        else torch.arange(IMAGES).float().view(-1, *[1] * len(context)).expand(-1, *context)
    )
    few_at_once(monkeypatch, context, 10)
    layers = [decoder.stem.above] if h is None else [decoder.stem.above, decoder.context_maps.standardise]
    inputs = {}
    for layer in layers:
        layer.register_forward_pre_hook(lambda layer, given: inputs.setdefault(layer, given[0]))
    decoder.initialise(images, h)
    chosen = [k * IMAGES // 10 for k in range(10)]
    values = decoder.network_input(images[chosen])
    assert torch.equal(inputs[layers[0]], layers[0].pad(values))
    if h is not None:
        assert torch.equal(inputs[layers[1]], h[chosen])
        assert torch.allclose(layers[1].mean, torch.tensor(IMAGES // 2.0)), "h is standardised by all of them"


def test_what_reads_h_is_initialised_from_as_many_after_a_warm_start(monkeypatch):
    start, seen = initialised(None), []
    few_at_once(monkeypatch, (5,), 4)
    forward = ContextMaps.forward
    monkeypatch.setattr(ContextMaps, "forward", lambda self, h: seen.append(len(h)) or forward(self, h))
    warm = initialised((5,), start).state_dict()
    assert seen == [4]
    for name, value in start.state_dict().items():
        assert torch.equal(warm[name], value), name


def test_a_fit_tells_its_initialisation_the_size_of_its_steps(monkeypatch):
    told, initialise = [], PixelCNNPP.initialise

    def noted(self, target, h, batch_size=1):
        told.append(batch_size)
        initialise(self, target, h, batch_size)

    monkeypatch.setattr(PixelCNNPP, "initialise", noted)
    images = torch.randint(0, 16, (IMAGES, 3, 6, 8), dtype=torch.uint8)
    recipe = FitSpec(steps=1, batch_size=8, evaluate_every=1)
    fit(PixelCNNPP(SPEC, TARGET, None), TensorPairs(images, None), recipe, label="x")
    assert told == [8]


MEASURE = """
import gc, json, math, sys
from pathlib import Path
import torch
from decoders.pixelcnn_pp.decoder import PixelCNNPP
from decoders.pixelcnn_pp.logistic_mixture import LogisticMixture
from decoders.pixelcnn_pp.memory import DecoderMemory
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.spec import ImageTarget

sizes, (channels, side), features, counts, in_c = json.loads(sys.argv[1])
torch.set_num_threads(1)
if not in_c:  # as on a GPU
    LogisticMixture.is_in_c = lambda *_: False
context = (features,) if features else None
target = ImageTarget(channels=channels, height=side, width=side, levels=256)
decoder = PixelCNNPP(PixelCNNPPSpec(**sizes), target, context)

def batch(n):
    h = torch.randn(n, features) if features else None
    return torch.randint(0, 256, (n, channels, side, side), dtype=torch.uint8), h

def step(n):
    target, h = batch(n)
    (-decoder(h).log_prob(target)).mean().backward()

@torch.no_grad()
def evaluate(n):
    target, h = batch(n)
    decoder(h).log_prob(target)

def peak(work, n):
    "Bytes that the process has at most above what it has before."
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    status = lambda: int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
    before = status()
    work(n)
    return 1024 * (status() - before) / n

decoder.initialise(*batch(2))
step(2)
weights = sum(4 * p.numel() for p in decoder.parameters())
print(json.dumps([peak(evaluate, counts[0]), peak(step, counts[1]), weights]))
"""
DECODERS = [
    ({"filters": 32, "layers": 2, "mixtures": 10, "dropout": 0.5}, (3, 32), 0, (64, 16), True),
    ({"filters": 64, "layers": 1, "mixtures": 1}, (3, 32), 0, (64, 16), True),
    ({"filters": 16, "layers": 1, "mixtures": 10}, (3, 32), 0, (128, 32), True),
    ({"filters": 16, "layers": 1, "mixtures": 10}, (3, 32), 0, (128, 32), False),
    ({"filters": 8, "layers": 1, "mixtures": 20}, (3, 32), 0, (128, 32), True),
    ({"filters": 40, "layers": 2, "mixtures": 5, "context_filters": 20}, (1, 28), 128, (64, 16), True),
]


@pytest.mark.skipif(
    not os.access("/proc/self/clear_refs", os.W_OK), reason="this system does not tell a process its peak"
)
@pytest.mark.parametrize(("sizes", "shape", "features", "counts", "in_c"), DECODERS)
def test_the_formula_is_the_measured_peak(sizes, shape, features, counts, in_c):
    # What is freed goes back to the system at once, so that each peak starts from nothing.
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    given = json.dumps([sizes, shape, features, counts, in_c])
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, given], env=environment, capture_output=True, text=True, check=True
    )
    evaluation, step, weights = json.loads(run.stdout)
    channels, side = shape
    target = ImageTarget(channels=channels, height=side, width=side, levels=256)
    formula = DecoderMemory(PixelCNNPPSpec(**sizes), target, features, in_c)
    gradients = weights / counts[1]
    assert evaluation <= formula.evaluation <= 1.4 * evaluation
    assert step - gradients <= formula.step <= 1.25 * (step - gradients)
    assert weights <= 1.05 * formula.weights
    assert formula.weights <= 1.3 * weights
