"""Before the fit the mixture has the mean and the deviation of the images, however little they vary."""

import math

import numpy as np
import pytest
import torch

from decoders.pixelcnn_pp.decoder import PixelCNNPP
from decoders.pixelcnn_pp.logistic_mixture import LogisticMixture
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.spec import ImageTarget

SPEC = PixelCNNPPSpec(filters=8, layers=1, mixtures=3, dropout=0.0)


def logistic_images(channels, levels, centre, scale):
    x = np.random.default_rng(0).logistic(centre, scale, (64, channels, 8, 8)).round().clip(0, levels - 1)
    return torch.from_numpy(x.astype(np.uint8))


def entropy_bits(levels, centre, scale):
    """Of one pixel; the levels at both ends own the tails."""
    edges = (np.arange(1, levels) - 0.5 - centre) / scale
    below = 1 / (1 + np.exp(-edges))
    p = np.diff(np.concatenate([[0.0], below, [1.0]]))
    return float(-(p[p > 0] * np.log2(p[p > 0])).sum())


def model_of(images, levels):
    _, channels, height, width = images.shape
    torch.manual_seed(0)
    target = ImageTarget(channels=channels, height=height, width=width, levels=levels)
    model = PixelCNNPP(SPEC, target, None).eval()
    model.initialise(images, None)
    return model


@pytest.mark.parametrize(
    ("channels", "levels", "centre", "scale"), [(1, 256, 127.0, 5.0), (3, 32, 16.0, 2.0)]
)
def test_one_component_alone_is_the_images_own_law(channels, levels, centre, scale):
    x = logistic_images(channels, levels, centre, scale)
    mixture = LogisticMixture(channels, levels, 1)
    outputs = mixture.start(x).centre.float()[None, :, None, None].expand(64, -1, 8, 8)
    bits = -mixture.log_prob(outputs, x).mean().item() / math.log(2) / channels
    assert bits == pytest.approx(entropy_bits(levels, centre, scale), abs=0.03)


@torch.no_grad()
def test_a_network_starts_within_a_bit_and_a_half_of_it():
    x = logistic_images(1, 256, 60.0, 2.0)
    bits = -model_of(x, 256)(None).log_prob(x).mean().item() / math.log(2) / 64
    assert entropy_bits(256, 60.0, 2.0) < bits < entropy_bits(256, 60.0, 2.0) + 1.5


@torch.no_grad()
def test_an_image_that_never_changes_costs_little_and_the_first_that_does_no_fortune():
    still = torch.full((64, 1, 8, 8), 127, dtype=torch.uint8)
    model, other = model_of(still, 256), still.clone()
    other[:, :, 4, 4] = 140
    nats = -model(None).log_prob(still).mean().item()
    assert nats / math.log(2) / 64 < 1.5
    assert -model(None).log_prob(other).max().item() - nats < 300
