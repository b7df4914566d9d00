"""Whether an artefact on the disk is the one that the experiment asks for, by its record alone.

Snakemake remembers what it made in its own folder, and by times of files. That memory is lost where results are copied,
shared or cleaned, and an option can switch it off. The record of an artefact goes with it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ib_analysis.artefacts import changed_inputs, damage, read_record
from ib_analysis.errors import UserError

Fields = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """What the experiment asks an artefact to be made from: settings, digest of the code, and paths of artefacts."""

    spec: Mapping[str, Any]
    code: str
    inputs: frozenset[str]


def why_stale(path: Path, asked: Asked) -> str | None:
    """Why an artefact is not the one that is asked for, as the end of a sentence; None where it is, or is not there."""
    if not path.exists():
        return None
    try:
        record = read_record(path)
    except UserError:
        return "has no record of how it was made, or a damaged one"
    if lacking := damage(path):
        return lacking
    if record["spec"] != asked.spec:
        return f"was made with {_difference(record['spec'], asked.spec)}"
    if record["code"] != asked.code:
        return "was made by other code"
    if (known := set(record["inputs"])) != asked.inputs:
        return f"was made {_of_others(known, asked.inputs)}"
    return _anew(record)


def _anew(record: Mapping[str, Any]) -> str | None:
    try:
        changed = next(changed_inputs(record), None)
    except UserError:  # the input is stale itself, and with it all that is made from it
        return None
    return changed and f"was made from {changed}, which is another one by now"


def _of_others(known: Iterable[str], asked: Iterable[str]) -> str:
    """
    >>> _of_others(["a.npz"], ["a.npz", "b.npz"])
    'without b.npz'
    """
    missing, added = sorted(set(asked) - set(known)), sorted(set(known) - set(asked))
    return f"without {missing[0]}" if missing else f"from {added[0]} too, which is no longer asked for"


def _difference(made: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """The first setting that differs.

    >>> _difference({"fit": {"steps": 10}}, {"fit": {"steps": 20}})
    'fit.steps 10, and 20 is asked for'
    """
    old, new = _flat(made), _flat(asked)
    name = next(name for name in {**new, **old} if old.get(name, ...) != new.get(name, ...))
    before, now = (fields.get(name, "no such setting") for fields in (old, new))
    return f"{name.replace('.spec.', '.')} {before}, and {now} is asked for"


def _flat(content: Any, name: str = "") -> Fields:
    """The settings by dotted names; an empty mapping or list is a setting."""
    items = content.items() if isinstance(content, Mapping) else enumerate(content)
    found: Fields = {}
    for key, value in items:
        below = f"{name}.{key}" if name else str(key)
        deeper = isinstance(value, Mapping | list | tuple) and len(value) > 0
        found |= _flat(value, below) if deeper else {below: value}
    return found
