"""Digests of Python sources that comments and docstrings do not change.

Each job computes those of the modules that it can reach, and trees of a hundred modules take a third of a second. They
are kept beside the compiled modules, by the digest of the source. The name of the file holds the version of Python and
the digest of this module, so what another one has kept is not read.
"""

import ast
import hashlib
import sys
from functools import cache
from pathlib import Path

from decoders.training.atomic_file import write_bytes
from decoders.training.disk import DiskError

_OWN = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]
KEPT = Path(__file__).parent / "__pycache__" / f"syntax_digests.{sys.implementation.cache_tag}.{_OWN}.txt"
"""A checksum, and below it lines of the digest of a source and that of its tree."""
MOST_KEPT = 5000
"""More are of sources that are edited no more: the file begins anew."""


def syntax_digest(path: Path) -> str:
    """SHA-256 of the syntax tree of a source."""
    source = path.read_bytes()
    name = hashlib.sha256(source).hexdigest()
    known = _known()
    if name not in known:
        known[name] = hashlib.sha256(syntax_tree(source)).hexdigest()
    return known[name]


def syntax_tree(source: bytes) -> bytes:
    """The syntax tree without docstrings, as Python 3.11 writes it: other versions leave out or add what is empty."""
    empty = {"show_empty": True} if sys.version_info >= (3, 13) else {}
    tree = without_docstrings(ast.parse(source))
    for node in ast.walk(tree):
        if getattr(node, "type_params", None) == []:
            delattr(node, "type_params")
    return ast.dump(tree, **empty).encode()


def without_docstrings(tree: ast.Module) -> ast.Module:
    """The tree, changed in place."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:] or [ast.Pass()]
    return tree


def keep_digests() -> None:
    """Keep the digests for later processes, where there are new ones and the folder can be written."""
    known, before = _known(), _read()
    grows = len(before) < MOST_KEPT
    if sys.dont_write_bytecode or (grows and known.keys() <= before.keys()):
        return
    together = before | known if grows else known
    lines = "".join(f"{name} {tree}\n" for name, tree in together.items())
    try:
        write_bytes(KEPT, f"{_checksum(lines)}\n{lines}".encode())
    except DiskError:  # a checkout of others is read and not written
        return


@cache
def _known() -> dict[str, str]:
    found = _read()
    return found if len(found) < MOST_KEPT else {}


def _read() -> dict[str, str]:
    """The kept digests; none where the file is missing or damaged."""
    try:
        checksum, _, lines = KEPT.read_text(encoding="ascii").partition("\n")
    except (OSError, ValueError):
        return {}
    return dict(line.split() for line in lines.splitlines()) if checksum == _checksum(lines) else {}


def _checksum(lines: str) -> str:
    return hashlib.sha256(lines.encode()).hexdigest()
