"""The fast parts of the campaign; its long ones are run by its command."""

import numpy as np
import pytest

from benchmarks import faults
from ib_analysis.errors import UserError
from ib_analysis.experiment import load_experiment


def test_no_mistake_in_a_configuration_is_accepted_or_a_traceback():
    said = faults.mistake_configurations(400)
    assert "0 without it, 0 accepted, 0 tracebacks" in said


def test_a_campaign_that_finds_nothing_wrong_can_find_something(monkeypatch, tmp_path):
    monkeypatch.setattr(faults, "load_experiment", lambda _: None)
    assert "20 accepted" in faults.mistake_configurations(20)
    (tmp_path / "results/faults").mkdir(parents=True)
    (tmp_path / "results/faults/information.csv").write_text("nats,seconds\n1.0,2.0\n")
    one = faults.results(tmp_path)
    (tmp_path / "results/faults/information.csv").write_text("nats,seconds\n1.0,3.0\n")
    assert faults.results(tmp_path) == one
    (tmp_path / "results/faults/information.csv").write_text("nats,seconds\n1.5,3.0\n")
    assert faults.results(tmp_path) != one


def test_a_slope_is_that_of_the_values():
    slope, stderr = faults._slope(3.0 * np.arange(40.0) + np.random.default_rng(0).normal(size=40))
    assert abs(slope - 3.0) < 4 * stderr + 0.05


@pytest.mark.parametrize(
    ("path", "value"),
    [(("image_fit", "learning_rate"), True), (("image_fit", "learning_rate"), float("inf"))],
)
def test_what_the_campaign_found_is_refused(path, value):
    config = faults.EXPERIMENT | {
        "decoders": faults.EXPERIMENT["decoders"] | {path[0]: faults.FIT | {path[1]: value}}
    }
    with pytest.raises(UserError, match=path[1]):
        load_experiment(config)
