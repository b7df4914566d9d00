"""One run of one stage, with all that it reads and makes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import Any

from ib_analysis.artefacts import Artefact, canonical_json, read_record, sha256, undamaged
from ib_analysis.errors import UserError
from ib_analysis.freshness import Asked, why_stale
from ib_analysis.provenance import stage_digest

Paths = Mapping[str, Path | list[Path]]


@dataclass(frozen=True)
class Task:
    """A stage, its slice of the experiment, and its paths by the names of its parameters."""

    name: str
    """Its name in logs; a path below their folder."""
    stage: str
    slice: Mapping[str, Any]
    inputs: Paths
    """Artefacts that other tasks make."""
    others: Paths
    """All other paths: what it writes, its scratch folder, and files of the user."""
    made: tuple[Path, ...]
    """The files and folders that must be there when it has run."""
    sources: tuple[Path, ...] = ()
    """Files of the user that it reads."""
    work: float = 1.0
    """About how long it takes, in gradient steps of p(x)."""

    @cached_property
    def module(self) -> ModuleType:
        """That of its stage."""
        return import_module(f"ib_analysis.stages.{self.stage}")

    @cached_property
    def spec(self) -> dict[str, Any]:
        """The slice as the stage reads it."""
        found: dict[str, Any] = json.loads(canonical_json(self.slice))
        return found

    @cached_property
    def code(self) -> str:
        """The digest of the code that it runs, which is imported at once: an edit during the run changes neither."""
        _ = self.module
        return stage_digest(self.stage, self.slice)

    @property
    def paths(self) -> dict[str, Path | list[Path]]:
        """All paths, as the stage takes them; no files for the optional sections that this measurement has not."""
        none = {
            parameter.name: list[Path]()
            for parameter in signature(self.module.run).parameters.values()
            if parameter.annotation in (list[Path], list[Artefact])
        }
        return {**none, **self.inputs, **self.others}

    @property
    def read(self) -> list[Path]:
        """The artefacts that it depends on."""
        return [
            one for value in self.inputs.values() for one in (value if isinstance(value, list) else [value])
        ]

    def why_due(self) -> str | None:
        """Why it must run, as the end of a sentence; None where what it makes is there, whole and as asked for."""
        asked = Asked(self.spec, self.code, frozenset(map(str, self.read)))
        for path in self.made:
            reason = why_stale(path, asked) if path.exists() else "is missing"
            if reason or (reason := _damage(path)):
                return f"{path} {reason}"
        known = read_record(self.made[0]).get("sources", {})
        changed = [path for path in self.sources if known.get(str(path)) != sha256(path)]
        return f"{changed[0]} has changed" if changed else None


def _damage(path: Path) -> str | None:
    try:
        undamaged(path)
    except UserError:
        return "is damaged"
    return None
