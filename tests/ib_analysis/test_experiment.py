"""The experiment is validated once, and a mistake is a sentence that names the field."""

import copy
import json
from datetime import date
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
import yaml

from ib_analysis import schema, stages
from ib_analysis.errors import UserError
from ib_analysis.experiment import Experiment, load_experiment

CONFIGS = sorted(Path("workflow/config").glob("*.yaml"))


def demo() -> dict:
    return yaml.safe_load(Path("workflow/config/demo.yaml").read_text())


def broken(path: str, value: object) -> dict:
    config = copy.deepcopy(demo())
    node = config
    *way, last = path.split(".")
    for step in way:
        node = node[step]
    node[last] = value
    return config


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_configuration_holds_and_is_named_like_its_file(path):
    assert load_experiment(yaml.safe_load(path.read_text())).name == path.stem


def test_fresh_cases_are_measured_like_the_known_ones():
    """Nothing but `fresh` tells the two sections apart: the known cases would else calibrate other decoders."""
    known, fresh = (
        yaml.safe_load(Path(f"workflow/config/{name}-information.yaml").read_text())["validation"]
        for name in ("known", "fresh")
    )
    assert fresh == known | {"fresh": True}


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("datset", {}, ["datset", "no such key"]),
        ("dataset.imagse", 100, ["dataset", "imagse", "no such key"]),
        ("dataset.kind", "cifar11", ["dataset", "cifar11"]),
        (
            "encoders.resnet10.taps",
            ["h1", "h7"],
            ["encoders.resnet10", "h7", "stem, h1, h2, h3, h4, pooled, logits"],
        ),
        ("encoders.resnet10.epochs", [0, 41], ["encoders.resnet10", "41", "40 epochs"]),
        ("encoders.resnet10.epochs", [1, 0], ["encoders.resnet10", "rising"]),
        ("encoders.resnet10.regimes.fixed", {"epochs": 0}, ["resnet", "fixed", "classifier, autoencoder"]),
        ("encoders.resnet10.taps", ["logits"], ["taps", "autoencoder"]),
        ("encoders.resnet10.architecture.widths", [16], ["blocks", "widths"]),
        ("decoders.image.filters", 0, ["decoders.image.filters"]),
        ("decoders.image_fit.steps", "many", ["decoders.image_fit.steps"]),
        ("dataset.shares", {"encoder": 0.5, "decoder": 0.5, "evaluation": 0.5}, ["shares", "1.5"]),
        ("name", "my demo", ["name"]),
        ("encoders.resnet10.seeds", [0, 0], ["seeds", "twice"]),
        ("encoders.resnet10.seeds", [-1], ["seeds"]),
        ("decoders.seeds", [0, 1, 0], ["decoders", "seeds", "[0, 1, 0] names a seed twice"]),
        ("decoders.seeds", [1, 0], ["decoders", "seeds", "must begin with 0, the seed of image_fit"]),
        ("decoders.seeds", [], ["decoders.seeds"]),
        ("controls.decoder_seeds", [1], ["controls.decoder_seeds", "1 is what the measurement itself has"]),
        ("decoders.pretrained_fit", {"steps": 10, "holdout": 0.01}, ["pretrained_fit", "holdout"]),
        ("decoders.image_fit.betas", [1.0, 0.999], ["decoders.image_fit.betas", "less than 1"]),
        ("baselines.image", {"binning": {"bin": 3}}, ["baselines.image", "binning has no setting 'bin'"]),
        ("baselines", {"part": "all"}, ["baselines", "say images: null"]),
        ("baselines.image", {"counting": {}}, ["baselines", "say part: all"]),
        ("validation", {"cases": ["still-8-identity"] * 2}, ["validation.cases", "twice"]),
        ("dataset", {"kind": "image_folder", "folder": "f", "resize": [0, 8]}, ["dataset", "resize"]),
        ("name", 2024, ["name: YAML reads 2024 as a number", 'in quotes, "2024"']),
        ("name", False, ["name: YAML reads off, no and false", "in quotes"]),
        ("name", date(2024, 1, 2), ["name: YAML reads 2024-01-02 as a date", 'in quotes, "2024-01-02"']),
        ("name", "My_Run", ["name: 'My_Run'", "small letters, digits and hyphens, such as my-run"]),
        ("encoders", {True: {}}, ["encoders: the key true: YAML reads on, yes and true", "in quotes"]),
        ("encoders", {7: {}}, ["encoders: the key 7: YAML reads 7 as a number", "in quotes"]),
        ("encoders.resnet10.epochs", 2, ["encoders.resnet10.epochs: a list is wanted: write [2]"]),
        ("encoders.resnet10.taps", [1], ["encoders.resnet10.taps.0: YAML reads 1 as a number"]),
        ("encoders.resnet10.architecture.norm", False, ["architecture.norm: false is none of", "in quotes"]),
        ("dataset.size", 3, ["dataset.size: there is no such key"]),
        ("dataset.kind", "digit", ["dataset.kind: 'digit'", "did you mean digits?"]),
        ("samples", None, ["samples: it is empty"]),
        ("decoders.image_fit.steps", "1e3", ["decoders.image_fit.steps", "write its digits"]),
        ("decoders.image_fit.seed", 2**63, ["decoders.image_fit.seed", "less than 9223372036854775808"]),
        ("dataset.seed", 2**64, ["dataset.seed: it must be less than"]),
        ("samples", {"seed": 2**64}, ["samples.seed: it must be less than"]),
        ("encoders.resnet10.seeds", [2**64], ["encoders.resnet10.seeds.0: it must be less than"]),
        ("baselines.image", {"ksg": {"k": 0}}, ["baselines.image: ksg: k is 0: give 1 neighbour or more"]),
        ("baselines.image", {"ksg": {"seed": 2**64}}, ["baselines.image: ksg: seed is 18446744073709551616"]),
        ("baselines.image", {"nwj": {"device": "gpu"}}, ["baselines.image: nwj: device is gpu"]),
        ("consistency", {"kept": 9}, ["consistency.kept: 9 rows of images that have 8"]),
        ("consistency", {"rows": [0, 12]}, ["consistency.rows: 12 rows of images that have 8"]),
        (
            "encoders.top",
            {
                "architecture": {"kind": "kept_rows", "rows": [2, 9]},
                "regimes": {"fixed": {"epochs": 0}},
                "epochs": [0],
                "taps": ["rows9"],
            },
            ["hold: encoders.top.architecture.rows: 9 rows of images that have 8"],
        ),
    ],
)
def test_a_mistake_is_one_sentence_that_names_the_field(path, value, words):
    with pytest.raises(UserError) as caught:
        load_experiment(broken(path, value))
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert "\n" not in str(caught.value)


def test_reordered_keys_and_1_for_1_point_0_are_the_same_experiment():
    config = demo()
    config["decoders"]["image_fit"] = dict(reversed(config["decoders"]["image_fit"].items()))
    config["encoders"]["resnet10"]["regimes"]["classifier"]["warmup_epochs"] = 0
    assert load_experiment(config) == load_experiment(demo())


def test_a_tap_of_one_regime_is_measured_in_that_regime():
    study = load_experiment(demo()).measured("resnet10")
    assert "bottleneck" in study.taps_in("autoencoder")
    assert "bottleneck" not in study.taps_in("classifier")


def test_every_model_of_the_configuration_has_a_section_of_its_own():
    in_schema = json.loads(schema.schema())["$defs"]
    models = {name for name, found in in_schema.items() if "properties" in found}
    assert models <= {model.__name__ for model in schema.sections()}
    headings = list(schema.sections().values())
    assert len(set(headings)) == len(headings)
    assert "encoders.ENCODER.architecture: {kind: rir}" in headings


BEFORE_A_RUN = {"measure_steps"}
"""Stages that the plan of a run asks for, and no rule."""


def test_every_stage_that_needs_more_than_its_inputs_has_a_slice_of_its_name():
    for stage in (module.name for module in iter_modules(stages.__path__)):
        fields = import_module(f"ib_analysis.stages.{stage}").Spec.model_fields
        assert hasattr(Experiment, stage) == (bool(fields) and stage not in BEFORE_A_RUN), stage


def test_a_stage_without_a_slice_of_its_own_gets_an_empty_one():
    assert load_experiment(demo()).slice_of("tabulate_baselines") == {}


def test_the_generated_schema_and_key_lists_are_those_of_today():
    assert (schema.FOLDER / "schema.json").read_text() == schema.schema(), "run python -m ib_analysis.schema"
    assert schema.key_lists() in (schema.FOLDER / "README.md").read_text(), "run python -m ib_analysis.schema"


def test_another_seed_fits_every_point_and_changes_nothing_but_the_seed():
    run = load_experiment(demo())
    assert [variant.name for variant in run.fitted] == ["measurement", "decoder-seed-1"]
    again, controlled = run.with_variant("decoder-seed-1"), run.with_variant("shuffled")
    assert again.measured("resnet10") == run.measured("resnet10")
    assert controlled.measured("resnet10").epochs == (40,)
    for slice_ in ("fit_marginal", "fit_pretrained"):
        own, other = run.slice_of(slice_), again.slice_of(slice_)
        assert other == own | {"variant": "decoder-seed-1", "fit": own["fit"] | {"seed": 1}}


def test_one_seed_of_decoders_makes_no_variant():
    run = load_experiment(broken("decoders.seeds", [0]))
    assert [variant.name for variant in run.fitted] == ["measurement"]
    assert "decoder-seed-1" not in run.variants
