"""Provenance of an artefact: the specification, a digest of the code, versions, seed and device.

The digest of a stage covers the docstring-free syntax trees of every module that the stage can reach by import, of the
implementations that its specification names, and of the user's own networks. A comment or a docstring therefore changes
nothing, and an edited decoder re-runs just the stages that fit or read decoders.
"""

import hashlib
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

from ib_analysis.artefacts import canonical_json, write_record
from ib_analysis.own_modules import OBJECT, installed_version, own_files
from ib_analysis.syntax_digests import keep_digests, syntax_digest

PACKAGES = ("ib_analysis", "decoders")
BESIDE = {".mplstyle", ".css", ".jinja", ".js", ".c", ".h"}
"""Suffixes of files beside a module that are part of its code."""
VERSIONS = ("ib-analysis", "torch", "numpy", "scipy", "matplotlib", "snakemake", "safetensors")


@dataclass(frozen=True)
class Job:
    """One run of one stage: its specification, the digest of its code, its device, its threads and its inputs.

    `inputs` has the identity of each artefact that the stage is handed, by its path.
    """

    stage: str
    spec: Mapping[str, Any]
    code: str
    device: str
    threads: int
    inputs: Mapping[str, str] = field(default_factory=dict)
    started: float = field(default_factory=time)

    def record(self, path: Path, **facts: Any) -> None:
        """Write the record of an artefact, a file or a folder, that this run has just written."""
        write_record(path, self.provenance() | facts)

    def provenance(self) -> dict[str, Any]:
        """Specification, code, inputs, device, versions and seconds of this run."""
        return {
            "made_by": self.stage,
            "spec": dict(self.spec),
            "code": self.code,
            "inputs": dict(self.inputs),
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


def digest_of(content: Any) -> str:
    """Short digest of any JSON content, for names of scratch folders."""
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()[:16]


def stage_digest(stage: str, spec: Mapping[str, Any]) -> str:
    """Digest of the code that a stage runs: its import closure and that of all that its spec names.

    The spec names implementations, and under `build` the user's own networks.
    """
    own = _modules_digest(frozenset({f"ib_analysis.stages.{stage}", *_implementations(spec)}))
    of_networks = [_own_code_digest(build) for build in sorted(_builds(spec))]
    keep_digests()
    return digest_of([own, *of_networks]) if of_networks else own


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


def _builds(content: Any) -> set[str]:
    """The modules of the user's own networks."""
    if isinstance(content, Mapping):
        build = content.get("build")
        own = isinstance(build, str) and not build.startswith(
            OBJECT
        )  # the name of an object holds its digest
        found = {str(build).split(":")[0]} if own else set()
        return found.union(*(_builds(value) for value in content.values()))
    if isinstance(content, list | tuple):
        return set().union(*(_builds(value) for value in content))
    return set()


def _own_code_digest(module: str) -> str:
    """Digest of a module of the working folder and of all that it imports there, or the version of an installed one."""
    folder = Path.cwd()
    trees = [(str(file.relative_to(folder)), syntax_digest(file)) for file in own_files(module, folder)]
    return digest_of(trees or installed_version(module))


@cache
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, cache_dir=None)


@cache
def _tree_digest(module: str) -> str:
    found = find_spec(module)
    if found is None or found.origin is None:
        return "namespace"
    path = Path(found.origin)
    digest = hashlib.sha256(syntax_digest(path).encode())
    for beside in sorted(p for p in path.parent.iterdir() if p.suffix in BESIDE):
        digest.update(beside.read_bytes())
    return digest.hexdigest()
