"""The command that lists every tap of a network of one's own."""

import shutil
import sys
from pathlib import Path

import pytest

from ib_analysis.__main__ import main

NETS = Path(__file__).with_name("encoders") / "torch_module/my_nets.py"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    shutil.copy(NETS, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "my_nets", raising=False)


def listed(capfd, *arguments: str) -> dict[str, list[str]]:
    assert main(["taps", *arguments]) == 0
    lines = [line.split("  ") for line in capfd.readouterr().out.splitlines()[2:-2]]
    cells = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    return {row[0] if len(row) == 4 else row[1]: row for row in cells}


def test_every_module_has_its_position_calls_and_shape(capfd):
    rows = listed(capfd, "my_nets:ResNet", "--shape", "3x8x8")
    assert rows["maxpool"] == ["4", "maxpool", "1", "n x 4 x 4 x 4", "MaxPool2d"]
    assert rows["layer1.0.relu@1"][2] == rows["layer1.0.relu@2"][2] == "2"
    assert rows["never"] == ["never", "0", "never called", "Linear"]
    positions = [int(row[0]) for row in rows.values() if len(row) == 5]
    assert positions == list(range(1, len(positions) + 1))
    assert list(rows).index("layer1.0.relu@1") < list(rows).index("layer1") < list(rows).index("fc")


def test_tuples_and_mappings_show_their_items(capfd):
    assert "(n x 5 x 8, " in listed(capfd, "my_nets:Vit", "--shape", "3x8x8")["attention"][3]
    rows = listed(capfd, "my_nets:Autoencoder", "--shape", "3x8x8")
    assert rows["both"][3] == "{code: n x 6, image: n x 192}"


def test_arguments_reach_the_network(capfd):
    rows = listed(
        capfd, "my_nets:ResNet", "--shape", "1x8x8", "--arguments", '{"channels": 1, "num_classes": 7}'
    )
    assert rows["fc"][3] == "n x 7"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["my_nets", "--shape", "3x8x8"], "write module:name"),
        (["my_nets:ResNet", "--shape", "3,8,8"], "write channels x height x width"),
        (["my_nets:ResNet", "--shape", "1x8x8"], "fails on a batch of shape (2, 1, 8, 8)"),
        (["my_nets:ResNet", "--shape", "3x8x8", "--arguments", "[3]"], "must be a JSON object"),
        (["my_nets:ResNet", "--shape", "3x8x8", "--arguments", "{"], "not valid JSON"),
        (["no_nets:ResNet", "--shape", "3x8x8"], "there is no module no_nets"),
    ],
)
def test_a_mistake_is_one_sentence(capfd, arguments, words):
    assert main(["taps", *arguments]) == 1
    error = capfd.readouterr().err
    assert words in error
    assert len(error.splitlines()) == 1
