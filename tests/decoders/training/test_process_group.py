"""Two processes that fit one decoder together: what one would have fitted, and no process left waiting.

Run as a script, this file is one of the processes: `python test_process_group.py WHAT FOLDER`.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from unittest.mock import ANY

import numpy as np
import pytest
import torch
from torch import nn

from decoders.categorical import Categorical
from decoders.errors import DecoderError, FitError
from decoders.fitting import fit
from decoders.pairs import TensorPairs
from decoders.pixelcnn_pp.decoder import PixelCNNPP
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.spec import CategoricalSpec, FitSpec, ImageTarget, LabelTarget
from decoders.training import saved_state
from decoders.training.process_group import Ranks, join_process_group

IMAGE = ImageTarget(channels=1, height=8, width=8, levels=4)
# 7 examples a batch, 4 for the first process and 3 for the second; 5 examples held out, 3 and 2.
SPEC = FitSpec(
    steps=8, batch_size=7, learning_rate=2e-3, evaluate_every=4, gradient_clip=1.0, holdout=0.1, seed=1
)


class Killed(BaseException):
    pass


class DyingPairs(TensorPairs):
    """Ends at the n-th batch, in the way that it is told."""

    def arm(self, batches, end=None):
        object.__setattr__(self, "left", batches)
        object.__setattr__(self, "end", end or killed)
        return self

    def batch(self, rows):
        object.__setattr__(self, "left", self.left - 1)
        if self.left < 0:
            self.end()
        return super().batch(rows)


def killed():
    raise Killed


def images():
    """Images of two flat halves; h shows the upper one."""
    generator = torch.Generator().manual_seed(0)
    levels = torch.randint(4, (50, 2), generator=generator)
    x = levels.repeat_interleave(4, 1)[:, None, :, None].expand(50, 1, 8, 8).contiguous().to(torch.uint8)
    return x, levels[:, :1].double()


def classes():
    """Classes, and h around a corner for each."""
    generator = torch.Generator().manual_seed(0)
    y = torch.randint(3, (50,), generator=generator)
    return y, nn.functional.one_hot(y, 5) + torch.randn((50, 5), generator=generator).double()


# In float64 sums in another order differ by 1e-16, and what Adam makes of a gradient near 0 by little more.
def pixelcnn_pp(filters=4):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        spec = PixelCNNPPSpec(filters=filters, layers=1, mixtures=2, dropout=0.0, context_filters=filters)
        return PixelCNNPP(spec, IMAGE, (1,)).double()


def pixelcnn_pp_at_once():
    """In float32, whose layers are one operation: in one process it reads all weights as one vector."""
    return pixelcnn_pp(filters=8).float()


def categorical(dropout=0.0):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        spec = CategoricalSpec(hidden=8, dropout=dropout)
        return Categorical(spec, LabelTarget(classes=3), (5,)).double()


def fitted(decoder, pairs, state_path=None):
    found = fit(decoder, pairs, SPEC, state_path=state_path)
    losses = [(row.fit_nats or 0.0, row.holdout_nats) for row in found.history]
    weights = {name: weight.tolist() for name, weight in decoder.state_dict().items()}
    return {"losses": losses, "weights": weights, "best_step": found.best_step}


def assert_equal_but_for_rounding(found, expected):
    assert found["best_step"] == expected["best_step"] > 0
    # The loss of a step is a float32, whatever the weights are.
    np.testing.assert_allclose(found["losses"], expected["losses"], rtol=1e-6)
    for name, weight in expected["weights"].items():
        np.testing.assert_allclose(found["weights"][name], weight, rtol=1e-5, atol=1e-7, err_msg=name)


# ---- what a process does


def refusal(spec, state_path=None):
    with pytest.raises(FitError) as refused:
        fit(categorical(), TensorPairs(*classes()), spec, state_path=state_path)
    return str(refused.value)


def fit_and_go_on(ranks, folder):
    """Whole fits, one that goes on from a single process' state, one that is left for it, and one refused."""
    result = {
        "image": fitted(pixelcnn_pp(), TensorPairs(*images())),
        "image at once": fitted(pixelcnn_pp_at_once(), TensorPairs(*images())),
        "label": fitted(categorical(), TensorPairs(*classes())),
        "gone on": fitted(categorical(), TensorPairs(*classes()), folder / "of-one.pt"),
        "noisy": fitted(categorical(dropout=0.5), TensorPairs(*classes())),
    }
    with pytest.raises(Killed):
        fit(categorical(), DyingPairs(*classes()).arm(8), SPEC, state_path=folder / "of-two.pt")
    result["few rows"] = refusal(SPEC.model_copy(update={"batch_size": 1}))
    result["other states"] = refusal(SPEC, folder / ("of-one.pt" if ranks.first else "missing.pt"))
    (folder / f"{ranks.rank}.json").write_text(json.dumps(result))


def fit_until_the_second_is_killed(ranks, folder):
    end = (lambda: os.kill(os.getpid(), signal.SIGKILL)) if ranks.rank == 1 else killed
    fit(categorical(), DyingPairs(*classes()).arm(6 if ranks.rank == 1 else 1000, end), SPEC)


DEEDS = {deed.__name__: deed for deed in (fit_and_go_on, fit_until_the_second_is_killed)}


def process(what, folder):
    torch.set_num_threads(1)
    saved_state.SAVE_EVERY_SECONDS = 0.0
    try:
        with join_process_group(torch.device("cpu")) as ranks:
            DEEDS[what](ranks, Path(folder))
    except DecoderError as error:
        sys.exit(f"{type(error).__name__}: {error}")


def in_two_processes(what, folder):
    """Exit code and last words of each."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = os.environ | {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    running = [
        subprocess.Popen(
            [sys.executable, __file__, what, str(folder)],
            env=shared | {"RANK": str(rank), "LOCAL_RANK": str(rank), "OMP_NUM_THREADS": "1"},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        words = [one.communicate(timeout=180)[1] for one in running]
    finally:
        for one in running:
            one.kill()
    return [(one.returncode, said) for one, said in zip(running, words, strict=True)]


# ---- what must come of it


@pytest.fixture
def state_of_one(tmp_path, monkeypatch):
    """The folder of a state that one process left in the middle of a fit."""
    monkeypatch.setattr(saved_state, "SAVE_EVERY_SECONDS", 0.0)
    with pytest.raises(Killed):
        fit(categorical(), DyingPairs(*classes()).arm(8), SPEC, state_path=tmp_path / "of-one.pt")
    return tmp_path


def test_two_processes_fit_what_one_does_and_each_goes_on_where_the_other_stopped(state_of_one):
    assert in_two_processes("fit_and_go_on", state_of_one) == [(0, ANY), (0, ANY)]
    first, second = (json.loads((state_of_one / f"{rank}.json").read_text()) for rank in range(2))
    for refused in (first.pop("other states"), second.pop("other states")):
        assert refused.startswith("decoder: not every process reads the same state")
    assert first == second
    assert_equal_but_for_rounding(first["image"], fitted(pixelcnn_pp(), TensorPairs(*images())))
    at_once = fitted(pixelcnn_pp_at_once(), TensorPairs(*images()))
    np.testing.assert_allclose(first["image at once"]["losses"], at_once["losses"], rtol=1e-4)
    whole = fitted(categorical(), TensorPairs(*classes()))
    assert_equal_but_for_rounding(first["label"], whole)
    assert_equal_but_for_rounding(first["gone on"], whole)
    # Five batches are one gradient step and two validation steps, too few for a fit from the beginning.
    assert_equal_but_for_rounding(
        fitted(categorical(), DyingPairs(*classes()).arm(5), state_of_one / "of-two.pt"), whole
    )
    assert first["few rows"].startswith(
        "decoder: 2 processes cannot share batches of 1; raise fit.batch_size"
    )


def test_a_killed_process_ends_the_other_with_a_sentence(tmp_path):
    (code, words), (other_code, _) = in_two_processes("fit_until_the_second_is_killed", tmp_path)
    assert other_code == -signal.SIGKILL
    assert code == 1
    assert "PartnerError: another process of this fit has ended" in words
    assert "Traceback" not in words


def test_one_process_joins_nothing_and_incomplete_variables_are_refused(monkeypatch):
    for name in ("WORLD_SIZE", "RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    with join_process_group(torch.device("cpu")) as ranks:
        assert ranks == Ranks(0, 1)
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    with (
        pytest.raises(FitError, match="LOCAL_RANK, MASTER_ADDR, MASTER_PORT"),
        join_process_group(torch.device("cpu")),
    ):
        pass


if __name__ == "__main__":
    process(*sys.argv[1:])
