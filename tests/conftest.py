"""The order of the tests, and a copy of the laboratory in a temporary folder, with Snakemake run inside it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SNAKEMAKE = Path(sys.executable).with_name("snakemake")


@dataclass(frozen=True)
class Laboratory:
    """A checkout of its own, whose code may be edited and whose results may be broken."""

    folder: Path
    said: str = ""
    """What the run printed that made the results."""

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"PYTHONPATH": str(self.folder), "OMP_NUM_THREADS": "1", "CI": "1"}

    def snakemake(self, config: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("--configfile", config, "--cores", "2", *arguments)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Snakemake with no other options than these."""
        command = [str(SNAKEMAKE), "--nocolor", *arguments]
        return subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)

    def stage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ib_analysis", *arguments]
        return subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.folder / path
        text = file.read_text()
        assert old in text, f"{path} holds no {old!r}"
        file.write_text(text.replace(old, new, 1))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Moves the tests of whole workflows, the longest ones, to the front, so that two workers end together."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/workflow/"))


@pytest.fixture(scope="session")
def new_laboratory(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Laboratory]:
    def copy() -> Laboratory:
        folder = tmp_path_factory.mktemp("laboratory")
        for name in ("ib_analysis", "decoders", "workflow"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "Snakefile", folder / "Snakefile")
        return Laboratory(folder)

    return copy


@pytest.fixture(scope="session")
def laboratory(new_laboratory: Callable[[], Laboratory]) -> Laboratory:
    return new_laboratory()
