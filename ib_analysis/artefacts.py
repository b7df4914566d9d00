"""Files that are either whole or absent, and that say how they were made.

Every artefact `name` has `name.json` beside it: its own SHA-256 and its provenance. A reader verifies the sum
before it trusts the content.
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
    """Read a JSON file; a missing or broken one is named."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is missing: run the workflow again, it makes what is not there.") from None
    except ValueError as error:
        raise UserError(
            f"{path} is not valid JSON ({error}): remove it and run the workflow again."
        ) from None


def link(source: Path, target: Path) -> None:
    """Put the content of `source` at `target` too: a hard link where the file system has them, else a copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def provenance_path(path: Path) -> Path:
    """Where the provenance of an artefact lies."""
    return path.with_name(path.name + ".json")


def made_from(folder: Path) -> dict[str, Any]:
    """The slice of the configuration that a folder with its provenance inside was made from."""
    found: dict[str, Any] = read_json(folder / "provenance.json")["spec"]
    return found


def verified(path: Path) -> Path:
    """The path itself, once its content has the SHA-256 that its maker wrote down."""
    if not path.exists():
        raise UserError(f"{path} is missing: run the workflow again, it makes what is not there.")
    expected = read_json(provenance_path(path)).get("sha256")
    if expected != sha256(path):
        raise UserError(
            f"{path} is not the file that its maker wrote (SHA-256 differs): remove it and run again."
        )
    return path
