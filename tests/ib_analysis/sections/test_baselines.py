"""Baseline estimators and validation cases by name: what the configuration knows without importing them."""

from dataclasses import fields

import pytest

from ib_analysis.channels.case_table import CASES, EVERY_CASE, FRESH_CASES
from ib_analysis.errors import UserError
from ib_analysis.experiment import load_experiment
from ib_analysis.information.estimators.catalogue import ESTIMATORS, estimator, estimator_class
from ib_analysis.sections.baselines import BaselinesSpec
from ib_analysis.sections.validation import ValidationSpec

FIT = {"steps": 10}
VALIDATION = {"decoder": {}, "pretrained_fit": FIT, "image_fit": FIT, "label_fit": FIT}


@pytest.mark.parametrize("target", ["image", "label"])
def test_every_default_method_is_built_with_its_default_settings(target):
    for name, settings in getattr(BaselinesSpec(), target).items():
        assert estimator(name, **settings).name == name


def test_the_default_methods_of_a_target_are_those_that_the_table_lists_for_it():
    for target in ("image", "label"):
        assert set(getattr(BaselinesSpec(), target)) == {
            n for n, e in ESTIMATORS.items() if target in e.targets
        }
    assert "ross" not in BaselinesSpec().image
    assert "ksg" not in BaselinesSpec().label


def test_the_settings_that_the_configuration_knows_are_those_of_each_method():
    for name, listed in ESTIMATORS.items():
        assert tuple(field.name for field in fields(estimator_class(name))) == listed.settings, name


@pytest.mark.parametrize(
    ("methods", "sentence"),
    [
        ({"ksg": {"neighbours": 3}}, "ksg has no setting 'neighbours': its settings are k, splits, seed"),
        ({"counting": {"bins": 3}}, "counting has no setting 'bins': it has no settings"),
    ],
)
def test_an_unknown_setting_is_refused_before_any_work(methods, sentence):
    with pytest.raises(ValueError, match=sentence):
        BaselinesSpec(image=methods)
    with pytest.raises(ValueError, match=sentence):
        ValidationSpec(baselines=methods, **VALIDATION)


def test_a_slice_names_the_code_of_every_method_so_that_an_edit_is_noticed():
    found = BaselinesSpec().by_implementation()
    assert found["image"]["ksg"] == {
        "implementation": "ib_analysis.information.estimators.ksg:KSG",
        "spec": {},
    }
    assert found["image"]["gaussian"]["spec"] == {"shrinkage": None}


def test_an_unknown_case_or_method_is_refused_before_any_work():
    with pytest.raises(ValueError, match="there is no case 'markov'; there are still-8-identity"):
        ValidationSpec(cases=("markov",), **VALIDATION)
    with pytest.raises(ValueError, match=r"no estimator 'kgs' \(did you mean ksg\?\)"):
        BaselinesSpec(image={"kgs": {}})


def test_a_case_gets_its_slice():
    spec = ValidationSpec(cases=("markov-8-rows1",), **VALIDATION)
    assert spec.chosen == ("markov-8-rows1",)
    assert [part["implementation"] for part in spec.of_case("markov-rgb-8-rows4-rotated")["made_of"]] == [
        "ib_analysis.channels.invertible:Invertible",
        "ib_analysis.channels.kept_rows:KeptRows",
        "ib_analysis.datasets.raster_markov:RasterMarkov",
    ]
    assert spec.of_case("markov-8-rows1")["baselines"]["binning"]["spec"] == {}
    assert ValidationSpec(**VALIDATION).chosen == tuple(CASES)


def test_fresh_cases_are_judged_and_calibrate_none():
    known, fresh = ValidationSpec(**VALIDATION), ValidationSpec(fresh=True, **VALIDATION)
    assert known.judged == known.calibrating == fresh.calibrating == tuple(CASES)
    assert fresh.judged == tuple(FRESH_CASES)
    assert set(fresh.chosen) == set(EVERY_CASE)
    few = ValidationSpec(cases=("markov-8-rows1",), fresh=True, **VALIDATION)
    assert (few.judged, few.calibrating) == (tuple(FRESH_CASES), ("markov-8-rows1",))
    assert [part["implementation"] for part in fresh.of_case("tiles-8-erasure")["made_of"]] == [
        "ib_analysis.channels.erasure:Erasure",
        "ib_analysis.datasets.tiles:Tiles",
    ]
    with pytest.raises(ValueError, match="there is no case 'tiles-8-erasure'"):
        ValidationSpec(cases=("tiles-8-erasure",), **VALIDATION)


def chained(**fits):
    return load_experiment(
        {
            "name": "small",
            "dataset": {"kind": "digits"},
            "encoders": {
                "net": {
                    "architecture": {"kind": "resnet", "blocks": [1], "widths": [8], "bottleneck": 4},
                    "regimes": {"classifier": {"epochs": 4}},
                    "epochs": [0, 2, 4],
                    "taps": ["h1"],
                }
            },
            "decoders": {"image_fit": {"steps": 100}, "label_fit": {"steps": 30}, **fits},
        }
    )


def test_every_epoch_but_the_last_is_fitted_from_its_neighbour():
    run = chained(neighbour_fit={"steps": 40, "patience": 3, "pretrained_rate": 1.0})
    steps = [run.fit_decoders("net", "classifier", 0, epoch)["image_fit"]["steps"] for epoch in (0, 2, 4)]
    assert steps == [40, 40, 100]
    assert [run.next_epoch("net", epoch) for epoch in (0, 2, 4)] == [2, 4, None]


def test_a_fit_that_starts_from_another_is_judged_on_images_that_neither_has_seen():
    with pytest.raises(
        UserError, match="image_fit: its holdout must not be smaller than that of the fits that"
    ):
        chained(neighbour_fit={"steps": 40, "holdout": 0.3})
    with pytest.raises(UserError, match="pretrained_fit: its holdout must not be smaller"):
        chained(pretrained_fit={"steps": 40, "holdout": 0.05})


def test_the_fits_of_validation_hold_out_the_same_images():
    later = VALIDATION["image_fit"] | {"holdout": 0.3}
    with pytest.raises(ValueError, match="pretrained_fit: its holdout must not be smaller"):
        ValidationSpec(**(VALIDATION | {"image_fit": later}))
