"""Maximum likelihood: fit(decoder, pairs, spec), resumable, with a held-out share for the stopping rule."""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from decoders.density import Decoder
from decoders.errors import FitError
from decoders.evaluation import NegativeLogLikelihood, nats_per_example
from decoders.pairs import Pairs
from decoders.spec import FitSpec
from decoders.training.batches import Batches, divide
from decoders.training.optimisation import Optimisation
from decoders.training.process_group import Ranks
from decoders.training.progress import progress
from decoders.training.saved_state import SavedState
from decoders.training.schedule import learning_rate
from decoders.training.seeds import preserve_generators, seed_generators, step_seed
from decoders.training.stopwatch import Stopwatch
from decoders.training.validation import History, HistoryRow

# Reading the loss or the clock makes a GPU wait, so it is done once in this many steps there.
GPU_CHECK_EVERY = 20
LAYOUT = "vectors"
"""How a state holds the parameters and what Adam keeps of them; a state of another layout is not resumed."""
DIVERGENCE_ADVICE = "lower fit.learning_rate, set fit.gradient_clip to 1, or lengthen fit.warmup_steps"


@dataclass(frozen=True)
class Fit:
    """Outcome of a fit; all cross-entropies are of the averaged weights, in nats per example.

    Attributes:
        steps: gradient steps taken.
        stopped: "plateau" where the patience ran out, "budget" where the steps did.
        best_step: gradient steps of the weights that were kept.
        holdout_nats: held-out cross-entropy of those weights.
        holdout_stderr_nats: its standard error over held-out examples.
        late_gain_nats: improvement in the last quarter of the steps (`decoders.training.plateau.LateGain`).
        late_gain_stderr_nats: its paired standard error.
        seconds: time of all runs of the fit.
        seconds_in_data: the part of it spent on fetching pairs; on a GPU an estimate from one step in 20.
        history: the validation steps.
    """

    steps: int
    stopped: Literal["plateau", "budget"]
    best_step: int
    holdout_nats: float
    holdout_stderr_nats: float
    late_gain_nats: float
    late_gain_stderr_nats: float
    seconds: float
    seconds_in_data: float
    history: tuple[HistoryRow, ...]

    @classmethod
    def from_history(cls, history: History, steps: int, seconds: float, seconds_in_data: float) -> Self:
        """The outcome of a finished fit, from its validation steps."""
        best, gain = history.best, history.late_gain()
        return cls(
            steps=steps,
            stopped="plateau" if history.out_of_patience else "budget",
            best_step=best.step,
            holdout_nats=best.holdout_nats,
            holdout_stderr_nats=best.holdout_stderr_nats,
            late_gain_nats=gain.nats,
            late_gain_stderr_nats=gain.stderr_nats,
            seconds=seconds,
            seconds_in_data=seconds_in_data,
            history=tuple(history.rows),
        )

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
    """Minimise the mean of -log q(target | h) over the pairs, with a share of them held out.

    The decoder is initialised from one large batch and fitted by AdamW. It ends in evaluation mode, on the device,
    with the averaged weights of the lowest held-out cross-entropy; the initialised decoder counts as one candidate.
    All randomness is a function of (seed, step) or (seed, epoch): on a CPU a fit that was interrupted and resumes
    from `state_path` equals an uninterrupted one bit for bit. The global generators are restored.

    In a process group (`decoders.training.process_group`) the processes fit the decoder together: each takes its rows
    of every batch and of the held-out share, and all have the same weights, the same losses and the same end. A step
    equals that of one process up to the order of floating-point sums, except that each process draws its own dropout.
    The first process writes the state, and any number of processes can resume from it.

    Validation takes about holdout * len(pairs) / (3 * batch_size * evaluate_every) of the fit's time.

    Args:
        decoder: as built; initialised and fitted in place.
        pairs: the decoder part, without any pair of the evaluation part.
        spec: the recipe.
        device: where the decoder and the batches are.
        state_path: file for the state during the fit, written at most every 30 s. The caller deletes it.
        label: name of this fit in the progress bar, in errors and in the state.

    Raises:
        FitError: too few pairs, no weights to fit, more processes than pairs in a batch, or a loss that is not finite.
        DiskError: the state cannot be written.
    """
    device = torch.device(device)
    if not any(parameter.requires_grad for parameter in decoder.parameters()):
        raise FitError(
            f"{label}: {type(decoder).__name__} has no weights to fit by gradients; use its closed form"
        )
    with preserve_generators(device):
        run = _Run(decoder, pairs, spec, device, label)
        state = None if state_path is None else SavedState(state_path, run.identity)
        run.resume_or_begin(state)
        run.take_steps(state)
        return run.finish()


class _Run:
    """One fit between two steps."""

    def __init__(
        self, decoder: Decoder, pairs: Pairs, spec: FitSpec, device: torch.device, label: str
    ) -> None:
        self.decoder = decoder.to(device)
        self.pairs, self.spec, self.device, self.label = pairs, spec, device, label
        self.ranks = Ranks.current()
        rows, self.holdout = divide(len(pairs), spec.holdout)
        self.batches = Batches(rows, spec.batch_size, spec.seed)
        self._demand_shares()
        loss, pretrained = NegativeLogLikelihood(self.decoder), self.decoder.pretrained_parameters()
        self.optimisation = Optimisation(
            self.decoder, loss, pretrained, spec, self.batches.size, device, self.ranks
        )
        self.history = History(spec.patience)
        self.best_weights: dict[str, Tensor] = {}
        self.stopwatch = Stopwatch(device)
        self.step = 0
        self.loss_sum = torch.zeros((), dtype=torch.float64, device=device)
        self.losses = 0
        self.check_every = GPU_CHECK_EVERY if device.type == "cuda" else 1

    def resume_or_begin(self, state: SavedState | None) -> None:
        """Resume from the state on the disk, or begin where there is none of this fit."""
        with self.ranks.warn_once():
            found = None if state is None else state.read(self.device)
        if state is not None:
            self._demand_agreement(state.path, None if found is None else found["step"])
        if found is None:
            self._begin()
        else:
            self._load_state_dict(found)

    def _begin(self) -> None:
        """Initialise from one large batch, and validate: this is the value that later steps must beat."""
        seed_generators(step_seed(self.spec.seed, 0), self.device)
        with torch.no_grad():
            self.decoder.initialise(*self.pairs.batch(self.batches.first_rows()), self.spec.batch_size)
        self.ranks.copy_from_first(self.decoder)
        self.optimisation.average.restart()
        self._validate()

    def take_steps(self, state: SavedState | None) -> None:
        """Gradient steps, validation steps and saves until the patience or the budget is spent."""
        self.optimisation.loss.train()
        self.stopwatch.restart()
        steps, quiet = range(self.spec.steps), not self.ranks.first
        with progress(steps, self.label, unit="step", initial=self.step, quiet=quiet) as bar:
            while self.step < self.spec.steps and not self.history.out_of_patience:
                self._take_gradient_step()
                if self.step % self.spec.evaluate_every == 0 or self.step == self.spec.steps:
                    self._validate()
                    nats = self.history.rows[-1].holdout_nats
                    bar.set_postfix_str(f"held-out {nats:.4g} nats", refresh=False)
                # All processes check the loss in the same step, before the first may save.
                if state is not None and self.step % self.check_every == 0 and state.is_due:
                    self._save(state)
                bar.update()
        if state is not None:
            self._save(state)
        self.ranks.wait()

    def finish(self) -> Fit:
        """Load the best averaged weights into the decoder and describe the fit."""
        self.optimisation.end()
        self.decoder.load_state_dict(self.best_weights)
        self.decoder.eval()
        return Fit.from_history(
            self.history, self.step, self.stopwatch.seconds, self.stopwatch.seconds_in_data
        )

    def _take_gradient_step(self) -> None:
        target, h = self._batch()
        self.loss_sum += self.optimisation.take_step(self.step, target, h)
        self.losses += 1
        self.step += 1
        if self.step % self.check_every == 0:
            self._demand_finite(float(self.loss_sum))

    def _batch(self) -> tuple[Tensor, Tensor | None]:
        """This process' pairs of the step; the time is measured once in `check_every` steps."""
        rows = self.ranks.share(self.batches[self.step])
        if self.step % self.check_every:
            return self.pairs.batch(rows)
        with self.stopwatch.time_data(weight=self.check_every):
            return self.pairs.batch(rows)

    def _validate(self) -> None:
        """Evaluate the averaged weights on the held-out share."""
        self.optimisation.average.copy_buffers()
        fit_nats = float(self.loss_sum) / self.losses if self.losses else None
        self._demand_finite(fit_nats or 0.0)
        nats = self._holdout_nats()
        self._demand_finite(float(nats.sum()))
        self.stopwatch.tick()
        weights = self.optimisation.average.model.state_dict()
        if self.history.add(self.step, self.stopwatch.seconds, fit_nats, nats, self._last_rate):
            self.best_weights = {name: tensor.clone() for name, tensor in weights.items()}
        self.loss_sum.zero_()
        self.losses = 0

    def _holdout_nats(self) -> NDArray[np.float64]:
        """Nats of the held-out examples under the averaged weights; each process computes its share."""
        mine = nats_per_example(
            self.optimisation.average.model,
            self.pairs,
            self.device,
            self.spec.batch_size,
            rows=self.ranks.share(self.holdout),
            precision=self.spec.precision,
        )
        return self.ranks.gather(mine, len(self.holdout), self.device)

    @property
    def _last_rate(self) -> float:
        return learning_rate(self.spec, max(self.step - 1, 0))

    def _demand_finite(self, nats: float) -> None:
        if not math.isfinite(nats):
            raise FitError(
                f"{self.label}: the loss is not finite at step {self.step} (learning rate {self._last_rate:.3g}); "
                + DIVERGENCE_ADVICE
            )

    def _demand_shares(self) -> None:
        """Every process needs a pair of every batch."""
        if self.ranks.count > self.batches.size:
            raise FitError(
                f"{self.label}: {self.ranks.count} processes cannot share batches of {self.batches.size}; "
                "raise fit.batch_size, or start fewer processes"
            )

    def _demand_agreement(self, path: Path, step: int | None) -> None:
        """Processes that resume from different steps would wait for each other without end."""
        if not self.ranks.agree(step):
            raise FitError(
                f"{self.label}: not every process reads the same state at {path}; put it in a folder that all share"
            )

    @property
    def identity(self) -> str:
        """Fingerprint that a saved state must match to be resumed."""
        return json.dumps(
            {
                "layout": LAYOUT,
                "label": self.label,
                "decoder": self.decoder.description(),
                "fit": self.spec.model_dump(mode="json"),
                "pairs": len(self.pairs),
                "device": self.device.type,
            },
            sort_keys=True,
        )

    def _save(self, state: SavedState) -> None:
        """Write everything that the next step depends on; the first process writes, the others hold the same."""
        if not self.ranks.first:
            return
        self._demand_finite(float(self.loss_sum))
        self.stopwatch.tick()
        state.write(self._state_dict())

    def _state_dict(self) -> dict[str, Any]:
        return {
            "optimisation": self.optimisation.state_dict(),
            "history": self.history.state_dict(),
            "best_weights": self.best_weights,
            "step": self.step,
            "losses": self.losses,
            "loss_sum": self.loss_sum,
            "seconds": self.stopwatch.seconds,
            "seconds_in_data": self.stopwatch.seconds_in_data,
        }

    def _load_state_dict(self, state: dict[str, Any]) -> None:
        self.optimisation.load_state_dict(state["optimisation"])
        self.history.load_state_dict(state["history"])
        self.best_weights = state["best_weights"]
        self.step, self.losses, self.loss_sum = state["step"], state["losses"], state["loss_sum"]
        self.stopwatch.seconds = state["seconds"]
        self.stopwatch.seconds_in_data = state["seconds_in_data"]
