"""Every configuration gives a DAG, and a mistake stops before there is one."""

from pathlib import Path

import pytest
import yaml

from ib_analysis.experiment import load_experiment

CONFIGS = sorted(path.stem for path in Path("workflow/config").glob("*.yaml"))


@pytest.mark.parametrize("name", CONFIGS)
def test_every_configuration_dry_runs(laboratory, name):
    run = laboratory.snakemake(f"workflow/config/{name}.yaml", "--dry-run", "--quiet", "rules")
    assert run.returncode == 0, run.stdout + run.stderr
    experiment = load_experiment(yaml.safe_load(Path(f"workflow/config/{name}.yaml").read_text()))
    fitted = [variant.name for variant in experiment.fitted]
    assert fitted == ["measurement", "decoder-seed-1"]
    variants = [experiment.with_variant(variant) for variant in (*fitted, *experiment.controlled)]
    points = sum(len(run.measured(net.encoder).epochs) for run in variants for net in run.networks)
    points += len(experiment.identity_networks)  # each has one epoch, and belongs to the measurement alone
    plan = dict(line.split() for line in run.stdout.splitlines() if len(line.split()) == 2)
    assert int(plan["fit_decoders"]) == points
    assert int(plan["write_report"]) == 1


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
