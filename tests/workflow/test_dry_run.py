"""Every configuration gives a DAG, and a mistake stops before there is one."""

import re
from pathlib import Path

import pytest
import yaml

from ib_analysis.channels.case_table import CASES, FRESH_CASES
from ib_analysis.experiment import load_experiment

CONFIGS = sorted(path.stem for path in Path("workflow/config").glob("*.yaml"))


@pytest.mark.parametrize("name", CONFIGS)
def test_every_configuration_dry_runs(laboratory, name):
    run = laboratory.snakemake(f"workflow/config/{name}.yaml", "--dry-run", "--quiet", "rules")
    assert run.returncode == 0, run.stdout + run.stderr
    experiment = load_experiment(yaml.safe_load(Path(f"workflow/config/{name}.yaml").read_text()))
    fitted = [variant.name for variant in experiment.fitted]
    lone = ("six-papers", "three-papers-cifar10", "two-stages-longer-fits")
    seeds = {**dict.fromkeys(lone, 1), "calibration-cifar10": 3}.get(name, 2)
    assert fitted == ["measurement", "decoder-seed-1", "decoder-seed-2"][:seeds]
    variants = [experiment.with_variant(variant) for variant in (*fitted, *experiment.controlled)]
    points = sum(len(run.measured(net.encoder).epochs) for run in variants for net in run.networks)
    points += len(experiment.identity_networks)  # each has one epoch, and belongs to the measurement alone
    plan = dict(line.split() for line in run.stdout.splitlines() if len(line.split()) == 2)
    assert int(plan["fit_decoders"]) == points
    assert int(plan["write_report"]) == 1


def test_fresh_cases_are_tabulated_by_what_the_known_ones_calibrate(laboratory):
    config = "workflow/config/fresh-information.yaml"
    run = laboratory.snakemake(
        config, "results/fresh-information/validation.csv", "--dry-run", "--printshellcmds"
    )
    assert run.returncode == 0, run.stdout + run.stderr
    (line,) = [line for line in run.stdout.splitlines() if "tabulate_validation --spec" in line]
    given = re.match(r".* --cases (.*) --calibrating (.*) --table ", line)
    judged, calibrating = ([Path(path).stem for path in paths.split()] for paths in given.groups())
    assert judged == list(FRESH_CASES)
    assert calibrating == list(CASES)


def test_config_alone_changes_the_default_and_another_kind_takes_the_whole_section(laboratory):
    given = ["--dry-run", "--quiet", "all", "--config", "name=mine", "dataset={kind: digits}"]
    markov = laboratory.snakemake("workflow/config/known-markov.yaml", *given)
    assert markov.returncode == 0, markov.stdout + markov.stderr
    default = laboratory.run("--cores", "1", *given[:-1])
    assert default.returncode == 0, default.stdout + default.stderr


def test_a_key_that_stands_twice_and_a_device_that_does_not_exist_stop_before_the_dag(laboratory):
    text = (laboratory.folder / "workflow/config/demo.yaml").read_text()
    (laboratory.folder / "twice.yaml").write_text(text + "\nname: other\n")
    twice = laboratory.snakemake("twice.yaml", "--dry-run")
    assert "name stands twice" in twice.stdout + twice.stderr
    gpu = laboratory.snakemake("workflow/config/demo.yaml", "--dry-run", "--default-resources", "device=gpu")
    assert "device is gpu: it must be auto" in gpu.stdout + gpu.stderr
    for run in (twice, gpu):
        assert run.returncode != 0
        assert "Building DAG" not in run.stdout + run.stderr
        assert "Traceback" not in run.stdout + run.stderr


def test_a_typo_stops_before_the_dag_and_names_the_field(laboratory):
    config = yaml.safe_load((laboratory.folder / "workflow/config/demo.yaml").read_text())
    config["decoders"]["image_fit"]["stepps"] = 3
    (laboratory.folder / "typo.yaml").write_text(yaml.safe_dump(config))
    run = laboratory.snakemake("typo.yaml", "--dry-run")
    assert run.returncode != 0
    said = run.stdout + run.stderr
    assert "decoders.image_fit.stepps: there is no such key" in said
    assert "Traceback" not in said
    assert "Building DAG" not in said
