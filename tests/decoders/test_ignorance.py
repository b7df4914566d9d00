"""A conditional decoder is never worse than p(x) on what stops its fit, and where it is no better it is p(x)."""

import numpy as np
import pytest
import torch

from decoders.evaluation import nats_per_example
from decoders.fitting import fit
from decoders.ignorance import allow_ignorance
from decoders.pairs import TensorPairs
from decoders.pixelcnn_pp.decoder import PixelCNNPP
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.spec import FitSpec, ImageTarget
from decoders.training.batches import divide

SPEC = PixelCNNPPSpec(filters=4, layers=1, mixtures=2, dropout=0.0, context_filters=4, context_layers=1)
TARGET = ImageTarget(channels=1, height=4, width=4, levels=4)
FIT = FitSpec(steps=60, batch_size=16, learning_rate=2e-2, average_decay=0.9, holdout=0.25, evaluate_every=30)


def decoder(context=None, start=None):
    torch.manual_seed(0)
    built = PixelCNNPP(SPEC, TARGET, context)
    if start is not None:
        built.start_from(start)
    return built


@pytest.fixture(scope="module")
def images():
    return torch.from_numpy(np.random.default_rng(0).integers(0, 4, (96, 1, 4, 4)).astype(np.uint8))


@pytest.fixture(scope="module")
def marginal(images):
    built = decoder()
    fit(built, TensorPairs(images, None), FIT)
    return built


def test_noise_is_ignored_to_the_last_bit(images, marginal):
    h = torch.from_numpy(np.random.default_rng(1).normal(size=(96, 8)).astype(np.float32))
    pairs, conditional = TensorPairs(images, h), decoder((8,))
    fitted = fit(conditional, pairs, FIT)
    chosen, found = allow_ignorance(conditional, fitted, marginal, pairs, FIT)
    assert found.ignores_h
    assert found.holdout_nats < fitted.holdout_nats
    assert found.history == fitted.history
    assert not chosen.training
    others = torch.randn(96, 8)
    expected = nats_per_example(marginal, TensorPairs(images, None), "cpu", 32)
    np.testing.assert_array_equal(nats_per_example(chosen, TensorPairs(images, others), "cpu", 32), expected)
    rows = divide(96, FIT.holdout)[1]
    assert found.holdout_nats == pytest.approx(expected[rows].mean(), rel=1e-12)
    assert found.holdout_stderr_nats == pytest.approx(expected[rows].std(ddof=1) / len(rows) ** 0.5)


def test_what_h_says_is_kept(images, marginal):
    h = images.float()
    conditional = decoder((1, 4, 4), marginal)
    fitted = fit(conditional, TensorPairs(images, h), FIT)
    chosen, found = allow_ignorance(conditional, fitted, marginal, TensorPairs(images, h), FIT)
    assert fitted.best_step > 0
    assert chosen is conditional
    assert found is fitted
    assert not found.ignores_h
