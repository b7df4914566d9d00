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


def test_there_are_heavy_rules():
    assert {"train_encoder", "fit_trunk", "fit_marginal", "fit_decoders", "draw_samples"} <= set(HEAVY)


@pytest.mark.parametrize("name", HEAVY)
def test_a_heavy_rule_states_its_resources(name):
    for word in ("gpu=", "mem_mb=", "runtime=", "device=", "threads:", "benchmark:", "log:"):
        assert word in RULES[name], f"rule {name} lacks {word}"


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_rule_names_its_code_and_keeps_a_log(name):
    assert "code=code(" in RULES[name]
    assert "| tee {log}" in RULES[name]


@pytest.mark.parametrize("profile", ["gpu", "slurm"])
def test_profiles_put_every_heavy_rule_of_a_run_on_the_gpu(profile):
    settings = yaml.safe_load(Path(f"workflow/profiles/{profile}/config.yaml").read_text())
    heavy = set(HEAVY) - {"store_activations"}
    assert set(settings["set-threads"]) == heavy
    assert settings["set-resources"] == {name: {"device": "cuda"} for name in heavy}


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
