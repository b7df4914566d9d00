"""How an artefact was made: the specification, a digest of the code, versions, seed and device.

The digest of a stage covers the docstring-free syntax trees of every module that the stage can reach by import,
and of the implementations that its specification names. A comment or a docstring therefore changes nothing, and
an edited decoder re-runs just the stages that fit or read decoders.
"""

import ast
import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from time import time
from typing import Any

import grimp

from ib_analysis.artefacts import provenance_path, sha256, write_json

PACKAGES = ("ib_analysis", "decoders")
BESIDE = {".mplstyle", ".css", ".jinja", ".c", ".h"}
"""What lies beside a module and is part of what it does."""
VERSIONS = ("ib-analysis", "torch", "numpy", "scipy", "matplotlib", "snakemake", "safetensors")


@dataclass(frozen=True)
class Job:
    """One run of one stage: what it was asked, by which code, and where."""

    stage: str
    spec: Mapping[str, Any]
    code: str
    device: str
    threads: int
    started: float = field(default_factory=time)

    def record(self, path: Path, **facts: Any) -> None:
        """Write the provenance beside an artefact that is already in its place."""
        write_json(provenance_path(path), self.provenance() | {"sha256": sha256(path)} | facts)

    def provenance(self) -> dict[str, Any]:
        """Everything that this run knows of itself."""
        return {
            "made_by": self.stage,
            "spec": dict(self.spec),
            "code": self.code,
            "device": self.device,
            "threads": self.threads,
            "machine": f"{platform.system()} {platform.machine()}",
            "python": platform.python_version(),
            "versions": installed_versions(),
            "seconds": round(time() - self.started, 3),
        }


@cache
def installed_versions() -> dict[str, str]:
    """Versions of the packages that numbers depend on."""
    found = {}
    for name in VERSIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def canonical_json(content: Any) -> str:
    """The one spelling of a specification: sorted keys, no spaces."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest_of(content: Any) -> str:
    """Short digest of any JSON content, for names of scratch folders."""
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()[:16]


def stage_digest(stage: str, spec: Mapping[str, Any]) -> str:
    """Digest of the code that a stage runs: its import closure and that of the implementations its spec names."""
    return _modules_digest(frozenset({f"ib_analysis.stages.{stage}", *_implementations(spec)}))


@cache
def _modules_digest(modules: frozenset[str]) -> str:
    closure = set(modules)
    for module in modules:
        closure |= _graph().find_upstream_modules(module)
    digest = hashlib.sha256()
    for module in sorted(closure):
        digest.update(f"{module} {_tree_digest(module)}\n".encode())
    return digest.hexdigest()[:16]


def _implementations(content: Any) -> set[str]:
    if isinstance(content, Mapping):
        found = {str(content["implementation"]).split(":")[0]} if "implementation" in content else set()
        return found.union(*(_implementations(value) for value in content.values()))
    if isinstance(content, list | tuple):
        return set().union(*(_implementations(value) for value in content))
    return set()


@cache
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, cache_dir=None)


@cache
def _tree_digest(module: str) -> str:
    found = find_spec(module)
    if found is None or found.origin is None:
        return "namespace"
    path = Path(found.origin)
    digest = hashlib.sha256(
        ast.dump(_without_docstrings(ast.parse(path.read_text(encoding="utf-8")))).encode()
    )
    for beside in sorted(p for p in path.parent.iterdir() if p.suffix in BESIDE):
        digest.update(beside.read_bytes())
    return digest.hexdigest()


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:] or [ast.Pass()]
    return tree
