"""Maximum likelihood of several decoders of one architecture at once: fit_side_by_side(decoders, pairs, spec, seeds).

Where a decoder is small, a step of it is launches and overhead; M members stacked along the batch
(`decoders.pixelcnn_pp.stacked`) cost the launches of one.
"""

import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from decoders.batches import Batches, divide, step_seed
from decoders.errors import FitError
from decoders.evaluation import autocast
from decoders.fit_state import read_state, write_state
from decoders.fitting import KEPT_NATS, SAVE_EVERY_SECONDS, Fit, HistoryRow
from decoders.gradient_step import adam, clip_by_member, gradient_step, set_learning_rate
from decoders.learning_rate import learning_rate
from decoders.pixelcnn_pp.network import PixelCNNPP
from decoders.pixelcnn_pp.stacked import StackedPixelCNNPP
from decoders.plateau import late_gain
from decoders.progress import progress
from decoders.spec import FitSpec
from decoders.weight_average import average_decay

CHECK_EVERY = 50
"""Steps between two looks at the loss, which wait for a GPU."""
ROWS_AT_ONCE = 4096
"""Largest number of (member, example) pairs that a validation step evaluates together."""


@dataclass(frozen=True)
class StackedPairs:
    """Pairs of M members over the same examples, in memory on the device of the fit.

    Args:
        target: levels (examples, C, H, W).
        h: one tensor (examples, *context) a member; None for unconditional decoders.
    """

    target: Tensor
    h: tuple[Tensor, ...] | None
    members: int

    def __len__(self) -> int:
        return len(self.target)

    def batch(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor | None]:
        """Targets (members, n, C, H, W) and h (members, n, *context), float32, for rows (members, n)."""
        index = torch.from_numpy(rows).to(self.target.device, non_blocking=True)
        if self.h is None:
            return self.target[index], None
        return self.target[index], torch.stack([h[index[m]] for m, h in enumerate(self.h)]).float()


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
    """Fit each decoder as `decoders.fitting.fit` would alone, with the seed of its own in the place of `spec.seed`.

    Each member has its own held-out share, order of examples, best weights and history. A member whose patience runs
    out keeps its result while the others go on. Without dropout a member equals its lone fit up to the order of
    floating-point sums; with dropout it is another draw of the same law.

    Args:
        decoders: as they were built; initialised and fitted in place, on the device.
        pairs: what each is fitted to.
        spec: the recipe.
        seeds: one a member.
        device: where decoders and pairs live.
        compiled: let torch.compile fuse the elementwise passes; pays on a GPU from some hundred steps on.
        state_path: where the state is kept while fitting; the caller deletes it.
        label: names the fit in the progress bar, in errors and in the state.

    Raises:
        FitError: decoders that are not alike, too few pairs, or a loss that is not finite.
    """
    device = torch.device(device)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        run = _Stack(decoders, pairs, spec, seeds, device, compiled, label)
        run.resume(state_path)
        run.go_on(state_path)
        return run.finish()


class _Stack:
    """The state of the fits between two steps."""

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
        divided = [divide(len(pairs), spec.holdout, seed) for seed in seeds]
        self.holdout = np.stack([held for _, held in divided])
        self.batches = [
            Batches(rows, spec.batch_size, seed) for (rows, _), seed in zip(divided, seeds, strict=True)
        ]
        for m, decoder in enumerate(decoders):
            self.initialise(m, decoder)
        self.stack = StackedPixelCNNPP(decoders).to(device).train()
        self.average = StackedPixelCNNPP(decoders).to(device).eval().requires_grad_(False)
        self.parameters: list[nn.Parameter] = list(self.stack.parameters())
        self.averaged = list(self.average.parameters())
        self.forward = torch.compile(self.stack) if compiled else self.stack
        self.optimizer = adam([{"params": self.parameters}], spec, device)
        self.gradient_step = gradient_step(self.summed_loss, self.optimizer, spec, device, self.clip)
        self.loss_sum = torch.zeros(len(decoders), dtype=torch.float64, device=device)
        self.losses = torch.zeros(len(decoders), device=device)
        self.best = {name: tensor.clone() for name, tensor in self.average.network.state_dict().items()}
        self.histories: list[list[HistoryRow]] = [[] for _ in decoders]
        self.kept_nats: list[list[Tensor]] = [[] for _ in decoders]
        self.step = self.summed = 0
        self.seconds = 0.0
        self.clock = self.saved_at = time.monotonic()

    def initialise(self, m: int, decoder: PixelCNNPP) -> None:
        """Data-dependent initialization of a member from one large batch of its own."""
        rows = self.batches[m].rows
        count = min(len(rows), max(256, 4 * self.spec.batch_size))
        index = torch.from_numpy(np.sort(rows[:count])).to(self.pairs.target.device)
        torch.manual_seed(step_seed(self.seeds[m], 0))
        h = None if self.pairs.h is None else self.pairs.h[m][index].float()
        with torch.no_grad():
            decoder.to(self.device).initialise(self.pairs.target[index], h)

    # ---- steps

    def summed_loss(self, target: Tensor, h: Tensor | None) -> Tensor:
        """Sum over members of their mean nats: the gradient of each member is that of its own mean."""
        means = self.forward(target, h).mean(1)
        self.losses.copy_(means.detach())
        loss: Tensor = means.sum()
        return loss

    def clip(self, largest: float) -> None:
        """Cut the gradient of each member to that norm."""
        clip_by_member(self.parameters, largest)

    def advance(self) -> None:
        """One gradient step of every member, and of the averages."""
        torch.manual_seed(step_seed(self.seeds[0], self.step))
        rate = learning_rate(self.spec, self.step)
        set_learning_rate(self.optimizer.param_groups[0], rate)
        rows = np.stack([batches[self.step] for batches in self.batches])
        self.gradient_step(*self.pairs.batch(rows))
        self.step += 1
        with torch.no_grad():
            weight = 1.0 - average_decay(self.spec.average_decay, self.step)
            torch._foreach_lerp_(list[Tensor](self.averaged), list[Tensor](self.parameters), weight)
            self.loss_sum += self.losses
        self.summed += 1
        if self.step % CHECK_EVERY == 0:
            self.check_finite(self.loss_sum)

    def go_on(self, state_path: Path | None) -> None:
        """Steps, validation steps and saves until every member has ended."""
        self.clock = time.monotonic()
        with progress(self.spec.steps, self.label, "step", initial=self.step, quiet=False) as bar:
            while not self.ended:
                self.advance()
                if self.step % self.spec.evaluate_every == 0 or self.step == self.spec.steps:
                    self.validate()
                    mean = float(np.mean([history[-1].holdout_nats for history in self.histories]))
                    bar.set_postfix_str(f"held-out {mean:.4g} nats", refresh=False)
                if state_path is not None and time.monotonic() - self.saved_at >= SAVE_EVERY_SECONDS:
                    self.save(state_path)
                bar.update()
        if state_path is not None:
            self.save(state_path)

    def finish(self) -> list[Fit]:
        """Put the best averaged weights of each member into its decoder, and say how it went."""
        fits = []
        for m, decoder in enumerate(self.decoders):
            decoder.load_state_dict({name: tensor[m] for name, tensor in self.best.items()})
            decoder.eval()
            history = self.histories[m]
            row = history[self.best_step(m)]
            gain = late_gain([r.step for r in history], torch.stack(self.kept_nats[m]).numpy())
            fits.append(
                Fit(
                    steps=history[-1].step,
                    stopped="plateau" if self.out_of_patience(m) else "budget",
                    near_plateau=gain.near_plateau,
                    best_step=row.step,
                    holdout_nats=row.holdout_nats,
                    holdout_stderr_nats=row.holdout_stderr_nats,
                    late_gain_nats=gain.nats,
                    late_gain_stderr_nats=gain.stderr_nats,
                    seconds=self.seconds / len(self.decoders),
                    seconds_in_data=0.0,
                    history=tuple(history),
                )
            )
        return fits

    # ---- validation

    def validate(self) -> None:
        """Evaluate the averaged weights of each member on its held-out share; keep them where they are its best."""
        nats = self.holdout_nats()
        self.check_finite(torch.from_numpy(nats.sum(1)))
        rate = learning_rate(self.spec, max(self.step - 1, 0))
        means = (self.loss_sum / max(self.summed, 1)).tolist()
        self.tick()
        better = torch.zeros(len(self.decoders), dtype=torch.bool)
        for m, of_member in enumerate(nats):
            if self.out_of_patience(m):
                continue
            stderr = float(of_member.std(ddof=1)) / math.sqrt(len(of_member))
            fit_nats = means[m] if self.summed else None
            row = HistoryRow(self.step, self.seconds, fit_nats, float(of_member.mean()), stderr, rate)
            self.histories[m].append(row)
            self.kept_nats[m].append(torch.from_numpy(of_member[:KEPT_NATS].astype(np.float32)))
            better[m] = self.best_step(m) == len(self.histories[m]) - 1
        self.loss_sum.zero_()
        self.summed = 0
        chosen = better.to(self.device)
        for name, tensor in self.average.network.state_dict().items():
            mask = chosen.view(-1, *[1] * (tensor.dim() - 1))
            self.best[name] = torch.where(mask, tensor, self.best[name])

    @torch.no_grad()
    def holdout_nats(self) -> NDArray[np.float64]:
        """Nats of the held-out examples of each member under its averaged weights, (members, examples)."""
        count, width = self.holdout.shape[1], max(1, ROWS_AT_ONCE // len(self.decoders))
        blocks = []
        for start in range(0, count, width):
            target, h = self.pairs.batch(self.holdout[:, start : start + width])
            with autocast(self.device, self.spec.precision):
                blocks.append(self.average(target, h).double())
        nats: NDArray[np.float64] = torch.cat(blocks, 1).cpu().numpy()
        return nats

    def best_step(self, m: int) -> int:
        """Index of the first validation step of a member with its lowest held-out cross-entropy."""
        return int(np.argmin([row.holdout_nats for row in self.histories[m]]))

    def out_of_patience(self, m: int) -> bool:
        """Whether a member has gone `patience` validation steps without improvement."""
        patience, history = self.spec.patience, self.histories[m]
        return patience is not None and bool(history) and len(history) - 1 - self.best_step(m) >= patience

    @property
    def ended(self) -> bool:
        """Whether the budget, or the patience of every member, is spent."""
        return self.step >= self.spec.steps or all(map(self.out_of_patience, range(len(self.decoders))))

    def check_finite(self, nats: Tensor) -> None:
        """Stop at the first loss that is not finite, and name its member."""
        bad = torch.nonzero(~torch.isfinite(nats)).flatten().tolist()
        if bad:
            raise FitError(
                f"{self.label}: the loss of member {bad[0]} of {len(self.decoders)} is not finite at step {self.step}; "
                "lower fit.learning_rate, set fit.gradient_clip to 1, or lengthen fit.warmup_steps"
            )

    # ---- the state on the disk

    def tick(self) -> None:
        """Add the time since the last tick to the seconds of the fit."""
        now = time.monotonic()
        self.seconds, self.clock = self.seconds + now - self.clock, now

    @property
    def identity(self) -> str:
        """Fingerprint that a saved state must match to be resumed."""
        content: dict[str, Any] = {
            "label": self.label,
            "decoder": self.decoders[0].description(),
            "fit": self.spec.model_dump(mode="json"),
            "seeds": self.seeds,
            "pairs": len(self.pairs),
            "device": self.device.type,
        }
        return json.dumps(content, sort_keys=True)

    def resume(self, path: Path | None) -> None:
        """Resume from the state at `path`, or begin where there is none of these fits."""
        state = None if path is None else read_state(path, self.identity, self.device)
        if state is None:
            return self.validate()
        self.stack.load_state_dict(state["stack"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.best, self.step, self.summed = state["best"], state["step"], state["summed"]
        self.loss_sum.copy_(state["loss_sum"])
        self.histories = [[HistoryRow(*row) for row in history] for history in state["histories"]]
        self.kept_nats = [list(kept.cpu()) for kept in state["kept_nats"]]
        self.seconds = state["seconds"]
        return None

    def save(self, path: Path) -> None:
        """Write everything that the next step depends on."""
        self.check_finite(self.loss_sum)
        self.tick()
        state = {
            "stack": self.stack.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "best": self.best,
            "step": self.step,
            "summed": self.summed,
            "loss_sum": self.loss_sum,
            "histories": [[(*asdict(row).values(),) for row in history] for history in self.histories],
            "kept_nats": [torch.stack(kept) for kept in self.kept_nats],
            "seconds": self.seconds,
        }
        write_state(path, self.identity, state)
        self.saved_at = time.monotonic()
