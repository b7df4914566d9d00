"""Every heavy rule says what it needs, logs what it does, and is timed; a profile sets the device once."""

import re
from functools import cache
from pathlib import Path

import pytest
import yaml

from ib_analysis.run_plan import OFF_DEVICE, PARTS

RULES = {
    name: body
    for path in Path("workflow/rules").glob("*.smk")
    for name, body in re.findall(
        r"^(?:use )?rule (\w+)(?: as \w+ with)?:\n(.*?)(?=^(?:use )?rule |^# |\Z)",
        path.read_text(),
        re.DOTALL | re.MULTILINE,
    )
}
HEAVY = sorted(name for name, body in RULES.items() if "device_command(" in body)
FITS = ("fit_pretrained", "fit_marginal", "fit_class_decoder", "fit_decoders")
DEVICES = {"gpu": "cuda", "slurm": "cuda", "slurm-cpu": "cpu"}


@pytest.fixture(scope="module")
def planned(laboratory):
    """The commands of the demo, from a dry-run with those arguments."""

    @cache
    def commands(*arguments: str) -> tuple[str, ...]:
        run = laboratory.snakemake("workflow/config/demo.yaml", "--dry-run", "--printshellcmds", *arguments)
        assert run.returncode == 0, run.stderr
        return tuple(
            line for line in (run.stdout + run.stderr).splitlines() if "python -m ib_analysis" in line
        )

    return commands


def test_there_are_heavy_rules():
    assert {"train_encoder", *FITS, "draw_samples"} <= set(HEAVY)


def test_every_heavy_rule_has_a_line_in_the_plan_of_a_run():
    kinds = {kind for part in PARTS.values() for kind in part}
    long = {kind.split("/")[0] for kind in kinds}  # of a study one line each, all of rule run_study
    assert set(HEAVY) == long - set(OFF_DEVICE), "those that wait for a GPU"


@pytest.mark.parametrize("name", HEAVY)
def test_a_heavy_rule_states_its_resources(name):
    for word in ("**on_device(runtime=", "threads: DEVICE_THREADS", "benchmark:", "log:"):
        assert word in RULES[name], f"rule {name} lacks {word}"


@pytest.mark.parametrize("name", sorted(name for name, body in RULES.items() if "command(" in body))
def test_a_rule_has_the_parameters_of_the_stage_that_it_runs(name):
    (parametrised,) = re.findall(r'\*\*stage\("(\w+)"', RULES[name])
    (run,) = re.findall(r'command\(\s*"(\w+)"', RULES[name])
    assert run == parametrised
    assert "log:" in RULES[name]


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_rule_is_short_and_decides_nothing(name):
    lines = [line for line in RULES[name].splitlines() if line.strip()]
    assert len(lines) <= 30 or name == "write_report"  # which gathers all that there is
    assert not re.search(r"\bif\b", RULES[name])


def test_every_command_is_whole_and_leaves_a_log(planned):
    assert len(planned()) > 30
    for command in planned():
        for word in (" --spec ", " --code ", " > results/", ".log 2>&1"):
            assert word in command


def test_there_is_one_set_of_rules_for_all_variants():
    """A control or another seed of the decoders brings no rule: it is the wildcard `variant`."""
    fitting = [name for name, body in RULES.items() if re.search(r'command\(\s*"(fit|evaluate)_', body)]
    assert sorted(fitting) == ["evaluate_decoders", "evaluate_marginal", "evaluate_own_images", *sorted(FITS)]


def test_a_seed_of_the_decoders_is_fitted_once_for_a_control_and_for_consistency(laboratory):
    config = yaml.safe_load(Path("workflow/config/demo.yaml").read_text())
    config["controls"] |= {"decoder_seeds": [2]}
    config["consistency"] |= {"seeds": [0, 1, 2]}
    (laboratory.folder / "seeds.yaml").write_text(yaml.safe_dump(config))
    run = laboratory.snakemake("seeds.yaml", "--dry-run", "--quiet", "rules")
    plan = dict(line.split() for line in run.stdout.splitlines() if len(line.split()) == 2)
    assert (plan["fit_pretrained"], plan["fit_marginal"], plan["measure_consistency"]) == ("3", "3", "12")


@pytest.mark.parametrize(("profile", "device"), DEVICES.items())
def test_a_profile_sets_the_device_once_and_gives_no_rule_resources_of_its_own(profile, device):
    settings = yaml.safe_load(Path(f"workflow/profiles/{profile}/config.yaml").read_text())
    assert settings["default-resources"]["device"] == device
    assert not {"set-threads", "set-resources"} & set(settings)


def test_the_gpu_profile_reaches_the_command_line_of_every_heavy_rule(planned):
    on_gpu = planned("--workflow-profile", "workflow/profiles/gpu", "--cores", "8")
    heavy = [command for command in on_gpu if "--device" in command]
    assert len(heavy) > 20
    assert all("--device cuda --threads 8 " in command for command in heavy)


@pytest.mark.parametrize(
    ("given", "at_once"),
    [((), "1 job"), (("--resources", "gpu=3"), "3 jobs"), (("--resources", "gpu=9"), "4 jobs")],
)
def test_the_plan_of_a_run_knows_how_many_jobs_have_a_gpu(laboratory, given, at_once):
    """32 cores hold four jobs of eight threads."""
    header, folder = "results/demo/dataset/header.json", laboratory.folder
    (folder / header).unlink(missing_ok=True)
    earlier = folder / "results/demo/benchmarks/prepare_dataset.tsv"
    earlier.parent.mkdir(parents=True, exist_ok=True)
    earlier.write_text("s\n600\n")
    profile = ("--workflow-profile", "workflow/profiles/gpu", "--cores", "32", *given)
    run = laboratory.snakemake("workflow/config/demo.yaml", header, *profile)
    assert run.returncode == 0, run.stderr
    assert f"on 32 cores, {at_once} at once on a GPU" in run.stderr
    assert "1/1  prepare dataset" in run.stderr


def test_without_a_profile_the_device_is_chosen_where_the_job_runs(planned):
    heavy = [command for command in planned() if "--device" in command]
    assert len(heavy) > 20
    assert all("--device auto --threads 1 " in command for command in heavy)


def test_a_profile_lets_several_processes_share_a_fit_for_all_rules_or_for_one(laboratory, planned, tmp_path):
    text = (laboratory.folder / "workflow/profiles/gpu/config.yaml").read_text()
    assert "  processes: 1\n" in text
    of_one = "set-resources:\n  fit_decoders:\n    processes: 4\n"
    (tmp_path / "config.yaml").write_text(text.replace("  processes: 1\n", "  processes: 2\n") + of_one)
    found = {"2": set(), "4": set()}
    for command in planned("--workflow-profile", str(tmp_path)):
        if shared := re.search(r"--processes (\d)", command):
            found[shared[1]].add(re.search(r"ib_analysis (\w+)", command)[1])
    assert found == {
        "2": {"fit_class_decoder", "fit_marginal"},
        "4": {"fit_decoders"},
    }  # stage fit_marginal fits the pretrained one, too


@pytest.mark.parametrize("name", FITS)
def test_the_number_of_processes_is_no_parameter(name):
    """A change of parameters would re-run the fit."""
    assert "processes" not in RULES[name].split("params:")[1].split("shell:")[0]
