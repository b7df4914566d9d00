"""Stochastic gradient descent for encoders: deterministic given a seed, and resumable."""

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from tqdm import tqdm

from decoders.training.batches import epoch_batches
from decoders.training.progress import progress
from ib_analysis.datasets.dataset import Part
from ib_analysis.encoders.encoder import Encoder
from ib_analysis.encoders.layers.normalisation import pixel_statistics
from ib_analysis.encoders.specs.training import TrainingSpec
from ib_analysis.encoders.training.augmentation import augment
from ib_analysis.encoders.training.calibration import calibrate
from ib_analysis.encoders.training.image_rows import Batch, ImageRows, evenly_spaced
from ib_analysis.encoders.training.objective import METRICS, Measurement, loss, measure
from ib_analysis.encoders.training.schedule import learning_rate
from ib_analysis.encoders.training.seeding import derive_seed, generator
from ib_analysis.encoders.training.stack import Stack
from ib_analysis.encoders.training.training_curve import CurveRow, TrainingCurve
from ib_analysis.encoders.training.training_state import Divergence, Scratch, TrainingState, Weights
from ib_analysis.errors import UserError

Keep = Callable[[int, Encoder], None]
KeepOfMember = Callable[[int, int, Encoder], None]


class DivergedError(UserError):
    """The training loss is not finite."""


CURVE_IMAGES = 5000
"""Largest number of images of a part on which a row of the curve is measured: a standard error of at most 0.7 %."""
CALIBRATION_BATCHES = 8
CHECK_EVERY = 50
"""Steps between two checks of the loss; each check synchronises a GPU."""
INITIALISATION, AUGMENTATION, NETWORK = range(3)


@dataclass(frozen=True)
class Member:
    """One of the networks of a training."""

    encoder: Encoder
    """Its weights are redrawn; it is left on the device of the training."""
    part: Part
    """The training images and labels."""
    spec: TrainingSpec
    """The settings of the training."""
    seed: int
    """Seed of all random numbers."""


def train(
    encoder: Encoder,
    part: Part,
    spec: TrainingSpec,
    *,
    seed: int,
    epochs_to_keep: Sequence[int],
    device: torch.device | str,
    scratch: Path,
    keep: Keep,
    held_out: Part | None = None,
    curve_epochs: Sequence[int] | None = None,
    label: str = "training",
) -> TrainingCurve:
    """Trains an encoder from scratch and calls `keep` at each of the epochs to keep, in increasing order.

    Epoch 0 is the untrained network: weights are drawn from the seed, pixel normalisation and running statistics are
    taken from the encoder part. All randomness depends only on (seed, epoch), so on a CPU a training resumed at the
    end of an epoch gives bit for bit the weights of an uninterrupted one.

    `scratch` holds the training state (saved at kept epochs and every 30 s) and the weights of kept epochs. A resumed
    training calls `keep` again for earlier epochs, so that `keep` has been called for every epoch to keep when this
    function returns. The caller removes the folder once the results are stored.

    The held-out column of the curve uses the decoder part, on which the encoder is not trained. The evaluation part is
    reserved for reported numbers, because epochs may be chosen from the curve.

    An encoder of the regime "fixed" is not trained: `keep` is called for epoch 0 only, and the curve has no rows.

    Args:
        encoder: any encoder; its weights are redrawn.
        part: the training images and labels.
        spec: the settings of the training.
        seed: seed of all random numbers.
        epochs_to_keep: epochs within 0..spec.epochs.
        device: device of the training; the encoder is left there.
        scratch: a folder that only this training uses.
        keep: receives the epoch and the encoder in evaluation mode, which it must not change.
        held_out: the decoder part, or None for a curve without the held-out column.
        curve_epochs: epochs within 0..spec.epochs that get a row of the curve, for which the parts are measured; None:
            every epoch. The weights behind the last step are checked only if the last epoch is among them.
        label: label of the progress bar.

    Raises:
        UserError: an epoch lies beyond the training, or batch norm gets a batch of one image.
        DiskError: the operating system refuses the file, for want of room or for another reason.
        DivergedError: the loss is not finite; `keep` has been called for the earlier epochs.
    """
    (found,) = train_side_by_side(
        [Member(encoder, part, spec, seed)], epochs_to_keep=epochs_to_keep, device=device, scratch=scratch,
        keep=lambda _, epoch, trained: keep(epoch, trained), held_out=held_out, curve_epochs=curve_epochs, label=label,
    )  # fmt: skip
    if isinstance(found, DivergedError):
        raise found
    return found


def train_side_by_side(
    members: Sequence[Member],
    *,
    epochs_to_keep: Sequence[int],
    device: torch.device | str,
    scratch: Path,
    keep: KeepOfMember,
    held_out: Part | None = None,
    curve_epochs: Sequence[int] | None = None,
    label: str = "training",
) -> list[TrainingCurve | DivergedError]:
    """Trains each member as `train` would alone, several of them as one stack (see `stack`).

    A member of several equals its training alone up to the order of floating-point sums. One whose loss is not finite
    leaves the stack after the epoch and ends with its error in the place of its curve. The others go on.

    Args:
        members: several differ in their weights, seeds, images and learning rates alone.
        epochs_to_keep: this, and what is not named here, as of `train`.
        keep: receives the number of the member, the epoch and its encoder.

    Raises:
        UserError, DiskError: as `train`.
        ValueError: members that differ in more, or that have parts of different length.
    """
    epochs, spec = sorted(set(epochs_to_keep)), members[0].spec
    for member in members:
        _check(member.encoder, member.part, member.spec, epochs, held_out)
    if len({_shared(member) for member in members}) > 1:
        raise ValueError("members differ in their seeds, images and learning rates alone")
    if members[0].encoder.regime == "fixed":
        for m, member in enumerate(members):
            keep(m, 0, member.encoder.to(device).eval())
        return [TrainingCurve(()) for _ in members]
    measured = sorted(set(range(spec.epochs + 1) if curve_epochs is None else curve_epochs))
    if not set(measured) <= set(range(spec.epochs + 1)):
        raise ValueError(f"curve_epochs is {measured}: the training has the epochs 0 to {spec.epochs}")
    states = Scratch(scratch, _identity(members, epochs, held_out, measured))
    return _Training(members, torch.device(device), held_out, measured, states).run(epochs, keep, label)


def _shared(member: Member) -> str:
    """What all members of a training have in common."""
    spec = member.spec.model_copy(update={"learning_rate": 1.0}).model_dump_json()
    return f"{spec} {member.part.images.shape} {member.encoder.description()}"


class _Training:
    """One training: its members, their optimizer and the curves so far."""

    optimizer: torch.optim.SGD

    def __init__(
        self,
        members: Sequence[Member],
        device: torch.device,
        held_out: Part | None,
        measured: Sequence[int],
        states: Scratch,
    ) -> None:
        self.members, self.spec, self.device, self.states = members, members[0].spec, device, states
        self.images = [ImageRows(member.part, device) for member in members]
        self.held_out = None if held_out is None else ImageRows(held_out, device)
        self.measured, self.count = frozenset(measured), len(members[0].part)
        self.steps = steps_per_epoch(self.count, self.spec.batch_size)
        self.rows: list[list[CurveRow]] = [[] for _ in members]
        self.diverged: dict[int, Divergence] = {}
        for member in members:
            self._prepare(member)
        self.running: list[int] = []
        self.stack: Stack | None = None

    def _begin(self) -> None:
        """Builds the network and the optimizer of the members that go on, from their present weights.

        Each has a learning rate of its own, and keeps its momentum where it had one before.
        """
        momenta = self._momenta()
        self.running = [m for m in range(len(self.members)) if m not in self.diverged]
        encoders = [self.members[m].encoder for m in self.running]
        self.stack = Stack(encoders) if len(self.members) > 1 else None
        self.weights = (
            [list(encoders[0].parameters())] if self.stack is None else [[own] for own in self.stack.vectors]
        )
        self.optimizer = torch.optim.SGD(
            [{"params": own} for own in self.weights],
            lr=self.spec.learning_rate,
            momentum=self.spec.momentum,
            nesterov=self.spec.nesterov,
            weight_decay=self.spec.weight_decay,
        )
        for m, (weights, *_) in zip(self.running, self.weights):
            if m in momenta:
                self.optimizer.state[weights] = momenta[m]

    def _momenta(self) -> dict[int, dict[str, Any]]:
        """The optimizer's state of each member of the stack; none without a stack."""
        if self.stack is None:
            return {}
        return {m: self.optimizer.state[own] for m, own in zip(self.running, self.stack.vectors)}

    def run(
        self, epochs_to_keep: Sequence[int], keep: KeepOfMember, label: str
    ) -> list[TrainingCurve | DivergedError]:
        done = self._resume(epochs_to_keep, keep)
        total = self.steps * self.spec.epochs
        with progress(range(total), label, total=total, initial=self.steps * max(done, 0)) as bar:
            for epoch in range(done + 1, self.spec.epochs + 1):
                self._epoch(epoch, bar)
                if self._is_over:
                    break
                if epoch in epochs_to_keep:
                    self.states.save_kept(epoch, self._state_dicts())
                if self.states.is_due or epoch in epochs_to_keep or epoch == self.spec.epochs:
                    self.states.save(self._state(epoch))
                if epoch in epochs_to_keep:
                    self._keep(epoch, keep)
        return [self._found(m) for m in range(len(self.members))]

    def _found(self, m: int) -> TrainingCurve | DivergedError:
        if m in self.diverged:
            return DivergedError(self.diverged[m].message)
        return TrainingCurve(tuple(self.rows[m]))

    @property
    def _is_over(self) -> bool:
        """Whether no member is left whose loss is finite."""
        return len(self.diverged) == len(self.members)

    def _prepare(self, member: Member) -> None:
        encoder, images = member.encoder, member.part.images
        encoder.to("cpu")
        encoder.initialise(generator(member.seed, INITIALISATION))
        encoder.set_normalisation(*pixel_statistics(images, encoder.image.levels))
        encoder.to(self.device)
        # The fast layout of bfloat16 convolutions on a GPU. On a CPU the backward pass of a convolution with fewer
        # than 7 channels corrupts the heap in this layout (PyTorch 2.13, oneDNN).
        if self.device.type == "cuda":
            nn.Module.to(encoder, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def _resume(self, epochs_to_keep: Sequence[int], keep: KeepOfMember) -> int:
        """The last completed epoch, -1 if none; calls `keep` again for the kept epochs up to it."""
        state = self.states.newest()
        if state is None:
            return -1
        kept: dict[int, Weights] = {}
        for epoch in (epoch for epoch in epochs_to_keep if epoch <= state.epoch):
            weights = self.states.kept(epoch)
            if weights is None:
                return -1
            kept[epoch] = weights
        self.diverged = dict(state.diverged)
        for epoch, weights in kept.items():
            self._load(weights)
            self._keep(epoch, keep)
        self._load(state.encoders)
        self._begin()
        self.optimizer.load_state_dict(state.optimizer)
        self.rows = [list(curve.rows) for curve in state.curves]
        return state.epoch

    def _state_dicts(self) -> Weights:
        return tuple(member.encoder.state_dict() for member in self.members)

    def _load(self, weights: Weights) -> None:
        for member, own in zip(self.members, weights, strict=True):
            member.encoder.load_state_dict(own)

    def _keep(self, epoch: int, keep: KeepOfMember) -> None:
        """Hands over the members whose loss was finite up to this epoch."""
        for m, member in enumerate(self.members):
            if m not in self.diverged or epoch < self.diverged[m].epoch:
                keep(m, epoch, member.encoder.eval())

    def _epoch(self, epoch: int, bar: "tqdm[int]") -> None:
        start = time.monotonic()
        nothing = [0.0] * len(self.members), [math.nan] * len(self.members)
        rates, mean_losses = nothing if epoch == 0 else self._steps(epoch, bar)
        if self._is_over:
            return
        if self.stack is not None:
            self.stack.write_back()
        for m, member in enumerate(self.members):
            if epoch == 0:
                self._calibrate(m)
            member.encoder.eval()
        if epoch in self.measured:
            self._measure_epoch(epoch, rates, mean_losses, start, bar)
        elif epoch > 0:
            bar.set_postfix_str(f"epoch {epoch}, loss {self._mean(mean_losses):.4g}", refresh=False)
        if not self._is_over and (epoch == 0 or any(m in self.diverged for m in self.running)):
            self._begin()

    def _mean(self, values: Sequence[float]) -> float:
        """Mean over the members whose loss is finite."""
        return fmean(value for m, value in enumerate(values) if m not in self.diverged)

    def _measure_epoch(
        self,
        epoch: int,
        rates: Sequence[float],
        mean_losses: Sequence[float],
        start: float,
        bar: "tqdm[int]",
    ) -> None:
        """Adds the row of an epoch to the curve of each member."""
        for m, member in enumerate(self.members):
            if m in self.diverged:
                continue
            encoder_part = self._measure(member.encoder, self.images[m])
            held_out = None if self.held_out is None else self._measure(member.encoder, self.held_out)
            if not self._goes_on(m, encoder_part.loss, epoch, rates[m]):
                continue
            row = CurveRow(
                epoch=epoch,
                learning_rate=rates[m],
                loss=encoder_part.loss if epoch == 0 else mean_losses[m],
                metric=METRICS[member.encoder.regime],
                encoder_part=encoder_part.metric,
                held_out_part=None if held_out is None else held_out.metric,
                seconds=time.monotonic() - start,
            )
            self.rows[m].append(row)
            bar.set_postfix_str(
                f"epoch {epoch}, loss {row.loss:.4g}, {row.metric} {row.encoder_part:.4g}", refresh=False
            )

    def _steps(self, epoch: int, bar: "tqdm[int]") -> tuple[list[float], list[float]]:
        """Trains for one epoch; returns the last learning rate and the mean loss of each member."""
        for member in self.members:
            member.encoder.train()
        draws = [generator(member.seed, AUGMENTATION, epoch) for member in self.members]
        totals, rates = torch.zeros(len(self.members), device=self.device), [0.0] * len(self.members)
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(derive_seed(self.members[0].seed, NETWORK, epoch))
            for step, pairs in enumerate(self._batches(epoch)):
                rates = [
                    learning_rate(member.spec, epoch - 1 + (step + 0.5) / self.steps)
                    for member in self.members
                ]
                x = [augment(x, self.spec, draws[m]) for m, (x, _) in zip(self.running, pairs)]
                totals[self.running] += self._step(x, [y for _, y in pairs], [rates[m] for m in self.running])
                if step % CHECK_EVERY == 0 or step == self.steps - 1:
                    for m, total in enumerate(totals.tolist()):
                        self._goes_on(m, total, epoch, rates[m])
                    if self._is_over:
                        break
                bar.update(1)
        return rates, [total / self.steps for total in totals.tolist()]

    def _batches(self, epoch: int) -> Iterator[tuple[Batch, ...]]:
        """The batches of an epoch, one of each running member at a time, each in an order of its own."""
        size = self.spec.batch_size
        one_left = self.count > size and self.count % size == 1
        running = [(self.images[m], self.members[m].seed) for m in self.running]
        return zip(
            *(
                images.batches(epoch_batches(self.count, size, seed, epoch, drop_last=one_left))
                for images, seed in running
            )
        )

    def _step(self, x: Sequence[Tensor], y: Sequence[Tensor], rates: Sequence[float]) -> Tensor:
        """Takes one gradient step and returns the loss of each running member before it, (running,)."""
        bfloat16 = self.spec.mixed_precision and self.device.type == "cuda"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bfloat16):
            outputs = [self.members[0].encoder(x[0])] if self.stack is None else self.stack(x)
        running = [self.members[m] for m in self.running]
        losses = torch.stack(
            [
                loss(member.encoder, output, own_x, own_y, self.spec.label_smoothing)
                for member, output, own_x, own_y in zip(running, outputs, x, y)
            ]
        )
        self.optimizer.zero_grad(set_to_none=True)
        losses.sum().backward()
        if self.spec.gradient_clip is not None:
            for own in self.weights:
                nn.utils.clip_grad_norm_(own, self.spec.gradient_clip)
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        self.optimizer.step()
        return losses.detach()

    def _calibrate(self, m: int) -> None:
        rows = evenly_spaced(self.count, CALIBRATION_BATCHES * self.spec.batch_size)
        batches = self.images[m].blocks(rows, self.spec.batch_size)
        calibrate(self.members[m].encoder, (x for x, _ in batches if len(x) > 1))

    def _measure(self, encoder: Encoder, images: ImageRows) -> Measurement:
        rows = evenly_spaced(len(images.part), CURVE_IMAGES)
        return measure(encoder, images.blocks(rows, self.spec.batch_size))

    def _state(self, epoch: int) -> TrainingState:
        curves = tuple(TrainingCurve(tuple(rows)) for rows in self.rows)
        return TrainingState(epoch, self._state_dicts(), self.optimizer.state_dict(), curves, self.diverged)

    def _goes_on(self, m: int, value: float, epoch: int, rate: float) -> bool:
        """Whether the loss of a member has been finite so far; notes where it first was not."""
        if not math.isfinite(value) and m not in self.diverged:
            self.diverged[m] = Divergence(
                epoch,
                f"the loss is not finite in epoch {epoch} at learning rate {rate:.3g}: lower learning_rate, "
                "add warmup_epochs, or set gradient_clip; checkpoints of earlier epochs are kept",
            )
        return m not in self.diverged


def steps_per_epoch(count: int, batch_size: int) -> int:
    """Steps of one epoch: every image once, except a last batch of one image, which has no batch statistics.

    >>> [steps_per_epoch(n, 4) for n in (1, 4, 5, 6, 9)]
    [1, 1, 1, 2, 2]
    """
    return max(1, math.ceil(count / batch_size) - (count % batch_size == 1))


def _check(
    encoder: Encoder, part: Part, spec: TrainingSpec, epochs_to_keep: Sequence[int], held_out: Part | None
) -> None:
    if held_out is not None and held_out.name == "evaluation":
        raise ValueError(
            "the evaluation part is reserved for reported numbers: measure the curve on the decoder part"
        )
    last = 0 if encoder.regime == "fixed" else spec.epochs
    for epoch in epochs_to_keep:
        if not 0 <= epoch <= last:
            raise UserError(
                f"checkpoint epoch {epoch} is not in 0..{last}: change it, or train for more epochs"
            )
    batch_norm = any(isinstance(module, _BatchNorm) for module in encoder.modules())
    if batch_norm and min(spec.batch_size, len(part)) == 1:
        raise UserError(
            "norm: batch needs more than one image in a batch: raise batch_size, or choose norm: group"
        )


def _identity(
    members: Sequence[Member],
    epochs: Sequence[int],
    held_out: Part | None,
    measured: Sequence[int],
) -> str:
    """A digest of everything that the states depend on; of the parts, all labels and 64 evenly spaced images."""
    facts: dict[str, Any] = {
        "encoder": members[0].encoder.description(),
        "training": [member.spec.model_dump(mode="json") for member in members],
        "seeds": [member.seed for member in members],
        "epochs": list(epochs),
        "measured": list(measured),
        "shape": list(members[0].part.images.shape),
        "held_out": None if held_out is None else len(held_out),
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for member in members:
        digest.update(member.part.labels.tobytes())
        digest.update(member.part.images[evenly_spaced(len(member.part), 64)].tobytes())
    return digest.hexdigest()
