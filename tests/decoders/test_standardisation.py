"""h at mean 0 and deviation 1: every scale, units that sleep in the sample, values that no sample held."""

import math

import pytest
import torch

from decoders.errors import ContextError
from decoders.evaluation import nats_per_example
from decoders.fitting import fit
from decoders.pairs import TensorPairs
from decoders.pixelcnn_pp.decoder import PixelCNNPP
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.spec import FitSpec, ImageTarget
from decoders.standardisation import Standardisation


def measured(h: torch.Tensor) -> Standardisation:
    """A standardisation that has seen h."""
    standardise = Standardisation(tuple(h.shape[1:]))
    standardise.measure(h)
    return standardise


def test_every_channel_has_mean_0_and_deviation_1():
    torch.manual_seed(0)
    h = torch.randn(32, 3, 4, 4) * torch.tensor([1e-2, 1.0, 10.0]).view(3, 1, 1) + 7
    h = torch.cat((h, torch.full((32, 1, 4, 4), 3.7), torch.zeros(32, 1, 4, 4)), 1)
    spread, mean = torch.std_mean(measured(h)(h).double(), dim=(0, 2, 3), correction=0)
    assert torch.allclose(mean, torch.zeros_like(mean), atol=1e-2)
    assert torch.allclose(spread[:3], torch.ones(3, dtype=torch.float64), rtol=1e-2)
    assert torch.allclose(spread[3:], torch.zeros(2, dtype=torch.float64), atol=1e-6)


def test_dead_and_constant_units_stay_small_when_they_wake():
    torch.manual_seed(0)
    h = torch.stack([torch.randn(50), torch.full((50,), 7.0), torch.zeros(50)], 1)
    assert measured(h)(torch.tensor([[0.0, 8.0, 0.3]])).abs().max() < 2.0
    constant = measured(torch.ones(50, 3))
    assert torch.equal(constant(torch.ones(2, 3)), torch.zeros(2, 3))


def test_values_that_no_sample_held_grow_as_their_logarithm_and_stay_apart():
    standardise = Standardisation((1,))  # mean 0, deviation 1
    z = torch.tensor([-7000.0, -20.0, 3.0, 19.0, 20.0, 21.0, 7000.0, 7001.0])[:, None]
    found = standardise(z)[:, 0]
    assert torch.equal(found[1:5], z[1:5, 0])
    assert found[6].item() == pytest.approx(20 + math.log(6981), rel=1e-6)
    assert found[0] == -found[6]
    assert (found.diff() > 0).all()


def test_another_shape_is_refused():
    with pytest.raises(ContextError, match="built for"):
        Standardisation((3,))(torch.zeros(2, 4))


def test_a_unit_that_wakes_on_one_image_does_not_cost_a_decoder_thousands_of_nats():
    # One image in 512 switches the last unit on, a little; a new image switches it on a thousand times livelier, and
    # a decoder that reads it linearly answers with nonsense.
    torch.manual_seed(0)
    h = torch.randn(512, 4).relu()
    h[:, 3] = 0.0
    h[0, 3] = 0.1
    x = (16 * (h[:, :1, None, None] > 0.3) + torch.randint(3, (512, 1, 4, 4))).clamp(max=16)
    spec = PixelCNNPPSpec(filters=8, layers=1, mixtures=2, context_filters=16, context_layers=1)
    decoder = PixelCNNPP(spec, ImageTarget(channels=1, height=4, width=4, levels=17), (4,))
    fit(decoder, TensorPairs(x, h), FitSpec(steps=60, batch_size=64, learning_rate=0.01, evaluate_every=60))
    row = torch.tensor([[0.5, 0.5, 0.5, 0.0], [0.5, 0.5, 0.5, 100.0]])
    nats = nats_per_example(decoder, TensorPairs(x[h[:, 0] > 0.3][:1].expand(2, -1, -1, -1), row), "cpu", 2)
    assert nats[1] < nats[0] + 1000  # 900,000 where it reads the value itself
