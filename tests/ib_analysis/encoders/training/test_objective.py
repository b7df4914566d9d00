"""Losses and metrics against literal ones."""

import pytest
import torch

from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.resnet import ResNet
from ib_analysis.encoders.specs.resnet import ResNetSpec
from ib_analysis.encoders.training.objective import loss, measure

IMAGE = ImageShape(channels=1, height=8, width=8, levels=5)


def network(regime):
    return ResNet(ResNetSpec(blocks=(1,), widths=(8,)), regime, IMAGE, 3)


def batches():
    x = torch.randint(0, 5, (10, 1, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    y = torch.arange(10) % 3
    return x, y, [(x[:4], y[:4]), (x[4:], y[4:])]


def test_uniform_logits_cost_the_entropy_of_the_classes():
    x, y, _ = batches()
    value = loss(network("classifier"), torch.zeros(10, 3), x, y)
    assert value.item() == pytest.approx(torch.log(torch.tensor(3.0)).item())


def test_the_right_image_costs_nothing_and_grey_costs_its_distance():
    x, y, _ = batches()
    encoder = network("autoencoder")
    assert loss(encoder, x.double() / 4, x, y).item() == 0
    grey = loss(encoder, torch.full(x.shape, 0.5), x, y).item()
    assert grey == pytest.approx(((x.double() / 4 - 0.5) ** 2).mean().item())


@pytest.mark.parametrize("regime", ["classifier", "autoencoder"])
def test_a_measurement_weighs_unequal_batches_by_their_images(regime):
    x, y, uneven = batches()
    encoder = network(regime)
    apart, whole = measure(encoder, uneven), measure(encoder, [(x, y)])
    assert apart.loss == pytest.approx(whole.loss, rel=1e-5)
    assert apart.metric == pytest.approx(whole.metric, rel=1e-5)
    if regime == "classifier":
        right = sum(int(encoder(x[i : i + 1]).argmax() == y[i]) for i in range(10))
        assert whole.metric == right / 10
