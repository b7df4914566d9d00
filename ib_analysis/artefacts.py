"""Artefacts: files and folders that are either whole or absent, each with the record of how it was made.

A file `name` has its record in `name.json` beside it, a folder in its `provenance.json`. The record lists every file of
the artefact with its size and SHA-256, and says what the artefact was made from: the slice of the configuration, the
digest of the code, and the identity of every input. It holds a checksum of itself. `verified` is the door through which
every stage gets what it reads.
"""

import hashlib
import inspect
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from decoders.training.atomic_file import replacing
from decoders.training.disk import explain_disk_errors
from decoders.training.failures import reading
from ib_analysis.errors import UserError

BLOCK = 1 << 20
OF_A_FOLDER = "provenance.json"
REMEDY = "remove it and run the workflow again"
Artefact = Annotated[Path, "verified before the stage starts"]
"""The type of a stage's parameters that name artefacts which other stages made."""


def sha256(path: Path) -> str:
    """SHA-256 of a file; a file that has not changed is read once a process."""
    return _sha256_of(str(path), *_signature(path))


@cache
def _sha256_of(path: str, *_signature: int) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _signature(path: Path) -> tuple[int, ...]:
    """What a file system changes together with the content of a file."""
    about = path.stat()
    return about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary sibling folder, which replaces `path` when the block ends without error.

    Raises:
        DiskError: the operating system refuses the file, for want of room or for another reason.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with explain_disk_errors(path):
        temporary.mkdir(parents=True)
        try:
            yield temporary
            shutil.rmtree(path, ignore_errors=True)
            os.replace(temporary, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically, keys sorted, so that the same content gives the same bytes."""
    write_text(path, json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        UserError: the file is missing or is not valid JSON.
    """
    if not path.exists():
        raise UserError(f"{path} is missing: run the workflow again, it makes what is not there.")
    with reading(path, "is not valid JSON", "remove it and run the workflow again.", UserError):
        return json.loads(path.read_text(encoding="utf-8"))


def canonical_json(content: Any) -> str:
    """Canonical JSON: sorted keys, no spaces."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def link(source: Path, target: Path) -> None:
    """Put the content of `source` at `target` too: a hard link where the file system has them, else a copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def record_path(path: Path) -> Path:
    """Where the record of an artefact lies."""
    return path / OF_A_FOLDER if path.is_dir() else path.with_name(f"{path.name}.json")


def write_record(path: Path, facts: Mapping[str, Any]) -> None:
    """Write the record of an artefact that has just been written: the facts, and the size and SHA-256 of its files."""
    place = _place(path)
    files = {
        file.relative_to(place).as_posix(): {"bytes": file.stat().st_size, "sha256": sha256(file)}
        for file in _files(path)
    }
    content = {**facts, "files": files}
    write_json(record_path(path), content | {"checksum": _checksum(content)})


def read_record(path: Path) -> dict[str, Any]:
    """The record of an artefact.

    Raises:
        UserError: the artefact or its record is missing, or the record is not what its maker wrote.
    """
    if not path.exists():
        raise _missing(path)
    try:
        found = _record_of(str(record_path(path)), *_signature(record_path(path)))
    except OSError:
        found = None
    if found is None:
        raise UserError(
            f"{path} has no record of how it was made, or a damaged one ({record_path(path).name}): {REMEDY}."
        )
    return found


@cache
def _record_of(path: str, *_signature: int) -> dict[str, Any] | None:
    """The content of a record; None where it is damaged."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        checksum = content.pop("checksum")
    except (ValueError, AttributeError, KeyError):
        return None
    return content if checksum == _checksum(content) else None


def made_from(path: Path) -> dict[str, Any]:
    """The slice of the configuration that an artefact was made from."""
    found: dict[str, Any] = read_record(path)["spec"]
    return found


def identity(path: Path) -> str:
    """Digest of the content of an artefact as its record states it; equal content has the same identity."""
    return _checksum({name: facts["sha256"] for name, facts in read_record(path)["files"].items()})


def damage(path: Path) -> str | None:
    """What an artefact lacks by the sizes in its record, without reading its content; None where it lacks nothing."""
    place = _place(path)
    for name, facts in read_record(path)["files"].items():
        if not (place / name).is_file():
            return f"lacks {name}" if path.is_dir() else "is missing"
        if (found := (place / name).stat().st_size) != facts["bytes"]:
            return f"holds {found:,} bytes of {name}, of which its maker wrote {facts['bytes']:,}"
    return None


def verified(path: Path) -> Path:
    """Verify an artefact and that its inputs are still those that it was made from, and return its path.

    Raises:
        UserError: as `undamaged`, or an input that the artefact was made from has been made anew since.
    """
    for name in changed_inputs(read_record(undamaged(path))):
        raise UserError(f"{path} was made from {name}, which is another one by now: {REMEDY}.")
    return path


def undamaged(path: Path) -> Path:
    """Verify every file of an artefact, and return its path. A file that has not changed is read once a process.

    Raises:
        UserError: the artefact, one of its files or its record is missing, or a file is not the one that was written.
    """
    record, place = read_record(path), _place(path)
    for name, facts in record["files"].items():
        file = place / name
        if not file.is_file():
            raise _missing(file)
        if sha256(file) != facts["sha256"]:
            raise UserError(f"{file} is not the file that its maker wrote (SHA-256 differs): {REMEDY}.")
    return path


def changed_inputs(record: Mapping[str, Any]) -> Iterator[str]:
    """The inputs of an artefact that are there and have another identity than those that it was made from."""
    for name, known in record["inputs"].items():
        if Path(name).exists() and identity(Path(name)) != known:
            yield name


def verified_inputs(run: Callable[..., Any], paths: Mapping[str, Any]) -> dict[str, str]:
    """Verify every artefact that a stage's `run` is handed, and return the identity of each by its path.

    Args:
        run: its parameters of type `Artefact`, and lists of them, name artefacts.
        paths: a path or a list of paths for each parameter.

    Raises:
        UserError: as `verified`.
    """
    found = [path for name in artefact_parameters(run) for path in _listed(paths[name])]
    return {os.path.normpath(path): identity(verified(path)) for path in found}


def artefact_parameters(run: Callable[..., Any]) -> list[str]:
    """The parameters of a stage's `run` that name artefacts."""
    parameters = inspect.signature(run).parameters.values()
    return [p.name for p in parameters if p.annotation in (Artefact, list[Artefact])]


def _listed(given: Path | list[Path]) -> list[Path]:
    return given if isinstance(given, list) else [given]


def _place(path: Path) -> Path:
    """The folder that the names in the record of an artefact are relative to."""
    return path if path.is_dir() else path.parent


def _files(path: Path) -> list[Path]:
    """The files of an artefact but for its record and for hidden ones, which Snakemake adds to folders."""
    if not path.is_dir():
        return [path]
    visible = (file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
    return sorted(file for file in visible if file != record_path(path))


def _checksum(content: Any) -> str:
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()


def _missing(path: Path) -> UserError:
    return UserError(f"{path} is missing: run the workflow again, it makes what is not there.")
