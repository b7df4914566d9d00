"""A control is a variant of the experiment: one setting changed, nothing else."""

import pytest

from ib_analysis.errors import UserError
from ib_analysis.experiment import load_experiment

CONTROLS = {
    "shuffled": True, "identity": True, "half_data": True, "filters": [8], "budgets": [0.5], "decoder_seeds": [3],
}  # fmt: skip
CONFIG = {
    "name": "small",
    "dataset": {"kind": "digits"},
    "encoders": {
        "net": {
            "architecture": {"kind": "resnet", "blocks": [1], "widths": [8], "bottleneck": 4},
            "regimes": {"classifier": {"epochs": 4}},
            "epochs": [0, 2, 4],
            "taps": ["h1", "pooled"],
        }
    },
    "decoders": {"image_fit": {"steps": 100}, "pretrained_fit": {"steps": 50}, "label_fit": {"steps": 30}},
    "controls": CONTROLS,
}
SLICE = ("net", "classifier", 0, 4)


def experiment(**controls):
    return load_experiment(CONFIG | {"controls": CONTROLS | controls})


def test_every_control_has_its_name():
    names = ["shuffled", "half-data", "filters-8", "budget-0.5", "decoder-seed-3"]
    assert list(experiment().controlled) == names
    assert load_experiment({k: v for k, v in CONFIG.items() if k != "controls"}).controlled == {}


@pytest.mark.parametrize(
    ("control", "changed"),
    [
        ("shuffled", {"pairing"}),
        ("half-data", {"share"}),
        ("filters-8", {"image"}),
        ("budget-0.5", {"image_fit", "label_fit"}),
        ("decoder-seed-3", {"image_fit", "label_fit"}),
    ],
)
def test_a_control_changes_one_setting_of_the_fit_and_nothing_else(control, changed):
    run = experiment()
    own, other = run.fit_decoders(*SLICE), run.with_variant(control).fit_decoders(*SLICE)
    assert {key for key in own if own[key] != other[key]} == changed | {"variant"}


def test_the_pretrained_decoder_goes_with_the_control():
    run = experiment()
    assert run.with_variant("budget-0.5").fit_pretrained()["fit"]["steps"] == 25
    assert run.with_variant("half-data").fit_marginal()["share"] == 0.5
    assert run.with_variant("half-data").fit_marginal()["variant"] == "half-data"


def test_h_shuffled_is_compared_with_the_p_of_x_of_the_measurement():
    variants = experiment().variants
    assert variants["shuffled"].marginal == variants["measurement"]
    assert variants["half-data"].marginal == variants["half-data"]


def test_the_measurement_is_a_variant_that_changes_nothing():
    run = experiment()
    assert run.with_variant("measurement") == run
    assert next(iter(run.variants)) == "measurement"


def test_a_control_and_the_tests_of_consistency_share_the_decoders_of_a_seed():
    run = load_experiment(CONFIG | {"consistency": {"seeds": [0, 3, 4]}})
    assert [run.variant_of_seed(seed).name for seed in (0, 3)] == ["measurement", "decoder-seed-3"]
    assert list(run.variants).count("decoder-seed-3") == 1
    assert "decoder-seed-4" not in run.controlled
    fits = {name: run.with_variant(name).fit_marginal()["fit"]["seed"] for name in run.variants}
    assert (fits["measurement"], fits["decoder-seed-3"], fits["decoder-seed-4"]) == (0, 3, 4)


def test_controls_are_run_at_the_first_and_last_checkpoint_unless_told_otherwise():
    assert experiment().with_variant("shuffled").measured("net").epochs == (0, 4)
    chosen = experiment(epochs=[2], taps=["pooled"]).with_variant("shuffled").measured("net")
    assert (chosen.epochs, chosen.taps) == ((2,), ("pooled",))


def test_the_identity_is_a_run_of_its_own():
    run = experiment()
    assert [r.encoder for r in run.identity_networks] == ["identity"]
    assert run.measured("identity").taps == ("image",)
    assert experiment(identity=False).identity_networks == []


@pytest.mark.parametrize(
    ("controls", "sentence"),
    [
        ({"epochs": [3]}, "controls.epochs: 3 is not measured; measured are 0, 2, 4"),
        ({"taps": ["h9"]}, "controls.taps: 'h9' is not measured; measured are h1, pooled"),
        ({"decoder_seeds": [0]}, "controls.decoder_seeds: 0 is what the measurement itself has"),
        ({"budgets": [0.5, 1.0]}, "controls.budgets: 1.0 is what the measurement itself has"),
        ({"filters": [8, 8]}, "controls: filters-8 is asked for twice"),
        (
            dict.fromkeys(CONTROLS, ()) | {"shuffled": False, "identity": False, "half_data": False},
            "nothing is asked",
        ),
    ],
)
def test_what_is_not_measured_cannot_be_controlled(controls, sentence):
    with pytest.raises(UserError, match=sentence):
        experiment(**controls)


@pytest.mark.parametrize(
    ("name", "owner"), [("identity", "the control"), ("marginal", "a decoder"), ("pretrained", "a decoder")]
)
def test_names_that_are_taken(name, owner):
    taken = CONFIG | {"encoders": {name: CONFIG["encoders"]["net"]}}
    with pytest.raises(UserError, match=f"belongs to {owner}"):
        load_experiment(taken)


def test_a_seed_of_many_digits_keeps_them_in_its_name():
    assert list(experiment(decoder_seeds=[20240101, 20240102]).controlled)[-2:] == [
        "decoder-seed-20240101",
        "decoder-seed-20240102",
    ]
