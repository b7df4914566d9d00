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


def test_a_place_in_a_list_gets_the_name_of_a_file():
    measured = own(taps=["relu@2", "fc:input"]).measured("mine")
    assert measured.taps == ("relu-2", "fc-input")
    assert [tap.reads for tap in measured.architecture.taps] == ["relu@2", "fc:input"]


def test_every_epoch_may_have_a_file_of_any_name():
    files = {0: "first.pt", 10: "then.pt", 90: "last.safetensors"}
    assert own(checkpoints=files).weight_files("mine", 0) == list(files.values())


@pytest.mark.parametrize(
    ("given", "found"),
    [("no", "no"), (False, "no"), (True, "yes"), ("unknown", "unknown"), (None, "unknown")],
)
def test_yes_and_no_are_words_as_yaml_reads_them_too(given, found):
    assert own(seen_by_network=given).seen_by_network("mine") == found


def test_whether_images_were_seen_changes_no_fit_and_every_table():
    runs = [own(seen_by_network=word) for word in ("yes", "no")]
    fits, tables = ([getattr(run, name) for run in runs] for name in ("fit_decoders", "tabulate_information"))
    assert fits[0]("mine", "fixed", 0, 0) == fits[1]("mine", "fixed", 0, 0)
    assert [table()["seen_by_network"]["mine"] for table in tables] == ["yes", "no"]


def test_an_encoder_part_is_needed_to_train_and_labels_to_compare():
    resnet = {"kind": "resnet", "blocks": [1], "widths": [4]}
    trained = {
        "architecture": resnet,
        "regimes": {"classifier": {"epochs": 1}},
        "epochs": [0],
        "taps": ["h1"],
    }
    fits = {"image_fit": {"steps": 1}, "label_fit": {"steps": 1}}
    none = {"encoder": 0.0, "decoder": 0.5, "evaluation": 0.5}
    base = {"name": "a", "encoders": {"net": trained}, "decoders": fits}
    with pytest.raises(UserError, match=r"shares.encoder is 0, and encoders\.net is trained on that part"):
        load_experiment(base | {"dataset": {"kind": "digits", "shares": none}})
    with pytest.raises(UserError, match=r"labels_file is null, and encoders\.net needs labels"):
        load_experiment(base | {"dataset": {"kind": "arrays", "images_file": "x.npy"}})
    with pytest.raises(UserError, match="the workflow trains this network on the encoder part alone"):
        load_experiment(
            base | {"dataset": {"kind": "digits"}, "encoders": {"net": trained | {"seen_by_network": "no"}}}
        )


def test_the_order_of_taps_survives_the_slice():
    slice_ = own().train_encoder("mine", "fixed", 0)
    assert [tap["name"] for tap in slice_["architecture"]["spec"]["taps"]] == ["stem", "code"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"taps": {"a:b": "fc:input"}}, "'a:b' is no name of a file: give it one, as in {code: 'a:b'}"),
        ({"taps": ["fc:input", "fc-input"]}, "taps names 'fc-input' twice"),
        ({"checkpoints": {0: "first.pt", 10: "then.pt"}}, "no file for epoch 90: it has 0, 10"),
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
