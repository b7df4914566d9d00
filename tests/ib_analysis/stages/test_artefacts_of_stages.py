"""Every file that a rule hands to a stage goes through the door that verifies it."""

import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

from ib_analysis.artefacts import Artefact

RULES = {
    name: body
    for path in Path("workflow/rules").glob("*.smk")
    for name, body in re.findall(
        r"^rule (\w+):\n(.*?)(?=^(?:use )?rule |^# |\Z)", path.read_text(), re.S | re.M
    )
    if "command(" in body
}
GIVEN_BY_THE_USER = {"weights"}


def options(body):
    """Each option of a command with the words behind it."""
    return re.findall(r"--(\w+)((?: \{[\w.]+\})*)", body.split("shell:")[1].replace('"\n            " ', " "))


@pytest.mark.parametrize("name", sorted(RULES))
def test_what_a_rule_reads_is_verified_and_what_it_writes_is_not(name):
    (stage,) = re.findall(r'command\(\s*"(\w+)"', RULES[name])
    parameters = inspect.signature(import_module(f"ib_analysis.stages.{stage}").run).parameters
    given = dict(options(RULES[name]))
    paths = {word for word, kind in parameters.items() if kind.kind is inspect.Parameter.KEYWORD_ONLY}
    for word in paths & {word for word, files in given.items() if files}:
        verified = parameters[word].annotation in (Artefact, list[Artefact])
        assert verified == ("{input" in given[word] and word not in GIVEN_BY_THE_USER), f"{stage}: {word}"


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_stage_is_handed_every_input_of_its_rule(name):
    """So its record names them all, and what was made of fewer is known by its record."""
    inputs = RULES[name].split("input:")[1].split("output:")[0] if "input:" in RULES[name] else ""
    names = set(re.findall(r"^        (\w+)=", inputs, re.M))
    used = set(re.findall(r"\{input\.(\w+)\}", RULES[name]))
    assert names == used, f"{name}: {names ^ used}"
