"""h is what the network computes at that place, and a name that does not lead to one h is refused."""

import pytest
import torch

from ib_analysis.errors import UserError


def shapes(encoder) -> list[tuple[int, ...]]:
    return [tap.shape for tap in encoder.taps]


@pytest.mark.parametrize(
    ("network", "taps", "expected"),
    [
        ("ResNet", "maxpool layer1 layer2 fc:input fc", [(4, 4, 4), (4, 4, 4), (8, 2, 2), (8,), (10,)]),
        ("Vit", "patches blocks attention[0] head", [(8, 2, 2), (8, 1, 5), (8, 1, 5), (10,)]),
        ("Vit", "blocks.layers.0.linear1 blocks.layers.1", [(16, 1, 5), (8, 1, 5)]),
        ("mlp", "1 2 3", [(5,), (5,), (10,)]),
        ("Autoencoder", "encode both:input[image] both[code]", [(6,), (192,), (6,)]),
        ("in_half", "layer1 fc", [(4, 4, 4), (10,)]),
        ("compiled", "layer1 fc", [(4, 4, 4), (10,)]),
        ("parallel", "layer1 fc", [(4, 4, 4), (10,)]),
    ],
)
def test_taps_of_every_kind_of_network(built, x, network, taps, expected):
    encoder = built(network, taps)
    assert shapes(encoder) == expected
    h = encoder.activations(x, [tap.name for tap in encoder.taps])
    assert [tuple(value.shape) for value in h.values()] == [(6, *shape) for shape in expected]
    assert all(value.dtype == torch.float32 and value.is_contiguous() for value in h.values())
    encoder.verify(x)


def test_h_is_copied_before_a_later_module_works_in_place(built, x):
    encoder = built("InPlaceBehind", "conv relu fail")
    h = encoder.activations(x, ["t0", "t1", "t2"])
    assert torch.allclose(h["t0"], encoder.network.conv(encoder.preprocess(x)), atol=1e-6)
    assert (h["t0"] < 0).any()
    assert torch.equal(h["t1"], h["t0"].clamp(min=0))


def test_h_carries_no_graph(built, x):
    encoder = built("InPlaceBehind", "conv")
    encoder.network.requires_grad_(True)
    assert not encoder.activations(x, ["t0"])["t0"].requires_grad


def test_tokens_are_maps_of_one_row(built, x):
    encoder = built("Vit", "blocks")
    tokens = encoder.network.patches(encoder.preprocess(x)).flatten(2).transpose(1, 2)
    tokens = encoder.network.blocks(torch.cat([encoder.network.token.expand(6, -1, -1), tokens], 1))
    h = encoder.activations(x, ["t0"])["t0"]
    assert torch.allclose(h[:, :, 0].transpose(1, 2), tokens, atol=1e-5)


def test_the_pass_ends_behind_the_deepest_tap_and_leaves_no_hook(built, x):
    encoder = built("InPlaceBehind", "conv relu")
    counter = type(encoder.network.fail)
    before = counter.calls
    encoder.activations(x, ["t0", "t1"])
    assert counter.calls == before
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in encoder.network.modules())


def test_hooks_come_off_when_the_pass_fails(built, x):
    encoder = built("InPlaceBehind", "conv fail")
    with pytest.raises(
        UserError, match=r"forward pass of InPlaceBehind fails on a batch of shape \(6, 3, 8\)"
    ):
        encoder.reader.read(torch.zeros(6, 3, 8), ["t1"])
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in encoder.network.modules())


def test_the_calls_of_one_module_are_told_apart(built, x):
    encoder = built("ResNet", "layer1.0.relu@1 layer1.0.conv2:input layer1.0.relu@2 layer1")
    h = encoder.activations(x, ["t0", "t1", "t2", "t3"])
    assert torch.equal(h["t0"], h["t1"])
    assert torch.equal(h["t2"], h["t3"])
    assert not torch.equal(h["t0"], h["t2"])
    first = encoder.activations(x, ["t0"])["t0"]
    assert torch.equal(first, h["t0"])


def test_the_input_of_a_module_is_read_before_the_module_runs(built, x):
    h = built("InPlaceBehind", "conv relu:input").activations(x, ["t0", "t1"])
    assert torch.equal(h["t0"], h["t1"])


@pytest.mark.parametrize(
    ("network", "place", "words"),
    [
        (
            "ResNet",
            "layer3",
            [
                "no module layer3",
                "layer1",
                "layer2",
                "python -m ib_analysis taps my_nets:ResNet --shape 3x8x8",
            ],
        ),
        (
            "ResNet",
            "layer2.0.relu",
            ["called 2 times", "layer2.0.relu@1 gives n x 8 x 2 x 2", "layer2.0.relu@2"],
        ),
        ("ResNet", "fc@2", ["fc is called 1 times"]),
        ("ResNet", "never", ["never calls never"]),
        ("Odd", "members", ["ModuleList is not called itself"]),
        ("Vit", "attention", ["attention[0]", "attention[1]"]),
        ("Vit", "attention:input", ["attention:input[0]", "attention:input[2]"]),
        ("Vit", "attention[3]", ["no item [3]", "0, 1"]),
        ("Autoencoder", "both", ["both[code]", "both[image]"]),
        ("Odd", "spectrum", ["tap spectrum", "complex64"]),
        ("Odd", "levels", ["tap levels", "int64"]),
        ("Odd", "turned", ["tap turned", "does not begin with the batch"]),
        ("Odd", "five", ["tap five", "5 axes"]),
    ],
)
def test_a_name_that_leads_to_no_h_is_one_sentence(built, network, place, words):
    with pytest.raises(UserError) as caught:
        built(network, place)
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert "\n" not in str(caught.value)


def test_taps_are_declared_in_network_order(built):
    with pytest.raises(UserError, match="another order: write t1, t0"):
        built("ResNet", "fc layer1")


@pytest.mark.parametrize("place", ["", "a b:output", "relu@0", "fc:input@2", "fc[]"])
def test_a_text_that_is_no_name_is_refused(built, place):
    with pytest.raises(ValueError, match="is no name of a tap"):
        built("ResNet", {"t": place})
