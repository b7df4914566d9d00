"""The code of a network of one's own belongs to the digest of every stage that computes h."""

from pathlib import Path

import pytest

from ib_analysis.own_modules import own_files
from ib_analysis.provenance import stage_digest

SPEC = {
    "architecture": {
        "implementation": "ib_analysis.encoders.torch_module.encoder:TorchModule",
        "spec": {"build": "nets.big:make"},
    }
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets").mkdir()
    for name, text in {
        "nets/__init__.py": "",
        "nets/big.py": "import torch\nfrom . import part\nfrom .layers import block\n",
        "nets/layers.py": "def block():\n    from outside import size\n    return size\n",
        "nets/part.py": "import nets.big\n",
        "outside.py": "size = 1\n",
        "nobody.py": "size = 1\n",
    }.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_imports_are_followed_within_the_folder(folder):
    found = [str(path.relative_to(folder)) for path in own_files("nets.big", folder)]
    assert found == ["nets/__init__.py", "nets/big.py", "nets/layers.py", "nets/part.py", "outside.py"]


@pytest.mark.parametrize(
    ("file", "text", "changes"),
    [
        ("outside.py", "size = 2\n", True),
        ("nets/__init__.py", "x = 1\n", True),
        ("outside.py", '"""A docstring."""\nsize = 1  # a comment\n', False),
        ("nobody.py", "size = 2\n", False),
    ],
)
def test_an_edit_of_what_is_reached_changes_the_digest(file, text, changes):
    before = stage_digest("train_encoder", SPEC)
    Path(file).write_text(text)
    assert (stage_digest("train_encoder", SPEC) != before) == changes


def test_nothing_is_imported(folder):
    (folder / "nets/big.py").write_text("raise SystemExit('imported')\n")
    assert len(stage_digest("train_encoder", SPEC)) == 16
