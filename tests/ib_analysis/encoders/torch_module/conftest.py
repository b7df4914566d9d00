"""A working folder with networks of a user's own in it."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.specs.torch_module import TorchModuleSpec
from ib_analysis.encoders.torch_module.encoder import TorchModule

IMAGE = ImageShape(channels=3, height=8, width=8, levels=256)
Build = Callable[..., TorchModule]


@pytest.fixture(autouse=True)
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder holds my_nets.py, and Python finds it."""
    shutil.copy(Path(__file__).with_name("my_nets.py"), tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "my_nets", raising=False)
    return tmp_path


@pytest.fixture
def built() -> Build:
    """Builds an encoder from the name of a network and its taps, a mapping or the places alone."""

    def build(name: str, taps: dict[str, str] | str, **settings: Any) -> TorchModule:
        places = {f"t{i}": place for i, place in enumerate(taps.split())} if isinstance(taps, str) else taps
        named = [{"name": key, "reads": place} for key, place in places.items()]
        image = settings.pop("image", IMAGE)
        spec = TorchModuleSpec(build=f"my_nets:{name}", taps=named, **settings)
        return TorchModule(spec, "fixed", image, 10)

    return build


@pytest.fixture
def x() -> Tensor:
    """Six images."""
    return torch.randint(256, (6, 3, 8, 8), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
