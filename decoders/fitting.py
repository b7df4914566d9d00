"""Maximum likelihood: fit(decoder, pairs, spec), resumable, with a held-out share for the stopping rule."""

import json
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from decoders.batches import Batches, divide, step_seed
from decoders.data_parallel import Ranks
from decoders.density import Decoder
from decoders.errors import FitError
from decoders.evaluation import NegativeLogLikelihood, nats_per_example
from decoders.fit_state import read_state, write_state
from decoders.gradient_step import GradientStep, adam, gradient_step, set_learning_rate
from decoders.learning_rate import learning_rate
from decoders.pairs import Pairs
from decoders.plateau import LateGain, late_gain
from decoders.progress import progress
from decoders.spec import FitSpec
from decoders.weight_average import WeightAverage

SAVE_EVERY_SECONDS = 30.0
# Held-out examples whose nats are kept at every look for the paired error of the late gain (8 KB a look).
KEPT_NATS = 2048
# On a GPU a look at the loss or the clock waits for the device; there it is done once in so many steps.
GPU_CHECK_EVERY = 20


@dataclass(frozen=True)
class HistoryRow:
    """One look at the held-out share; `fit_nats` is the mean loss of the steps since the look before."""

    step: int
    seconds: float
    fit_nats: float | None
    holdout_nats: float
    holdout_stderr_nats: float
    learning_rate: float


@dataclass(frozen=True)
class Fit:
    """How a fit went; all cross-entropies are of the averaged weights, in nats per example.

    `stopped` is "plateau" where the patience ran out and "budget" where the steps did; `near_plateau` is
    judged by `decoders.plateau.LateGain` either way, and `late_gain_nats` with its standard error is what
    it judged. `seconds` counts the time of every run that went into the fit, `seconds_in_data` the part of
    it spent waiting for pairs (on a GPU measured at one step in 20). `ignores_h` is set by
    `decoders.ignorance` where p(x) was no worse.
    """

    steps: int
    stopped: Literal["plateau", "budget"]
    near_plateau: bool
    best_step: int
    holdout_nats: float
    holdout_stderr_nats: float
    late_gain_nats: float
    late_gain_stderr_nats: float
    seconds: float
    seconds_in_data: float
    history: tuple[HistoryRow, ...]
    ignores_h: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


def fit(
    decoder: Decoder,
    pairs: Pairs,
    spec: FitSpec,
    *,
    device: torch.device | str = "cpu",
    state_path: Path | None = None,
    label: str = "decoder",
) -> Fit:
    """Minimise the mean of -log q(target | h) over the pairs, holding a share of them out.

    The decoder is initialised from one large batch, fitted by Adam, and left with the best averaged weights
    (lowest held-out cross-entropy, the initialised decoder included), in evaluation mode, on the device.
    Everything random is a function of (seed, step) or (seed, epoch): on a CPU a fit that was interrupted
    and goes on from `state_path` equals one that was not, bit for bit. The global generators are left as
    they were.

    Where a process group is joined (`decoders.data_parallel`), its processes fit the decoder together: each takes
    its rows of every batch and of the held-out share, and all have the same weights, the same losses and the same
    end. A step is that of one process up to the order of floating-point sums, except that every process draws its
    own noise: with dropout the fit is another draw of the same law. The first process writes the state, and any
    number of processes can go on from it.

    A look at the held-out share costs about holdout * len(pairs) / (3 * batch_size * evaluate_every) of the
    fit's time.

    Args:
        decoder: as it was built; its weights are initialised and fitted in place.
        pairs: the decoder part; the evaluation part must not be in it.
        spec: the recipe.
        device: where the decoder and the pairs' batches live.
        state_path: where to keep the state while fitting (at most every 30 s); the caller deletes it.
        label: names this fit in the progress bar, in errors and in the state.

    Raises:
        FitError: too few pairs, nothing to fit, more processes than pairs in a batch, or a loss that is not finite.
        DecoderFileError: the state cannot be written.
    """
    device = torch.device(device)
    if not any(parameter.requires_grad for parameter in decoder.parameters()):
        raise FitError(
            f"{label}: {type(decoder).__name__} has no weights to fit by gradients; use its closed form"
        )
    with _generators_kept(device):
        run = _Run(decoder, pairs, spec, device, label)
        run.resume(state_path) if state_path is not None else run.begin()
        run.go_on(state_path)
        return run.finish()


@contextmanager
def _generators_kept(device: torch.device) -> Iterator[None]:
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        yield


def _groups(decoder: Decoder, spec: FitSpec) -> list[dict[str, Any]]:
    """New weights at the full rate; those of a trunk at a share of it, or a short fit would undo what they know."""
    taken = {id(parameter) for parameter in decoder.taken_over()}
    groups: list[dict[str, Any]] = [
        {"params": [p for p in decoder.parameters() if id(p) not in taken], "share": 1.0},
        {"params": [p for p in decoder.parameters() if id(p) in taken], "share": spec.trunk_rate},
    ]
    return [group for group in groups if group["params"]]


class _Run:
    """The state of one fit between two steps."""

    def __init__(
        self, decoder: Decoder, pairs: Pairs, spec: FitSpec, device: torch.device, label: str
    ) -> None:
        self.decoder, self.pairs, self.spec, self.device, self.label = (
            decoder.to(device),
            pairs,
            spec,
            device,
            label,
        )
        self.ranks = Ranks.current()
        rows, self.holdout = divide(len(pairs), spec.holdout, spec.seed)
        self.batches = Batches(rows, spec.batch_size, spec.seed)
        self.check_shares()
        self.loss = self.ranks.wrapped(NegativeLogLikelihood(decoder), device)
        self.average = WeightAverage(decoder, spec.average_decay)
        self.optimizer = adam(_groups(decoder, spec), spec, device)
        self.gradient_step = self.step_of_ranks()
        self.best: dict[str, Tensor] = {}
        self.history: list[HistoryRow] = []
        self.kept_nats: list[Tensor] = []
        self.step = 0
        self.loss_sum = torch.zeros((), dtype=torch.float64, device=device)
        self.losses = 0
        self.check_every = GPU_CHECK_EVERY if device.type == "cuda" else 1
        self.seconds = self.seconds_in_data = 0.0
        self.clock = self.saved_at = time.monotonic()

    # ---- beginning, going on, ending

    def begin(self) -> None:
        """Data-dependent initialization on one large batch, and the look that every later one must beat."""
        count = min(len(self.batches.rows), max(256, 4 * self.spec.batch_size))
        torch.manual_seed(step_seed(self.spec.seed, 0))
        with torch.no_grad():
            self.decoder.initialise(*self.pairs.batch(np.sort(self.batches.rows[:count])))
        self.ranks.copy_from_first(self.decoder)
        self.average = WeightAverage(self.decoder, self.spec.average_decay)
        self.look()

    def go_on(self, state_path: Path | None) -> None:
        """Steps, looks and saves until the patience or the budget is spent."""
        self.loss.train()
        self.clock = time.monotonic()
        quiet = not self.ranks.first
        with progress(self.spec.steps, self.label, "step", initial=self.step, quiet=quiet) as bar:
            while not self.ended:
                self.advance()
                if self.step % self.spec.evaluate_every == 0 or self.step == self.spec.steps:
                    self.look()
                    bar.set_postfix_str(f"held-out {self.history[-1].holdout_nats:.4g} nats", refresh=False)
                if state_path is not None:
                    self.save_if_due(state_path)
                bar.update()
        if state_path is not None:
            self.save(state_path)
        self.ranks.wait()

    def finish(self) -> Fit:
        """Put the best averaged weights into the decoder and say how it went."""
        self.decoder.load_state_dict(self.best)
        self.decoder.eval()
        row, gain = self.history[self.best_look], self.late_gain()
        return Fit(
            steps=self.step,
            stopped="plateau" if self.out_of_patience else "budget",
            near_plateau=gain.near_plateau,
            best_step=row.step,
            holdout_nats=row.holdout_nats,
            holdout_stderr_nats=row.holdout_stderr_nats,
            late_gain_nats=gain.nats,
            late_gain_stderr_nats=gain.stderr_nats,
            seconds=self.seconds,
            seconds_in_data=self.seconds_in_data,
            history=tuple(self.history),
        )

    # ---- one step

    def advance(self) -> None:
        """One gradient step of Adam on one batch, and of the weight average."""
        torch.manual_seed(step_seed(self.spec.seed, self.step, self.ranks.rank))
        rate = learning_rate(self.spec, self.step)
        for group in self.optimizer.param_groups:
            set_learning_rate(group, rate * group["share"])
        loss = self.gradient_step(*self.batch())
        self.step += 1
        self.average.update(self.step)
        self.loss_sum += self.ranks.mean(loss)
        self.losses += 1
        if self.step % self.check_every == 0:
            self.check_finite(float(self.loss_sum), rate)

    def mean_loss(self, target: Tensor, h: Tensor | None) -> Tensor:
        """Mean nats of this process' share of a batch, weighted by its size."""
        loss: Tensor = self.loss(target, h).mean() * self.ranks.weight(len(target), self.batches.size)
        return loss

    def step_of_ranks(self) -> GradientStep:
        """Captured on a lone GPU; the gradients of several processes meet outside of a graph."""
        make = GradientStep if self.ranks.several else gradient_step
        return make(self.mean_loss, self.optimizer, self.spec, self.device, self.clip)

    def clip(self, largest: float) -> None:
        """Cut the gradient to that norm."""
        nn.utils.clip_grad_norm_(self.decoder.parameters(), largest)

    def batch(self) -> tuple[Tensor, Tensor | None]:
        """This process' pairs of the step; the wait for them is measured (on a GPU at the first of every 20 steps)."""
        rows = self.ranks.share(self.batches[self.step])
        if self.step % self.check_every:
            return self.pairs.batch(rows)
        self.wait_for_device()
        start = time.monotonic()
        pairs = self.pairs.batch(rows)
        self.wait_for_device()
        self.seconds_in_data += (time.monotonic() - start) * self.check_every
        return pairs

    def wait_for_device(self) -> None:
        """Without it a clock would measure how fast work is queued on a GPU."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def check_shares(self) -> None:
        """Every process needs a pair of every batch."""
        if self.ranks.count > self.batches.size:
            raise FitError(
                f"{self.label}: {self.ranks.count} processes cannot share batches of {self.batches.size}; "
                "raise fit.batch_size, or start fewer processes"
            )

    def check_finite(self, nats: float, rate: float) -> None:
        """Stop at the first loss that is not finite."""
        if not math.isfinite(nats):
            raise FitError(
                f"{self.label}: the loss is not finite at step {self.step} (learning rate {rate:.3g}); "
                "lower fit.learning_rate, set fit.gradient_clip to 1, or lengthen fit.warmup_steps"
            )

    # ---- one look

    def look(self) -> None:
        """Evaluate the averaged weights on the held-out share; keep them where they are the best so far."""
        self.average.copy_buffers()
        rate = learning_rate(self.spec, max(self.step - 1, 0))
        fit_nats = float(self.loss_sum) / self.losses if self.losses else None
        self.check_finite(fit_nats or 0.0, rate)
        nats = self.holdout_nats()
        self.check_finite(float(nats.sum()), rate)
        stderr = float(nats.std(ddof=1)) / math.sqrt(len(nats))
        self.tick()
        self.history.append(HistoryRow(self.step, self.seconds, fit_nats, float(nats.mean()), stderr, rate))
        self.kept_nats.append(torch.from_numpy(nats[:KEPT_NATS].astype(np.float32)))
        self.loss_sum.zero_()
        self.losses = 0
        if self.best_look == len(self.history) - 1:
            self.best = {name: tensor.clone() for name, tensor in self.average.decoder.state_dict().items()}

    def holdout_nats(self) -> NDArray[np.float64]:
        """Nats of the held-out examples under the averaged weights, each computed by one of the processes."""
        mine = nats_per_example(
            self.average.decoder,
            self.pairs,
            self.device,
            self.spec.batch_size,
            rows=self.ranks.share(self.holdout),
            precision=self.spec.precision,
        )
        return self.ranks.joint(mine, len(self.holdout), self.device)

    @property
    def best_look(self) -> int:
        """Index of the first look with the lowest held-out cross-entropy."""
        return int(np.argmin([row.holdout_nats for row in self.history]))

    @property
    def out_of_patience(self) -> bool:
        """Whether `patience` looks have gone by without improvement."""
        patience = self.spec.patience
        return patience is not None and len(self.history) - 1 - self.best_look >= patience

    @property
    def ended(self) -> bool:
        """Whether the patience or the budget is spent."""
        return self.step >= self.spec.steps or self.out_of_patience

    def late_gain(self) -> LateGain:
        """What the last quarter of the steps brought."""
        return late_gain([row.step for row in self.history], torch.stack(self.kept_nats).numpy())

    # ---- the state on the disk

    @property
    def identity(self) -> str:
        """What a state must agree with to be gone on from."""
        return json.dumps(
            {
                "label": self.label,
                "decoder": self.decoder.description(),
                "fit": self.spec.model_dump(mode="json"),
                "pairs": len(self.pairs),
                "device": self.device.type,
            },
            sort_keys=True,
        )

    def resume(self, path: Path) -> None:
        """Go on from the state at `path`, or begin where there is none of this fit."""
        with self.ranks.warning_once():
            state = read_state(path, self.identity, self.device)
        self.check_agreed(path, None if state is None else state["step"])
        if state is None:
            return self.begin()
        self.decoder.load_state_dict(state["decoder"])
        self.average.decoder.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.best, self.step, self.losses = state["best"], state["step"], state["losses"]
        self.loss_sum = state["loss_sum"]
        self.history = [HistoryRow(*row) for row in state["history"]]
        self.kept_nats = list(state["kept_nats"].cpu())
        self.seconds, self.seconds_in_data = state["seconds"], state["seconds_in_data"]
        return None

    def check_agreed(self, path: Path, step: int | None) -> None:
        """Processes that went on from different steps would wait for each other for ever."""
        if not self.ranks.agree(step):
            raise FitError(
                f"{self.label}: not every process reads the same state at {path}; put it in a folder that all share"
            )

    def tick(self) -> None:
        """Add the time since the last tick to the seconds of the fit."""
        now = time.monotonic()
        self.seconds, self.clock = self.seconds + now - self.clock, now

    def save_if_due(self, path: Path) -> None:
        """Save where the last save is long enough ago, and the loss was just seen to be finite (by all, at once)."""
        if self.step % self.check_every == 0 and time.monotonic() - self.saved_at >= SAVE_EVERY_SECONDS:
            self.save(path)

    def save(self, path: Path) -> None:
        """Write everything that the next step depends on; the first process does, the others have the same."""
        if not self.ranks.first:
            return
        self.check_finite(float(self.loss_sum), learning_rate(self.spec, self.step))
        self.tick()
        state = {
            "decoder": self.decoder.state_dict(),
            "average": self.average.decoder.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "best": self.best,
            "step": self.step,
            "losses": self.losses,
            "loss_sum": self.loss_sum,
            "history": [(*asdict(row).values(),) for row in self.history],
            "kept_nats": torch.stack(self.kept_nats),
            "seconds": self.seconds,
            "seconds_in_data": self.seconds_in_data,
        }
        write_state(path, self.identity, state)
        self.saved_at = time.monotonic()
