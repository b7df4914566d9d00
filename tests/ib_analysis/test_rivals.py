"""Rival estimators and validation cases by name: what the configuration knows without importing them."""

from dataclasses import fields

import pytest

from ib_analysis.channels.cases import validation_cases
from ib_analysis.config import load_experiment
from ib_analysis.errors import UserError
from ib_analysis.information.estimators.catalogue import estimator, estimator_class
from ib_analysis.rivals import IMPLEMENTATIONS, OF_IMAGE, OF_LABEL, SETTINGS, RivalsSpec
from ib_analysis.validation import CASES, ValidationSpec

FIT = {"steps": 10}
VALIDATION = {"decoder": {}, "trunk_fit": FIT, "image_fit": FIT, "label_fit": FIT}


def test_the_names_of_the_cases_are_those_that_there_are():
    assert [case.name for case in validation_cases()] == list(CASES)


@pytest.mark.parametrize("target", ["image", "label"])
def test_every_default_method_is_built_with_its_default_settings(target):
    for name, settings in getattr(RivalsSpec(), target).items():
        assert estimator(name, **settings).name == name
    assert set(OF_IMAGE) & set(OF_LABEL)


def test_the_settings_that_the_configuration_knows_are_those_of_each_method():
    has = {name: tuple(field.name for field in fields(estimator_class(name))) for name in IMPLEMENTATIONS}
    assert has == SETTINGS


@pytest.mark.parametrize(
    ("methods", "sentence"),
    [
        ({"ksg": {"neighbours": 3}}, "ksg has no setting 'neighbours': its settings are k, splits, seed"),
        ({"counting": {"bins": 3}}, "counting has no setting 'bins': it has no settings"),
    ],
)
def test_an_unknown_setting_is_refused_before_any_work(methods, sentence):
    with pytest.raises(ValueError, match=sentence):
        RivalsSpec(image=methods)
    with pytest.raises(ValueError, match=sentence):
        ValidationSpec(rivals=methods, **VALIDATION)


def test_a_slice_names_the_code_of_every_method_so_that_an_edit_is_noticed():
    found = RivalsSpec().by_implementation()
    assert found["image"]["ksg"] == {
        "implementation": "ib_analysis.information.estimators.ksg:KSG",
        "spec": {},
    }
    assert found["image"]["gaussian"]["spec"] == {"shrinkage": None}


def test_an_unknown_case_or_method_is_refused_before_any_work():
    with pytest.raises(ValueError, match="there is no case 'markov'; there are still-8-identity"):
        ValidationSpec(cases=("markov",), **VALIDATION)
    with pytest.raises(ValueError, match="kgs"):
        RivalsSpec(image={"kgs": {}})


def test_a_case_gets_its_slice():
    spec = ValidationSpec(cases=("markov-8-rows1",), **VALIDATION)
    assert spec.chosen == ("markov-8-rows1",)
    assert spec.of_case("markov-8-rows1")["rivals"]["binning"]["spec"] == {}
    assert ValidationSpec(**VALIDATION).chosen == CASES


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
    steps = [run.fit_decoders("net", "classifier", epoch)["image_fit"]["steps"] for epoch in (0, 2, 4)]
    assert steps == [40, 40, 100]
    assert [run.next_epoch("net", epoch) for epoch in (0, 2, 4)] == [2, 4, None]


def test_a_fit_that_starts_from_another_is_judged_on_images_that_neither_has_seen():
    with pytest.raises(UserError, match="image_fit: its seed must be that of the fits that start from it"):
        chained(neighbour_fit={"steps": 40, "seed": 1})
    with pytest.raises(UserError, match="trunk_fit: its seed must be"):
        chained(trunk_fit={"steps": 40, "holdout": 0.05})


def test_the_fits_of_validation_hold_out_the_same_images():
    for changed in ({"seed": 1}, {"holdout": 0.3}):
        later = VALIDATION["image_fit"] | changed
        with pytest.raises(ValueError, match="trunk_fit: its seed must be"):
            ValidationSpec(**(VALIDATION | {"image_fit": later}))
