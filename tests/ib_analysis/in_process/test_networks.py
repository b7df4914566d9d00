"""Every kind of network that a user may bring is measured, and stays as it was."""

import math

import pytest
import torch

from ib_analysis.in_process.plane import Plane


@pytest.mark.usefixtures("without_pictures")
@pytest.mark.parametrize(
    ("name", "taps"),
    [
        ("ResNet", ["layer1.0.relu@2", "layer1", "fc:input"]),
        ("Vit", ["blocks", "attention[0]", "head"]),
        ("mlp", ["2", "3"]),
        ("Autoencoder", ["encode", "both[image]"]),
        ("in_half", ["maxpool", "fc"]),
        ("compiled", ["layer1", "fc"]),
        ("parallel", ["layer1", "fc"]),
    ],
)
def test_a_network_of_every_kind_is_measured(nets, measure, name, taps):
    model = getattr(nets, name)().train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    plane = measure(model=model, taps=taps)
    assert isinstance(plane, Plane)
    found = {row.tap for row in plane.rows if row.quantity == "I(x;h)"}
    assert len(found) == len(taps)
    assert all(math.isfinite(row.bits) for row in plane.rows)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert all(module.training for module in model.modules())
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
