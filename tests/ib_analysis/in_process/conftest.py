"""Small images, small decoders, and networks as a user would write them."""

from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from ib_analysis import analyse
from ib_analysis.in_process import analysis, run
from ib_analysis.in_process.plane import Plane
from ib_analysis.in_process.task import Task

NETS = Path(__file__).parents[1] / "encoders/torch_module/my_nets.py"
N = 48
FIT = {"steps": 3, "batch_size": 8, "evaluate_every": 2}
TINY = {
    "decoders": {
        "image": {"filters": 2, "layers": 1, "mixtures": 1, "context_filters": 2, "context_layers": 0},
        "pretrained_fit": None,
        "image_fit": FIT,
        "label_fit": FIT,
        "mixture": {"points": 0},
    },
    "samples": {"images": 1, "draws": 1, "unconditional": 1},
}


@pytest.fixture(scope="session")
def nets() -> ModuleType:
    """The networks, without the folder that they lie in."""
    spec = spec_from_file_location("networks_of_a_user", NETS)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def images() -> np.ndarray:
    """Colour images whose brightness depends on their class."""
    rng = np.random.default_rng(0)
    bright = 60 * (np.arange(N) % 3)[:, None, None, None]
    return (rng.integers(0, 100, (N, 3, 8, 8)) + bright).astype(np.uint8)


@pytest.fixture(scope="session")
def labels() -> np.ndarray:
    """Three classes in turn."""
    return np.arange(N) % 3


@pytest.fixture(scope="session")
def network(nets: ModuleType) -> torch.nn.Module:
    """The small ResNet, with the same weights each time."""
    torch.manual_seed(0)
    return nets.ResNet()


@pytest.fixture
def without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """analyse ends with the tables, for tests that look at no figure and no page."""
    every = analysis.tasks_of

    def tables(*given: Any) -> list[Task]:
        return [
            task for task in every(*given) if task.stage.partition("_")[0] not in ("draw", "plot", "write")
        ]

    monkeypatch.setattr(analysis, "tasks_of", tables)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the tasks that ran, in order; clear it between two calls."""
    names: list[str] = []
    truly = run._run

    def note(task: Task, device: str, threads: int) -> None:
        names.append(task.name)
        truly(task, device, threads)

    monkeypatch.setattr(run, "_run", note)
    return names


@pytest.fixture
def measure(
    network: torch.nn.Module, images: np.ndarray, labels: np.ndarray, tmp_path: Path
) -> Callable[..., Plane]:
    """analyse with small decoders; whatever is named takes the place of a default."""

    def call(**changes: Any) -> Plane:
        given = {"model": network, "images": images, "labels": labels, "taps": ["maxpool", "fc:input"]}
        given |= {"out": tmp_path / "results" / "mine", "preset": "quick", "seeds": (0,), "threads": 1}
        return analyse(**{**given, "settings": TINY, **changes})

    return call
