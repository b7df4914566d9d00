"""Every heavy rule says what it needs, logs what it does, and is timed."""

import re
from pathlib import Path

import pytest
import yaml

RULES = {
    name: body
    for path in Path("workflow/rules").glob("*.smk")
    for name, body in re.findall(
        r"^rule (\w+):\n(.*?)(?=^rule |\Z)", path.read_text(), re.DOTALL | re.MULTILINE
    )
}
HEAVY = sorted(name for name, body in RULES.items() if "--device" in body)
INHERITED = {
    heir: rule
    for path in Path("workflow/rules").glob("*.smk")
    for rule, heir in re.findall(r"^use rule (\w+) as (\w+) with:", path.read_text(), re.MULTILINE)
    if rule in HEAVY
}
"""Heavy rules that have their resources from another, and from which; a profile must name them as well."""


def test_there_are_heavy_rules():
    assert {"train_encoder", "fit_trunk", "fit_marginal", "fit_decoders", "draw_samples"} <= set(HEAVY)


@pytest.mark.parametrize("name", HEAVY)
def test_a_heavy_rule_states_its_resources(name):
    for word in ("gpu=", "mem_mb=", "runtime=", "device=", "threads:", "benchmark:", "log:"):
        assert word in RULES[name], f"rule {name} lacks {word}"


@pytest.mark.parametrize("name", sorted(name for name, body in RULES.items() if "shell:" in body))
def test_a_rule_names_its_code_and_keeps_a_log(name):
    assert "code=code(" in RULES[name]
    assert "| tee {log}" in RULES[name]


@pytest.mark.parametrize("profile", ["gpu", "slurm"])
def test_profiles_put_every_heavy_rule_of_a_run_on_the_gpu(profile):
    settings = yaml.safe_load(Path(f"workflow/profiles/{profile}/config.yaml").read_text())
    assert "fit_control_decoders" in INHERITED
    heavy = (set(HEAVY) - {"store_activations"}) | set(INHERITED)
    assert set(settings["set-threads"]) == heavy
    assert settings["set-resources"] == {name: {"device": "cuda"} for name in heavy}


def test_a_profile_lets_several_processes_share_a_fit_and_they_are_no_parameter(laboratory):
    text = (laboratory.folder / "workflow/profiles/gpu/config.yaml").read_text()
    profile = laboratory.folder / "four-gpus"
    profile.mkdir()
    (profile / "config.yaml").write_text(
        text.replace("  fit_decoders:\n", "  fit_decoders:\n    processes: 4\n")
    )
    run = laboratory.snakemake(
        "workflow/config/demo.yaml", "--dry-run", "--printshellcmds", "--workflow-profile", "four-gpus"
    )
    assert run.returncode == 0, run.stderr
    commands = [line for line in (run.stdout + run.stderr).splitlines() if "--processes" in line]
    for line in commands:
        shared = "ib_analysis fit_decoders" in line and "/controls/" not in line
        assert ("--device cuda --processes 4" in line) == shared, line
    assert {"fit_decoders", "fit_marginal"} == {line.split("ib_analysis ")[1].split()[0] for line in commands}
    for name in ("fit_trunk", "fit_marginal", "fit_decoders"):
        parameters = RULES[name].split("params:")[1].split("shell:")[0]
        assert "processes" not in parameters  # a change of parameters would re-run the fit


def test_the_gpu_profile_reaches_the_command_line(laboratory):
    run = laboratory.snakemake(
        "workflow/config/cifar10.yaml",
        "--dry-run",
        "--printshellcmds",
        "--workflow-profile",
        "workflow/profiles/gpu",
    )
    assert run.returncode == 0, run.stderr
    assert "--device cuda --threads" in run.stdout + run.stderr
    assert "--device auto" not in run.stdout + run.stderr
