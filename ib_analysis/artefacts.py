"""Files that are either whole or absent, with their provenance.

Every artefact `name` has `name.json` beside it, with its SHA-256 and its provenance. A reader verifies the SHA-256
first.
"""

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from decoders.training.atomic_file import replacing
from decoders.training.disk import explain_disk_errors
from decoders.training.failures import reading
from ib_analysis.errors import UserError

BLOCK = 1 << 20


def sha256(path: Path) -> str:
    """SHA-256 of a file, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


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


def link(source: Path, target: Path) -> None:
    """Put the content of `source` at `target` too: a hard link where the file system has them, else a copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def provenance_path(path: Path) -> Path:
    """Path of the provenance of an artefact."""
    return path.with_name(path.name + ".json")


def made_from(folder: Path) -> dict[str, Any]:
    """The slice of the configuration that the artefacts of a folder were made from."""
    found: dict[str, Any] = read_json(folder / "provenance.json")["spec"]
    return found


def verified(path: Path) -> Path:
    """Verify the SHA-256 of an artefact, and return its path.

    Raises:
        UserError: the file is missing, or its content has another SHA-256.
    """
    if not path.exists():
        raise UserError(f"{path} is missing: run the workflow again, it makes what is not there.")
    expected = read_json(provenance_path(path)).get("sha256")
    if expected != sha256(path):
        raise UserError(
            f"{path} is not the file that its maker wrote (SHA-256 differs): remove it and run again."
        )
    return path
