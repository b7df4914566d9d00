"""A copy of the laboratory in a temporary folder, and Snakemake run inside it."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
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


@pytest.fixture(scope="session")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Laboratory:
    folder = tmp_path_factory.mktemp("laboratory")
    for name in ("ib_analysis", "decoders", "workflow"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Snakefile", folder / "Snakefile")
    return Laboratory(folder)
