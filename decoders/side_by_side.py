"""Maximum likelihood of several decoders of one architecture at once: fit_side_by_side(decoders, pairs, spec, seeds).

The time of a step of a small decoder is that of its kernel launches. M members stacked along the batch
(`decoders.pixelcnn_pp.stacked`) need the launches of one.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from decoders.errors import FitError
from decoders.fitting import DIVERGENCE_ADVICE, Fit
from decoders.pixelcnn_pp.decoder import PixelCNNPP
from decoders.pixelcnn_pp.stacked import StackedPixelCNNPP
from decoders.spec import FitSpec
from decoders.training.batches import Batches, divide
from decoders.training.gradient_step import Loss, build_adam, clip_by_member, set_learning_rate
from decoders.training.graphed_step import build_step
from decoders.training.optimisation import parameter_groups
from decoders.training.precision import autocast
from decoders.training.progress import progress
from decoders.training.saved_state import SavedState
from decoders.training.schedule import learning_rate
from decoders.training.seeds import preserve_generators, seed_generators, step_seed
from decoders.training.stopwatch import Stopwatch
from decoders.training.validation import History
from decoders.training.weight_average import WeightAverage

# Steps between two checks of the loss, each of which makes a GPU wait.
CHECK_EVERY = 50
# Largest number of (member, example) pairs that a validation step evaluates together, and that in batches: without
# gradients an example takes less than a quarter of the memory that it takes in a gradient step.
ROWS_AT_ONCE, BATCHES_AT_ONCE = 4096, 4


@dataclass(frozen=True)
class StackedPairs:
    """Pairs of M members over the same examples, in memory on the device of the fit.

    Args:
        target: levels (examples, C, H, W).
        h: one tensor (examples, *context) for each member, each of its own shape; None for unconditional decoders.
        members: M.
    """

    target: Tensor
    h: tuple[Tensor, ...] | None
    members: int

    def __len__(self) -> int:
        return len(self.target)

    def batch(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor | None]:
        """Targets (members, n, C, H, W) of rows (members, n), and their h, float32, member after member in a row."""
        index = torch.from_numpy(rows).to(self.target.device, non_blocking=True)
        if self.h is None:
            return self.target[index], None
        return self.target[index], torch.cat([h[index[m]].flatten() for m, h in enumerate(self.h)]).float()


def fit_side_by_side(
    decoders: Sequence[PixelCNNPP],
    pairs: StackedPairs,
    spec: FitSpec,
    seeds: Sequence[int],
    *,
    device: torch.device | str = "cpu",
    compiled: bool = False,
    state_path: Path | None = None,
    label: str = "decoders",
) -> list[Fit]:
    """Fit each decoder as `decoders.fitting.fit` would alone, with its own seed in place of `spec.seed`.

    The decoders may read h of different shapes. All members hold out the same examples. Each has its own order of
    examples, best weights and history. A member whose patience runs out keeps its result while the others continue.
    Without dropout a member equals its fit alone up to the order of floating-point sums; with dropout it draws other
    masks from the same distribution.

    The result of each member has an equal share of the seconds of the stack, and no seconds in data.

    Args:
        decoders: as built; initialised and fitted in place, on the device.
        pairs: the decoder part with the h of each member.
        spec: the recipe.
        seeds: one for each member.
        device: where the decoders and pairs are.
        compiled: let torch.compile fuse elementwise passes, which saves time on a GPU beyond some hundred steps.
        state_path: file for the state during the fit, written at most every 30 s. The caller deletes it.
        label: name of the fit in the progress bar, in errors and in the state.

    Raises:
        FitError: decoders that differ in more than their weights and the shape of h, too few pairs, or a loss that is
            not finite.
        DiskError: the state cannot be written.
    """
    device = torch.device(device)
    with preserve_generators(device):
        run = _Stack(decoders, pairs, spec, seeds, device, compiled, label)
        state = None if state_path is None else SavedState(state_path, run.identity)
        run.resume_or_begin(state)
        run.take_steps(state)
        return run.finish()


class _Stack:
    """The fits between two steps."""

    def __init__(
        self,
        decoders: Sequence[PixelCNNPP],
        pairs: StackedPairs,
        spec: FitSpec,
        seeds: Sequence[int],
        device: torch.device,
        compiled: bool,
        label: str,
    ) -> None:
        self.decoders, self.pairs, self.spec, self.device, self.label = decoders, pairs, spec, device, label
        self.seeds = tuple(seeds)
        rows, held = divide(len(pairs), spec.holdout)
        self.holdout = np.stack([held] * len(seeds))
        self.batches = [Batches(rows, spec.batch_size, seed) for seed in seeds]
        for m, decoder in enumerate(decoders):
            self._initialise(m, decoder)
        self.stack = StackedPixelCNNPP(decoders).to(device).train()
        self.average = WeightAverage(self.stack, spec.average_decay)
        self.losses = torch.zeros(len(decoders), device=device)
        groups = parameter_groups(self.stack, self.stack.pretrained_parameters(), spec.pretrained_rate)
        self.optimizer = build_adam(groups, spec, device)
        # Functions without the fit inside: a cycle would keep its memory on a GPU after its end.
        forward = torch.compile(self.stack) if compiled else self.stack
        loss = partial(_summed_loss, forward, self.losses)
        self.rows = {name: self._rows_of(name) for name in self.stack.network.state_dict()}
        owned = [(parameter, self.rows[name]) for name, parameter in self.stack.network.named_parameters()]
        clip = partial(clip_by_member, owned, len(decoders))
        self.gradient_step = build_step(loss, self.optimizer, spec, device, clip)
        self.loss_sum = torch.zeros(len(decoders), dtype=torch.float64, device=device)
        self.step = self.summed = 0
        self.histories = [History(spec.patience) for _ in decoders]
        self.best = {name: tensor.clone() for name, tensor in self.average.model.network.state_dict().items()}
        self.stopwatch = Stopwatch(device)

    def _rows_of(self, name: str) -> Tensor | None:
        """The members along the first dimension of a parameter or buffer; None: all of them."""
        members = self.stack.members_of(name)
        return None if len(members) == self.stack.members else torch.tensor(members, device=self.device)

    def _initialise(self, m: int, decoder: PixelCNNPP) -> None:
        """Initialise a member from one large batch of its own."""
        index = torch.from_numpy(self.batches[m].first_rows()).to(self.pairs.target.device)
        seed_generators(step_seed(self.seeds[m], 0), self.device)
        h = None if self.pairs.h is None else self.pairs.h[m][index].float()
        with torch.no_grad():
            decoder.to(self.device).initialise(self.pairs.target[index], h, self.spec.batch_size)

    def resume_or_begin(self, state: SavedState | None) -> None:
        """Resume from the state on the disk, or begin where there is none of these fits."""
        found = None if state is None else state.read(self.device)
        if found is None:
            self._validate()
        else:
            self._load_state_dict(found)

    def take_steps(self, state: SavedState | None) -> None:
        """Gradient steps, validation steps and saves until every member has ended."""
        self.stopwatch.restart()
        with progress(range(self.spec.steps), self.label, unit="step", initial=self.step) as bar:
            while self.step < self.spec.steps and not all(h.out_of_patience for h in self.histories):
                self._take_gradient_step()
                if self.step % self.spec.evaluate_every == 0 or self.step == self.spec.steps:
                    self._validate()
                    mean = float(np.mean([history.rows[-1].holdout_nats for history in self.histories]))
                    bar.set_postfix_str(f"held-out {mean:.4g} nats", refresh=False)
                if state is not None and state.is_due:
                    self._save(state)
                bar.update()
        if state is not None:
            self._save(state)

    def finish(self) -> list[Fit]:
        """Load the best averaged weights of each member into its decoder, and describe the fits."""
        seconds = self.stopwatch.seconds / len(self.decoders)
        for m, decoder in enumerate(self.decoders):
            decoder.load_state_dict(self.stack.of_member(self.best, m))
            decoder.eval()
        return [Fit.from_history(history, history.rows[-1].step, seconds, 0.0) for history in self.histories]

    def _take_gradient_step(self) -> None:
        """One gradient step of every member, and one update of the averages."""
        seed_generators(step_seed(self.seeds[0], self.step), self.device)
        rate = learning_rate(self.spec, self.step)
        for group in self.optimizer.param_groups:
            set_learning_rate(group, rate * group["share"])
        rows = np.stack([batches[self.step] for batches in self.batches])
        self.gradient_step(*self.pairs.batch(rows))
        self.step += 1
        self.average.update(self.step)
        self.loss_sum += self.losses
        self.summed += 1
        if self.step % CHECK_EVERY == 0:
            self._demand_finite(self.loss_sum)

    def _validate(self) -> None:
        """Evaluate the averaged weights of each member on its held-out share, and keep them where they are its best."""
        nats = self._holdout_nats()
        self._demand_finite(torch.from_numpy(nats.sum(1)))
        self.stopwatch.tick()
        rate, seconds = learning_rate(self.spec, max(self.step - 1, 0)), self.stopwatch.seconds
        means = (self.loss_sum / self.summed).tolist() if self.summed else [None] * len(self.decoders)
        better = [
            not history.out_of_patience and history.add(self.step, seconds, means[m], nats[m], rate)
            for m, history in enumerate(self.histories)
        ]
        self._keep_weights(torch.tensor(better, device=self.device))
        self.loss_sum.zero_()
        self.summed = 0

    def _keep_weights(self, better: Tensor) -> None:
        """Copy the averaged weights of some members, (members,) bool, to the best ones."""
        for name, tensor in self.average.model.network.state_dict().items():
            rows = self.rows[name]
            mask = (better if rows is None else better[rows]).view(-1, *[1] * (tensor.dim() - 1))
            self.best[name] = torch.where(mask, tensor, self.best[name])

    @torch.no_grad()
    def _holdout_nats(self) -> NDArray[np.float64]:
        """Nats of the held-out examples of each member under its averaged weights, (members, examples)."""
        most = max(1, ROWS_AT_ONCE // len(self.decoders))
        count, width = self.holdout.shape[1], min(most, BATCHES_AT_ONCE * self.spec.batch_size)
        blocks = []
        for start in range(0, count, width):
            target, h = self.pairs.batch(self.holdout[:, start : start + width])
            with autocast(self.device, self.spec.precision):
                blocks.append(self.average.model(target, h).double())
        nats: NDArray[np.float64] = torch.cat(blocks, 1).cpu().numpy()
        return nats

    def _demand_finite(self, nats: Tensor) -> None:
        """Raise FitError, with the member's number, where a value (members,) is not finite.

        A member whose patience ran out keeps its result, whatever its further steps do.
        """
        unbounded = torch.nonzero(~torch.isfinite(nats)).flatten().tolist()
        bad = [m for m in unbounded if not self.histories[m].out_of_patience]
        if bad:
            raise FitError(
                f"{self.label}: the loss of member {bad[0]} of {len(self.decoders)} is not finite at step {self.step}; "
                + DIVERGENCE_ADVICE
            )

    @property
    def identity(self) -> str:
        """Fingerprint that a saved state must match to be resumed."""
        content: dict[str, Any] = {
            "label": self.label,
            "decoders": [decoder.description() for decoder in self.decoders],
            "fit": self.spec.model_dump(mode="json"),
            "seeds": self.seeds,
            "pairs": len(self.pairs),
            "device": self.device.type,
        }
        return json.dumps(content, sort_keys=True)

    def _save(self, state: SavedState) -> None:
        """Write everything that the next step depends on."""
        self._demand_finite(self.loss_sum)
        self.stopwatch.tick()
        state.write(
            {
                "stack": self.stack.state_dict(),
                "average": self.average.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "histories": [history.state_dict() for history in self.histories],
                "best": self.best,
                "step": self.step,
                "summed": self.summed,
                "loss_sum": self.loss_sum,
                "seconds": self.stopwatch.seconds,
            }
        )

    def _load_state_dict(self, state: dict[str, Any]) -> None:
        self.stack.load_state_dict(state["stack"])
        self.average.model.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        for history, rows in zip(self.histories, state["histories"], strict=True):
            history.load_state_dict(rows)
        self.best, self.step, self.summed = state["best"], state["step"], state["summed"]
        self.loss_sum.copy_(state["loss_sum"])
        self.stopwatch.seconds = state["seconds"]


def _summed_loss(forward: Loss, losses: Tensor, target: Tensor, h: Tensor | None) -> Tensor:
    """Sum over members of their mean nats, so that each member gets the gradient of its own mean.

    Args:
        forward: (target, h) to the nats of each example, (members, batch).
        losses: (members,), overwritten with the mean of each member.
        target: levels (members, batch, C, H, W).
        h: as `StackedPairs.batch` gives it.
    """
    means = forward(target, h).mean(1)
    losses.copy_(means.detach())
    loss: Tensor = means.sum()
    return loss
