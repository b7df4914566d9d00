"""Initialisation in parts equals one pass, and the formula of memory agrees with what passes really take."""

import json
import os
import subprocess
import sys

import pytest
import torch

from decoders import memory
from decoders.fitting import fit
from decoders.pairs import TensorPairs
from decoders.pixelcnn_pp.causal_convolution import WeightNormalizedConvolution
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


@pytest.mark.parametrize("context", [None, (5,), (2, 3, 4)])
def test_an_initialisation_in_parts_is_that_of_one_pass(monkeypatch, context):
    whole = initialised(context).state_dict()
    few_at_once(monkeypatch, context, 10)  # parts of 10, 10, 10 and 7 images
    parts = initialised(context).state_dict()
    for name, value in whole.items():
        assert torch.allclose(parts[name], value, rtol=1e-4, atol=1e-5), name


def test_what_reads_h_is_initialised_in_parts_after_a_warm_start(monkeypatch):
    start = initialised(None)
    whole = initialised((5,), start).state_dict()
    few_at_once(monkeypatch, (5,), 4)
    parts = initialised((5,), start).state_dict()
    untouched = initialised((5,)).state_dict()
    assert not torch.allclose(untouched["stem.above.gain"], whole["stem.above.gain"])
    for name, value in whole.items():
        assert torch.allclose(parts[name], value, rtol=1e-4, atol=1e-5), name


def test_no_more_images_pass_at_once_than_the_budget_holds(monkeypatch):
    sizes = []
    hook = torch.nn.modules.module.register_module_forward_pre_hook(
        lambda layer, given: (
            sizes.append(len(given[0])) if isinstance(layer, WeightNormalizedConvolution) else None
        )
    )
    try:
        few_at_once(monkeypatch, None, 10)
        initialised(None)
        assert max(sizes) == 10
        sizes.clear()
        initialised(None, batch_size=IMAGES)
        assert set(sizes) == {IMAGES}, "a step of so many images takes more memory"
        sizes.clear()
        monkeypatch.setattr(memory, "BUDGET", 2**40)
        initialised(None)
        assert set(sizes) == {IMAGES}
    finally:
        hook.remove()


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
from decoders.pixelcnn_pp.memory import DecoderMemory
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.spec import ImageTarget

sizes, (channels, side), features, counts = json.loads(sys.argv[1])
torch.set_num_threads(1)
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
    ({"filters": 32, "layers": 2, "mixtures": 10, "dropout": 0.5}, (3, 32), 0, (64, 16)),
    ({"filters": 64, "layers": 1, "mixtures": 1}, (3, 32), 0, (64, 16)),
    ({"filters": 16, "layers": 1, "mixtures": 10}, (3, 32), 0, (128, 32)),
    ({"filters": 40, "layers": 2, "mixtures": 5, "context_filters": 20}, (1, 28), 128, (64, 16)),
]


@pytest.mark.skipif(
    not os.access("/proc/self/clear_refs", os.W_OK), reason="this system does not tell a process its peak"
)
@pytest.mark.parametrize(("sizes", "shape", "features", "counts"), DECODERS)
def test_the_formula_is_the_measured_peak(sizes, shape, features, counts):
    # What is freed goes back to the system at once, so that each peak starts from nothing.
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    given = json.dumps([sizes, shape, features, counts])
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, given], env=environment, capture_output=True, text=True, check=True
    )
    evaluation, step, weights = json.loads(run.stdout)
    channels, side = shape
    target = ImageTarget(channels=channels, height=side, width=side, levels=256)
    formula = DecoderMemory(PixelCNNPPSpec(**sizes), target, features)
    gradients = weights / counts[1]
    assert evaluation <= formula.evaluation <= 1.4 * evaluation
    assert step - gradients <= formula.step <= 1.25 * (step - gradients)
    assert weights <= 1.05 * formula.weights
    assert formula.weights <= 1.3 * weights
