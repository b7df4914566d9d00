"""The digest of a network that is only an object: what h depends on changes it, and nothing else does."""

import copy

import pytest
import torch
from torch import nn

from ib_analysis.encoders.torch_module.build import build_network
from ib_analysis.encoders.torch_module.objects import copied_network, digest_of_network, offered
from ib_analysis.errors import UserError

SOURCE = """
import torch
from torch import nn

def helper(x):
    return x + {number}

class Net(nn.Module):
    scale = 2.0

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 2)
        self.power = {power}

    def forward(self, x):
        return helper(self.fc(x.flatten(1))) ** self.power
"""


def defined(number: int = 1, power: int = 1, text: str = SOURCE) -> nn.Module:
    """The network as at a prompt, where classes have no file."""
    scope: dict = {"__name__": "prompt"}
    exec(text.format(number=number, power=power), scope)
    torch.manual_seed(0)
    return scope["Net"]()


def test_the_same_network_has_the_same_digest():
    assert digest_of_network(defined()) == digest_of_network(defined())
    assert digest_of_network(defined()) == digest_of_network(defined().train(False))


@pytest.mark.parametrize(
    "other",
    [
        defined(number=2),
        defined(power=2),
        defined(text=SOURCE.replace("x.flatten(1)", "-x.flatten(1)")),
    ],
    ids=["a function that the class calls", "a setting", "the forward pass"],
)
def test_code_and_settings_change_the_digest(other):
    assert digest_of_network(other) != digest_of_network(defined())


def test_a_weight_and_a_buffer_change_the_digest(network):
    before = digest_of_network(network)
    for name in ("fc.bias", "bn1.running_mean"):
        other = copy.deepcopy(network)
        with torch.no_grad():
            other.state_dict()[name][0] += 1
        assert digest_of_network(other) != before


def test_where_files_take_the_place_of_weights_only_what_they_do_not_hold_counts(nets):
    first, second = nets.ResNet(), nets.ResNet()
    assert digest_of_network(first) != digest_of_network(second)
    digests = [digest_of_network(net, weights_count=False) for net in (first, second)]
    assert digests[0] == digests[1]
    second.register_buffer("scale", torch.ones(2), persistent=False)
    first.register_buffer("scale", torch.zeros(2), persistent=False)
    assert len({digest_of_network(net, weights_count=False) for net in (first, second)} | {digests[0]}) == 3


def test_only_a_running_analysis_offers_it(network):
    with offered(copied_network(network), weights_count=True) as build:
        taken = build_network(build, {})
        assert taken is not network
        assert not taken.training
    with pytest.raises(UserError, match="only `analyse` has it: call it again"):
        build_network(build, {})


def test_what_cannot_be_copied_is_one_sentence():
    net = nn.Linear(2, 2)
    net.held = (entry for entry in ())
    with pytest.raises(UserError, match=r"Linear cannot be copied by copy.deepcopy \(TypeError"):
        copied_network(net)


def test_a_scripted_module_is_refused(measure):
    with pytest.raises(UserError, match="takes no hooks: give the Python class itself"):
        measure(model=torch.jit.script(nn.Linear(2, 2)))
