"""The user's own modules that a network is built from, found without importing any of them."""

import ast
import sysconfig
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

OBJECT = "object:"
"""How the `build` of a network begins that is only an object: after it stand its class and its digest."""
LABORATORY = ("ib_analysis", "decoders")
"""Packages whose code a stage's digest covers in another way."""


def own_files(module: str, folder: Path) -> list[Path]:
    """The files of a module of the folder and of all modules of the folder that it imports, directly or not; sorted.

    An import inside a function counts. A module that lies elsewhere has no file here.
    """
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        for file in _files(waiting.pop(), folder):
            if file not in found:
                found.add(file)
                waiting.extend(_imported(file, folder))
    return sorted(found)


def installed_version(module: str) -> str:
    """Name and version of the distribution that is named like the module's package, where there is one.

    >>> installed_version("torch.nn").startswith("torch ")
    True
    """
    package = module.partition(".")[0]
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return package


def _files(module: str, folder: Path) -> Iterator[Path]:
    """The file of a module, and those of the packages that it lies in."""
    parts = module.split(".")
    if parts[0] in LABORATORY:
        return
    for end in range(1, len(parts) + 1):
        place = folder.joinpath(*parts[:end])
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if file.is_file() and not _is_installed(file):
                yield file


def _is_installed(file: Path) -> bool:
    """Whether it belongs to an environment inside the folder."""
    return any(
        file.resolve().is_relative_to(Path(sysconfig.get_path(name)).resolve())
        for name in ("purelib", "stdlib")
    )


def _imported(file: Path, folder: Path) -> Iterator[str]:
    package = list(file.relative_to(folder).parts[:-1])
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join((*above, *((node.module,) if node.module else ())))
            if source:
                yield source
            yield from (f"{source}.{alias.name}".lstrip(".") for alias in node.names)
