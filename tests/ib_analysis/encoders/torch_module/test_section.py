"""The section of a configuration that names a network of one's own."""

import pytest
import yaml

from ib_analysis.errors import UserError
from ib_analysis.experiment import Experiment, load_experiment

OWN = """
name: own
dataset: {kind: digits}
encoders:
  mine:
    architecture:
      kind: torch_module
      build: my_nets:ResNet
      checkpoints: runs/epoch{epoch}.safetensors
    taps: {stem: maxpool, code: "fc:input"}
    epochs: [0, 10, 90]
decoders: {image_fit: {steps: 4}, label_fit: {steps: 4}}
"""


def own(**changes: object) -> Experiment:
    config = yaml.safe_load(OWN)
    mine = config["encoders"]["mine"]
    for key, value in changes.items():
        (mine["architecture"] if key in ("checkpoints", "build") else mine)[key] = value
    return load_experiment(config)


def test_taps_are_names_of_places_and_no_regime_is_needed():
    measured = own().measured("mine")
    assert measured.taps == ("stem", "code")
    assert [tap.reads for tap in measured.architecture.taps] == ["maxpool", "fc:input"]
    assert list(measured.regimes) == ["fixed"]
    assert own().weight_files("mine", 0) == [f"runs/epoch{e}.safetensors" for e in (0, 10, 90)]


def test_places_that_are_file_names_need_no_other_name():
    measured = own(taps=["maxpool", "layer1.0"]).measured("mine")
    assert [tap.reads for tap in measured.architecture.taps] == list(measured.taps) == ["maxpool", "layer1.0"]


def test_the_order_of_taps_survives_the_slice():
    slice_ = own().train_encoder("mine", "fixed", 0)
    assert [tap["name"] for tap in slice_["architecture"]["spec"]["taps"]] == ["stem", "code"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"taps": ["fc:input"]}, "'fc:input' is no name of a file: give it one, as in {code: 'fc:input'}"),
        ({"taps": {"code": "fc::input"}}, "is no name of a tap"),
        ({"checkpoints": "runs/last.pt"}, "same file for several epochs"),
        ({"seeds": [0, 1]}, "same file for several epochs or seeds"),
        ({"checkpoints": None}, "name the files of weights"),
        ({"checkpoints": "runs/{step}.pt"}, "holds {step}"),
        ({"build": "my_nets.ResNet"}, "write module:name"),
        ({"epochs": [10, 0]}, "rising order"),
        ({"regimes": {"classifier": {"epochs": 90}}}, "no regime 'classifier'"),
    ],
)
def test_a_mistake_is_one_sentence(changes, words):
    with pytest.raises(UserError) as caught:
        own(**changes)
    assert words in str(caught.value)


def test_the_weights_of_several_seeds_lie_in_files_of_their_own():
    run = own(checkpoints="runs/{seed}/{epoch}.pt", seeds=[0, 3])
    assert run.weight_files("mine", 3) == ["runs/3/0.pt", "runs/3/10.pt", "runs/3/90.pt"]


def test_without_files_there_is_epoch_0():
    assert own(checkpoints=None, epochs=[0]).weight_files("mine", 0) == []
