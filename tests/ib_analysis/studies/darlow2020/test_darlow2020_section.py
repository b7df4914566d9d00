"""A section that cannot be judged stops before the run, with one sentence."""

import json
from pathlib import Path

import pytest
import yaml

from ib_analysis.errors import UserError
from ib_analysis.experiment import load_experiment

CONFIG = yaml.safe_load(Path("workflow/config/two-stages.yaml").read_text())


def broken(path, value):
    config = json.loads(json.dumps(CONFIG))  # without the anchors that sections share
    node = config
    *way, last = path.split(".")
    for step in way:
        node = node[step]
    node[last] = value
    return config


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("studies.darlow2020.encoders", [], "studies.darlow2020.encoders"),
        ("studies.darlow2020.encoders", ["wide", "ghost"], "must be one of encoders after the first"),
        ("studies.darlow2020.early", ["h2"], "studies.darlow2020.early: 'h2' is not measured"),
        ("studies.darlow2020.early", ["h3"], "'h3' is named as a deep tap too"),
        ("studies.darlow2020.deep", ["pooled"], "'wide' has none of these taps"),
        ("encoders.narrow.epochs", [60], "'narrow' has one epoch"),
        ("encoders.without-decay.regimes.classifier.weight_decay", 1e-4, "has a weight_decay of 0.0001"),
        ("encoders.without-decay.regimes.classifier.learning_rate", 0.2, "must be trained like 'wide'"),
        ("encoders.without-decay.seeds", [0, 1], "must have the seeds of 'wide'"),
        ("encoders.without-decay.epochs", [0, 60], "must have the epochs of 'wide'"),
        ("encoders.without-decay.architecture.widths", [8, 8, 8, 8], "must have the architecture of 'wide'"),
    ],
)
def test_what_cannot_be_judged_is_named(path, value, words):
    with pytest.raises(UserError, match=words):
        load_experiment(broken(path, value))


def test_an_encoder_that_is_not_there_is_named():
    config = broken("studies.darlow2020.encoders", ["wide", "without-decay", "ghost"])
    with pytest.raises(UserError, match="'ghost' is no encoder"):
        load_experiment(config)


@pytest.mark.parametrize("name", ["two-stages", "two-stages-quick"])
def test_the_configurations_hold_what_the_claims_need(name):
    experiment = load_experiment(yaml.safe_load(Path(f"workflow/config/{name}.yaml").read_text()))
    wide = experiment.encoders[experiment.studies.darlow2020.encoders[0]]
    assert wide.epochs[0] == 0
    assert set(wide.regimes) == {"classifier", "autoencoder"}
    assert wide.epochs[-1] == wide.regimes["classifier"].epochs
    if name == "two-stages":
        assert len(wide.seeds) == 5
        assert any(0 < epoch <= 0.1 * wide.epochs[-1] for epoch in wide.epochs)
