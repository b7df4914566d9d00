"""A stage depends on no notebook's settings, no terminal, no home folder and no reader of its output."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from ib_analysis.__main__ import main
from ib_analysis.datasets.official import cache_folder
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.errors import UserError
from ib_analysis.surroundings import CLOSED_PIPE, user_path

DIGITS = json.dumps({"dataset": {"implementation": "ib_analysis.datasets.digits:Digits", "spec": {}}})


def stage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ib_analysis", *arguments]
    surroundings = os.environ | {"OMP_NUM_THREADS": "1"} | environment
    return subprocess.run(command, env=surroundings, capture_output=True, text=True)


def test_the_backend_of_a_notebook_does_not_reach_the_figures():
    asked = stage("plot_samples", "--help", MPLBACKEND="module://matplotlib_inline.backend_inline")
    assert asked.returncode == 0, asked.stderr


def test_letters_that_the_terminal_lacks_are_escaped(tmp_path):
    levels = iter(range(256))
    for name in ("ア", "犬"):
        (tmp_path / "名前" / name).mkdir(parents=True)
        for i in range(12):
            Image.new("L", (4, 4), next(levels)).save(tmp_path / "名前" / name / f"{i}.png")
    source = {
        "implementation": "ib_analysis.datasets.image_folder:ImageFolder",
        "spec": {"folder": f"{tmp_path}/名前"},
    }
    spec = json.dumps({"dataset": source})
    said = stage(
        "prepare_dataset", "--spec", spec, "--out", f"{tmp_path}/out", PYTHONIOENCODING="ascii:strict"
    )
    assert said.returncode == 0, said.stderr
    assert "\\u540d\\u524d: " in said.stdout
    assert open_dataset(tmp_path / "out").header.class_names == ("ア", "犬")


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_reader_that_has_gone_is_no_traceback(tmp_path, closed):
    command = [
        sys.executable,
        "-m",
        "ib_analysis",
        "prepare_dataset",
        "--spec",
        DIGITS,
        "--out",
        f"{tmp_path}/out",
    ]
    read, write = os.pipe()
    os.close(read)
    with (tmp_path / "other").open("wb") as other:
        streams = {"stdout": other, "stderr": other, closed: write}
        ended = subprocess.run(command, env=os.environ | {"PYTHONUNBUFFERED": "1"}, **streams)
    os.close(write)
    assert ended.returncode == CLOSED_PIPE
    assert "Traceback" not in (tmp_path / "other").read_text()
    assert "BrokenPipe" not in (tmp_path / "other").read_text()


def test_no_home_folder_is_a_sentence(monkeypatch):
    def no_home(path: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", no_home)
    monkeypatch.delenv("IB_ANALYSIS_DATA", raising=False)
    for ask in (cache_folder, lambda: user_path("~/pictures")):
        with pytest.raises(UserError, match="no home folder for ~; write the whole path, or set HOME"):
            ask()


def test_a_sentence_is_one_line_whatever_the_names_of_files_hold(tmp_path, capsys):
    for name in ("ant", "bee"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a\nb\x1b[2J.png").write_bytes(b"no image")
    source = {
        "implementation": "ib_analysis.datasets.image_folder:ImageFolder",
        "spec": {"folder": str(tmp_path)},
    }
    assert (
        main(["prepare_dataset", "--out", str(tmp_path / "x"), "--spec", json.dumps({"dataset": source})])
        == 1
    )
    said = capsys.readouterr().err
    assert "ant/a\\nb\\x1b[2J.png: cannot be read" in said
    assert said.count("\n") == 1
