"""environment.yml and pyproject.toml name the same dependencies; the pins obey them."""

import re
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.version import Version

CONDA_NAMES = {"pytorch": "torch", "matplotlib-base": "matplotlib", "snakemake-minimal": "snakemake"}


def requirements(extra: str | None = None) -> dict[str, Requirement]:
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    lines = project["optional-dependencies"][extra] if extra else project["dependencies"]
    return {r.name: r for r in map(Requirement, lines)}


def test_conda_and_pip_agree():
    lines = yaml.safe_load(Path("environment.yml").read_text())["dependencies"]
    conda = {}
    for line in set(lines) - {"pip"}:
        name, _, version = re.split(r"(>=)", line)
        conda[CONDA_NAMES.get(name, name)] = f">={version}"
    assert conda.pop("python") == ">=3.11"
    assert conda == {name: str(r.specifier) for name, r in requirements().items()}


def test_every_dependency_is_pinned_inside_its_range():
    lines = Path("constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    pins = {name.lower(): version for name, version in pins.items()}
    assert pins["torch"] == "2.13.0"
    for name, requirement in (requirements() | requirements("slurm")).items():
        assert Version(pins[name]) in requirement.specifier, name
