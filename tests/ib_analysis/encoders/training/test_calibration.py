"""Running statistics of an untrained network."""

import torch
from torch import nn

from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.resnet import ResNet
from ib_analysis.encoders.specs.resnet import ResNetSpec
from ib_analysis.encoders.training.calibration import calibrate


def test_statistics_are_the_mean_over_the_batches():
    network = nn.Sequential(nn.BatchNorm2d(2))
    batches = [torch.randn(6, 2, 3, 3, generator=torch.Generator().manual_seed(i)) * 4 + 7 for i in range(3)]
    calibrate(network, batches)
    expected = torch.stack([x.mean(dim=(0, 2, 3)) for x in batches]).mean(0)
    torch.testing.assert_close(network[0].running_mean, expected)
    assert network[0].momentum == 0.1
    assert not network[0].training


def test_a_calibrated_network_computes_in_evaluation_what_it_computes_in_training():
    image = ImageShape(channels=1, height=8, width=8, levels=256)
    encoder = ResNet(ResNetSpec(blocks=(2, 2), widths=(8, 16)), "classifier", image, 4)
    x = torch.randint(0, 256, (64, 1, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    before = {name: p.clone() for name, p in encoder.named_parameters()}
    calibrate(encoder, [x])
    with torch.no_grad():
        # One batch only: its statistics are the running ones, but for the variance, which is unbiased.
        torch.testing.assert_close(encoder.eval()(x), encoder.train()(x), rtol=0.05, atol=0.02)
    assert all(torch.equal(before[name], p) for name, p in encoder.named_parameters())
