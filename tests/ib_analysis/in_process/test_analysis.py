"""analyse gives a table, a figure and a page; it goes on after an interruption, and refuses what does not hold."""

import json

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from safetensors.torch import load_file, save_file

from ib_analysis import Preprocess, describe_taps
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.encoders.checkpoint import load_checkpoint
from ib_analysis.errors import UserError
from ib_analysis.in_process import run
from ib_analysis.information.measurement.own_images import read_own_images
from ib_analysis.units import bits


def test_the_plane_has_a_table_a_figure_and_a_page(measure, capsys):
    plane = measure(seen_by_network="yes")
    assert isinstance(plane.figure(), Figure)
    page = plane.report().read_text()
    said = "These numbers are of images that the network has learned on"
    assert said in plane.table()
    assert page.count(said) >= 3  # below the finding, in the limitations, and below the table of points
    assert "The taps see all 8 x 8 pixels." in page
    assert repr(plane.table()) == str(plane.table())
    rows = [row for row in plane.rows if row.tap]
    assert {row.seen_by_network for row in rows} == {"yes"}
    assert {row.tap for row in rows} == {"maxpool", "fc-input"}
    captured = capsys.readouterr()
    assert (
        "maxpool: h of 64 values (4 x 4 x 4)" in captured.out
    )  # what a decoder costs is said before it is fitted
    assert "1 of 13" in captured.err
    assert "left: measurement/fit_marginal" in captured.err
    assert "step/s" not in captured.err
    assert "step/s" in (plane.folder / "logs/measurement/fit_marginal.log").read_text()


@pytest.mark.usefixtures("without_pictures")
def test_each_epoch_has_the_weights_of_its_file(measure, nets, ran, network, tmp_path):
    files = {}
    for epoch, shift in ((0, 0.0), (90, 0.5)):
        state = {key: v + shift if v.is_floating_point() else v for key, v in network.state_dict().items()}
        files[epoch] = tmp_path / f"e{epoch}.safetensors"
        save_file(state, files[epoch])
    wanted = Preprocess(mean=(0.49, 0.48, 0.45), std=(0.25, 0.24, 0.26), resize=None)
    plane = measure(taps=["maxpool"], checkpoints=files, preprocess=wanted)
    assert sorted({row.epoch for row in plane.rows if row.tap}) == [0, 90]
    (folder,) = (plane.folder / "encoders").glob("*/fixed/seed0")
    first, last = (load_file(folder / f"epoch-{epoch}.safetensors") for epoch in files)
    shift = last["network.conv1.weight"] - first["network.conv1.weight"]
    assert torch.allclose(shift, torch.tensor(0.5))
    ran.clear()
    measure(model=nets.ResNet(), taps=["maxpool"], checkpoints=files, preprocess=wanted)
    assert ran == []  # a script builds the network with other weights each time; those of the files count
    with pytest.raises(
        UserError, match=r"^build object:ResNet-.* was an object, so that only `analyse` has it"
    ):
        load_checkpoint(folder / "epoch-0.safetensors")


@pytest.mark.usefixtures("without_pictures")
def test_a_second_call_goes_on_where_the_first_was_interrupted(measure, ran, tmp_path, monkeypatch):
    whole = measure(out=tmp_path / "whole").rows
    every = [*ran]
    ran.clear()
    noting = run._run

    def interrupted(task, *settings):
        if task.stage == "mix_marginal":
            raise KeyboardInterrupt
        noting(task, *settings)

    monkeypatch.setattr(run, "_run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        measure()
    monkeypatch.setattr(run, "_run", noting)
    first = [*ran]
    ran.clear()
    assert measure().rows == whole
    assert first + ran == every
    assert first
    assert ran


@pytest.mark.usefixtures("without_pictures")
def test_what_is_there_is_not_made_again_and_what_changed_is(measure, ran, network, labels):
    plane = measure()
    ran.clear()
    before = plane.rows
    assert measure().rows == before
    assert ran == []
    (damaged,) = plane.folder.glob("measurement/decoders/*/fixed/seed0/epoch0/maxpool.image.safetensors")
    damaged.write_bytes(damaged.read_bytes()[:-1])
    assert measure().rows == before
    assert ran[0].startswith("measurement/fit_decoders")
    assert not any(name.startswith(("train_encoder", "prepare")) for name in ran)
    ran.clear()
    measure(seeds=(0, 1))
    assert "decoder-seed-1/fit_marginal" in ran
    assert "measurement/fit_marginal" not in ran
    ran.clear()
    other = torch.nn.Module.state_dict(network)
    measure(model=_shifted(network))
    assert ran[0].startswith("train_encoder")
    assert torch.equal(network.state_dict()["fc.bias"], other["fc.bias"])
    ran.clear()
    measure(labels=(labels + 1) % 3)
    assert ran[0] == "prepare_dataset"


def _shifted(network):
    from copy import deepcopy

    shifted = deepcopy(network)
    with torch.no_grad():
        shifted.conv1.weight += 0.1
    return shifted


@pytest.mark.usefixtures("without_pictures")
def test_taps_may_stand_in_any_order_and_callers_settings_stay(measure):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with torch.inference_mode():
        plane = measure(taps=["fc:input", "maxpool"])
        assert torch.is_inference_mode_enabled()
    assert torch.equal(torch.rand(3), expected)
    taps = list(dict.fromkeys(row.tap for row in plane.rows if row.tap))
    assert taps == ["maxpool", "fc-input"]


def test_without_labels_there_is_information_about_the_image_alone(measure):
    plane = measure(labels=None)
    assert {str(row.quantity) for row in plane.rows} == {"CE(x)", "CE(x|h)", "I(x;h)"}
    assert isinstance(plane.figure(), Figure)
    assert plane.report().exists()


@pytest.mark.usefixtures("without_pictures")
def test_images_that_were_learned_on_stand_beside_the_others(measure, images):
    learned = np.arange(0, 48, 2)
    plane = measure(training_indices=learned, taps=["fc:input"])
    data = open_dataset(plane.folder / "dataset")
    assert {*map(bytes, data.encoder.images)} == {*map(bytes, images[learned])}
    (file,) = plane.folder.glob("measurement/nats_on_own_images/*/fixed/seed0.npz")
    own = read_own_images(file)
    (nats,) = own.of_target("image").values()
    rows = {str(row.quantity): row for row in plane.learned}
    assert set(rows) == {"I(x;h)", "I(y;h)"}
    assert rows["I(x;h)"].learned_bits == pytest.approx(bits((own.marginal - nats).mean()))
    (whole,) = (row for row in plane.rows if row.quantity == "I(y;h)")
    assert rows["I(y;h)"].other_bits == pytest.approx(whole.bits)  # labels have no mixture
    for row in rows.values():
        assert (row.n_learned, row.n_other) == (24, 6)
        assert row.difference_bits == pytest.approx(row.learned_bits - row.other_bits)
        assert row.learned_low_bits < row.learned_bits < row.learned_high_bits
    assert "learned images" in plane.table()
    assert "The network has not learned on these images" in plane.table()  # the table of the others


def test_a_folder_of_something_else_is_left_alone(measure, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="holds files of something else: name a new folder"):
        measure(out=tmp_path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "resnet18"}, "model is a str: give a torch.nn.Module"),
        (
            {"taps": ["layer9"]},
            r"no module layer9; the nearest are layer\d, .*describe_taps\(model, \(3, 8, 8\)\)",
        ),
        ({"taps": ["layer1.0.relu"]}, "is called 2 times, name one of them: layer1.0.relu@1"),
        ({"taps": ["never"]}, "the forward pass never calls never"),
        ({"taps": []}, "taps is empty"),
        ({"preset": "fast"}, "preset 'fast' is none of quick, standard, careful"),
        ({"seen_by_network": "maybe"}, "'maybe' is none of yes, no, unknown"),
        ({"seen_by_network": "no", "training_indices": [1, 2]}, "leave one out"),
        ({"training_indices": [1, 99]}, "stands twice, or is none of 0..47"),
        (
            {"training_indices": np.arange(48)},
            "all of the 48 images were learned on: say seen_by_network: yes",
        ),
        ({"settings": {"controls": {}}}, "'controls' is none of decoders, calibration, samples"),
        ({"evaluation_share": 1.5}, "must lie between 0 and 1"),
        ({"seeds": ()}, "decoders.seeds: it is empty"),
        ({"labels": np.zeros(48)}, "labels are float64"),
        ({"labels": np.zeros(48, int)}, "all labels are the same"),
        ({"checkpoints": {0: "nowhere.pt"}}, "nowhere.pt is missing"),
    ],
)
def test_a_mistake_is_one_sentence_before_anything_is_fitted(measure, tmp_path, changes, words):
    with pytest.raises(UserError, match=words):
        measure(**changes)
    assert not [*tmp_path.glob("results/mine/*/decoders")]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x: x / 255, r"images are float64: give uint8 levels, as in \(255 \* images\)"),
        (lambda x: x[:, 0], r"a grey image needs a channel too, as in images\[:, None\]"),
        (lambda x: x.transpose(0, 2, 3, 1), r"channels last: give images.transpose\(0, 3, 1, 2\)"),
        (lambda x: x[:0], "there are no images"),
        (lambda x: torch.from_numpy(x).float(), "images are float32"),
    ],
)
def test_images_of_another_kind_are_refused_with_the_way_to_make_them_right(measure, images, change, words):
    with pytest.raises(UserError, match=words):
        measure(images=change(images))


def test_levels_bound_the_pixels(measure):
    with pytest.raises(UserError, match=r"a pixel has the value \d+, and levels is 17: raise levels"):
        measure(levels=17)


def test_the_places_of_an_object_are_listed(network):
    table = describe_taps(network, (3, 8, 8))
    assert "layer1.0.relu@2" in table
    assert "never called" in table


@pytest.mark.usefixtures("without_pictures")
def test_from_standard_on_codes_that_so_many_images_allow_calibrate_the_intervals(measure, images, labels):
    many = np.concatenate([images + shift for shift in range(5)])
    plane = measure(images=many, labels=np.tile(labels, 5), taps=["fc:input"], preset="standard")
    intervals = {str(row.quantity): row.interval for row in plane.rows if row.tap}
    assert intervals["I(x;h)"] == intervals["I(y;h)"] == "calibrated"
    experiment = json.loads((plane.folder / "analysis.json").read_text())["experiment"]
    assert experiment["calibration"]["k_means"] == [
        2,
        16,
    ]  # of 180 images 64 classes have too few each
