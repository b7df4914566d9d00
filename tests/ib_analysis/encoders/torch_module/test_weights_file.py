"""All weights of the network and no others, by name, and no pickle is executed."""

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from ib_analysis.encoders.checkpoint import load_checkpoint, save_checkpoint
from ib_analysis.errors import UserError


@pytest.fixture
def weights(built):
    """Weights of a network that differ from those that `build` gives."""
    state = built("ResNet", "fc").network.state_dict()
    return {k: v + 0.01 if v.is_floating_point() else v for k, v in state.items()}


def prefixed(weights, prefix):
    return {prefix + name: value for name, value in weights.items()}


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "_orig_mod.module.", "module._orig_mod."])
@pytest.mark.parametrize("key", [None, "state_dict", "model_state_dict"])
def test_weights_of_torch_save_are_read_under_every_prefix(built, weights, prefix, key):
    content = prefixed(weights, prefix)
    torch.save(content if key is None else {key: content, "epoch": 3, "optimizer": {"lr": 0.1}}, "w.pt")
    encoder = built("ResNet", "fc")
    encoder.load_weights(Path("w.pt"))
    assert all(torch.equal(v, weights[k]) for k, v in encoder.network.state_dict().items())


def test_weights_of_safetensors_are_read(built, weights, x):
    save_file(weights, "w.safetensors")
    encoder = built("ResNet", "fc")
    before = encoder(x)
    encoder.load_weights(Path("w.safetensors"))
    assert not torch.allclose(before, encoder(x))


def test_weights_of_a_network_in_half_precision_are_read(built):
    weights = built("in_half", "fc").network.state_dict()
    save_file(weights, "w.safetensors")
    built("in_half", "fc").load_weights(Path("w.safetensors"))


class Evil:
    def __reduce__(self):
        return Path.touch, (Path("executed"),)


@pytest.mark.parametrize(
    "save", [torch.save, lambda content, path: Path(path).write_bytes(pickle.dumps(content))]
)
def test_a_file_that_needs_a_pickle_is_refused_and_not_executed(built, weights, save):
    save({"state_dict": weights, "evil": Evil()}, "w.pt")
    with pytest.raises(UserError, match=r"w\.pt: .* needs a pickle.*save model\.state_dict\(\)"):
        built("ResNet", "fc").load_weights(Path("w.pt"))
    assert not Path("executed").exists()


def test_a_whole_network_in_a_pickle_is_refused(built):
    torch.save(built("ResNet", "fc").network, "w.pt")
    with pytest.raises(UserError, match="needs a pickle"):
        built("ResNet", "fc").load_weights(Path("w.pt"))


def test_missing_unexpected_and_misshapen_weights_are_named(built, weights):
    wrong = {**weights, "extra.weight": torch.zeros(1), "fc.weight": torch.zeros(3, 8)}
    del wrong["conv1.weight"]
    save_file(wrong, "w.safetensors")
    with pytest.raises(UserError) as caught:
        built("ResNet", "fc").load_weights(Path("w.safetensors"))
    for words in ("lacks conv1.weight", "has besides extra.weight", "fc.weight (3, 8) for (10, 8)"):
        assert words in str(caught.value)


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt"])
def test_a_truncated_file_is_one_sentence(built, weights, name):
    (save_file if name.endswith("s") else torch.save)(weights, name)
    path = Path(name)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(UserError, match=r"truncated|needs a pickle"):
        built("ResNet", "fc").load_weights(path)


def test_a_missing_file_is_one_sentence(built):
    with pytest.raises(UserError, match=r"gone\.pt is missing"):
        built("ResNet", "fc").load_weights(Path("gone.pt"))


@pytest.mark.parametrize(
    ("network", "taps"), [("ResNet", "layer1 fc"), ("in_half", "fc"), ("Tied", "second")]
)
def test_a_checkpoint_round_trips(built, x, network, taps):
    encoder = built(network, taps)
    for value in encoder.network.parameters():
        value += 0.01
    save_checkpoint(encoder, Path("c.safetensors"), epoch=7, seed=2)
    loaded = load_checkpoint(Path("c.safetensors"))
    assert (loaded.epoch, loaded.seed) == (7, 2)
    assert torch.equal(loaded.encoder(x), encoder(x))


def test_a_tied_weight_may_stand_in_the_file_once(built):
    weights = dict(built("Tied", "second").network.state_dict())
    del weights["second.weight"]
    torch.save(weights, "w.pt")
    built("Tied", "second").load_weights(Path("w.pt"))


def test_a_checkpoint_that_names_another_function_calls_nothing(built):
    encoder = built("ResNet", "fc")
    arguments = {"args": ["touch", "executed"]}
    encoder.spec = encoder.spec.model_copy(update={"build": "subprocess:run", "arguments": arguments})
    save_checkpoint(encoder, Path("c.safetensors"), epoch=0, seed=0)
    with pytest.raises(UserError, match="is neither a subclass"):
        load_checkpoint(Path("c.safetensors"))
    assert not Path("executed").exists()
