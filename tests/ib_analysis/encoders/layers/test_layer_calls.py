"""Which layers run, in which order, and what they read."""

import pytest
import torch
from torch import nn

from ib_analysis.encoders.layers.layer_calls import layer_calls, same_memory
from ib_analysis.encoders.layers.normalisation import Normalise


class Net(nn.Module):
    """Layers that run in another order than they were named in; one of them never runs."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(6, 2)
        self.normalise = Normalise(1, 17)
        self.inner = nn.Sequential(nn.Conv2d(1, 6, 3, groups=1), nn.ReLU())
        self.unused = nn.Conv2d(1, 1, 1)

    def forward(self, x):
        self.h = self.inner(self.normalise(x))
        self.pooled = self.h.mean((2, 3))
        return self.last(self.pooled)


IMAGES = torch.full((2, 1, 5, 4), 16, dtype=torch.uint8)


def test_layers_are_listed_in_the_order_in_which_they_run():
    net = Net()
    calls = layer_calls(net, lambda: net(IMAGES))
    assert [call.name for call in calls] == ["inner.0", "last"]
    assert [call.layer for call in calls] == [net.inner[0], net.last]
    assert [call.weights for call in calls] == [54, 12]
    assert [call.multiplications for call in calls] == [6 * 3 * 2 * 9, 12]
    assert same_memory(calls[1].read, net.pooled)
    assert not same_memory(calls[0].read, net.pooled)


def test_grouped_convolutions_multiply_less():
    conv = nn.Conv2d(4, 6, 3, padding=1, groups=2)
    (call,) = layer_calls(conv, lambda: conv(torch.zeros(1, 4, 5, 5)))
    assert call.multiplications == 6 * 25 * 2 * 9


def test_noise_shows_what_can_be_negative_whatever_the_weights():
    net = Net()
    with torch.no_grad():
        for weight in net.parameters():
            weight.fill_(1.0)
    plain = layer_calls(net, lambda: net(IMAGES))
    assert all((call.read >= 0).all() for call in plain)
    noisy = layer_calls(net, lambda: net(IMAGES), torch.Generator().manual_seed(0))
    assert (noisy[0].read < 0).any()
    assert (noisy[1].read >= 0).all()
    assert (noisy[1].written < 0).any()


def test_hooks_are_gone_afterwards_even_after_a_failure():
    net = Net()
    layer_calls(net, lambda: net(IMAGES), torch.Generator().manual_seed(0))
    with pytest.raises(ZeroDivisionError):
        layer_calls(net, lambda: 1 / 0, torch.Generator().manual_seed(0))
    assert torch.equal(net(IMAGES), net(IMAGES))
    assert not any(module._forward_hooks for module in net.modules())


def test_views_share_memory():
    x = torch.zeros(2, 6)
    assert same_memory(x, x[:, 2:].unsqueeze(0))
    assert not same_memory(x, x.clone())
