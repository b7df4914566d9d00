"""Stochastic gradient descent for encoders: deterministic given a seed, and resumable."""

import hashlib
import json
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
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
from ib_analysis.encoders.training.image_rows import ImageRows, evenly_spaced
from ib_analysis.encoders.training.objective import METRICS, Measurement, loss, measure
from ib_analysis.encoders.training.schedule import learning_rate
from ib_analysis.encoders.training.seeding import derive_seed, generator
from ib_analysis.encoders.training.training_curve import CurveRow, TrainingCurve
from ib_analysis.encoders.training.training_state import Scratch, TrainingState, Weights
from ib_analysis.errors import UserError

Keep = Callable[[int, Encoder], None]


class DivergedError(UserError):
    """The training loss is not finite."""


CURVE_IMAGES = 5000
"""Largest number of images of a part on which a row of the curve is measured: a standard error of at most 0.7 %."""
CALIBRATION_BATCHES = 8
CHECK_EVERY = 50
"""Steps between two checks of the loss; each check synchronises a GPU."""
INITIALISATION, AUGMENTATION, NETWORK = range(3)


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
    epochs = sorted(set(epochs_to_keep))
    _check(encoder, part, spec, epochs, held_out)
    if encoder.regime == "fixed":
        keep(0, encoder.to(device).eval())
        return TrainingCurve(())
    measured = sorted(set(range(spec.epochs + 1) if curve_epochs is None else curve_epochs))
    if not set(measured) <= set(range(spec.epochs + 1)):
        raise ValueError(f"curve_epochs is {measured}: the training has the epochs 0 to {spec.epochs}")
    states = Scratch(scratch, _identity(encoder, part, spec, seed, epochs, held_out, measured))
    training = _Training(encoder, part, spec, seed, torch.device(device), held_out, measured, states)
    return training.run(epochs, keep, label)


class _Training:
    """One training: the encoder, its optimizer and the rows of the curve so far."""

    def __init__(
        self,
        encoder: Encoder,
        part: Part,
        spec: TrainingSpec,
        seed: int,
        device: torch.device,
        held_out: Part | None,
        measured: Sequence[int],
        states: Scratch,
    ) -> None:
        self.encoder, self.spec, self.seed, self.device, self.states = encoder, spec, seed, device, states
        self.images = ImageRows(part, device)
        self.held_out = None if held_out is None else ImageRows(held_out, device)
        self.measured, self.count = frozenset(measured), len(part)
        self.steps = steps_per_epoch(self.count, spec.batch_size)
        self.rows: list[CurveRow] = []
        self._prepare_encoder(part)
        self.optimizer = torch.optim.SGD(
            encoder.parameters(),
            lr=spec.learning_rate,
            momentum=spec.momentum,
            nesterov=spec.nesterov,
            weight_decay=spec.weight_decay,
        )

    def run(self, epochs_to_keep: Sequence[int], keep: Keep, label: str) -> TrainingCurve:
        done = self._resume(epochs_to_keep, keep)
        total = self.steps * self.spec.epochs
        with progress(range(total), label, total=total, initial=self.steps * max(done, 0)) as bar:
            for epoch in range(done + 1, self.spec.epochs + 1):
                self._epoch(epoch, bar)
                if epoch in epochs_to_keep:
                    self.states.save_kept(epoch, self.encoder.state_dict())
                if self.states.is_due or epoch in epochs_to_keep or epoch == self.spec.epochs:
                    self.states.save(self._state(epoch))
                if epoch in epochs_to_keep:
                    keep(epoch, self.encoder)
        return TrainingCurve(tuple(self.rows))

    def _prepare_encoder(self, part: Part) -> None:
        self.encoder.to("cpu")
        self.encoder.initialise(generator(self.seed, INITIALISATION))
        self.encoder.set_normalisation(*pixel_statistics(part.images, self.encoder.image.levels))
        self.encoder.to(self.device)
        # The fast layout of bfloat16 convolutions on a GPU. On a CPU the backward pass of a convolution with fewer
        # than 7 channels corrupts the heap in this layout (PyTorch 2.13, oneDNN).
        if self.device.type == "cuda":
            nn.Module.to(self.encoder, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def _resume(self, epochs_to_keep: Sequence[int], keep: Keep) -> int:
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
        for epoch, weights in kept.items():
            self.encoder.load_state_dict(weights)
            keep(epoch, self.encoder.eval())
        self.encoder.load_state_dict(state.encoder)
        self.optimizer.load_state_dict(state.optimizer)
        self.rows = list(state.curve.rows)
        return state.epoch

    def _epoch(self, epoch: int, bar: "tqdm[int]") -> None:
        start = time.monotonic()
        rate, mean_loss = (0.0, math.nan) if epoch == 0 else self._steps(epoch, bar)
        if epoch == 0:
            self._calibrate()
        self.encoder.eval()
        if epoch in self.measured:
            self._measure_epoch(epoch, rate, mean_loss, start, bar)
        elif epoch > 0:
            bar.set_postfix_str(f"epoch {epoch}, loss {mean_loss:.4g}", refresh=False)

    def _measure_epoch(
        self, epoch: int, rate: float, mean_loss: float, start: float, bar: "tqdm[int]"
    ) -> None:
        """Adds the row of an epoch to the curve."""
        encoder_part = self._measure(self.images)
        held_out = None if self.held_out is None else self._measure(self.held_out)
        self._demand_finite(encoder_part.loss, epoch, rate)
        row = CurveRow(
            epoch=epoch,
            learning_rate=rate,
            loss=encoder_part.loss if epoch == 0 else mean_loss,
            metric=METRICS[self.encoder.regime],
            encoder_part=encoder_part.metric,
            held_out_part=None if held_out is None else held_out.metric,
            seconds=time.monotonic() - start,
        )
        self.rows.append(row)
        bar.set_postfix_str(
            f"epoch {epoch}, loss {row.loss:.4g}, {row.metric} {row.encoder_part:.4g}", refresh=False
        )

    def _steps(self, epoch: int, bar: "tqdm[int]") -> tuple[float, float]:
        """Trains for one epoch; returns the last learning rate and the mean loss."""
        self.encoder.train()
        draws = generator(self.seed, AUGMENTATION, epoch)
        total, rate = torch.zeros((), device=self.device), 0.0
        size = self.spec.batch_size
        one_left = self.count > size and self.count % size == 1
        order = epoch_batches(self.count, size, self.seed, epoch, drop_last=one_left)
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(derive_seed(self.seed, NETWORK, epoch))
            for step, (x, y) in enumerate(self.images.batches(order)):
                rate = learning_rate(self.spec, epoch - 1 + (step + 0.5) / self.steps)
                total += self._step(augment(x, self.spec, draws), y, rate)
                if step % CHECK_EVERY == 0 or step == self.steps - 1:
                    self._demand_finite(total.item(), epoch, rate)
                bar.update(1)
        return rate, total.item() / self.steps

    def _step(self, x: torch.Tensor, y: torch.Tensor, rate: float) -> torch.Tensor:
        """Takes one gradient step and returns the loss before it."""
        bfloat16 = self.spec.mixed_precision and self.device.type == "cuda"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bfloat16):
            output = self.encoder(x)
        step_loss = loss(self.encoder, output, x, y, self.spec.label_smoothing)
        self.optimizer.zero_grad(set_to_none=True)
        step_loss.backward()
        if self.spec.gradient_clip is not None:
            nn.utils.clip_grad_norm_(self.encoder.parameters(), self.spec.gradient_clip)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        return step_loss.detach()

    def _calibrate(self) -> None:
        rows = evenly_spaced(self.count, CALIBRATION_BATCHES * self.spec.batch_size)
        whole = [block for block in self.images.blocks(rows, self.spec.batch_size) if len(block[0]) > 1]
        calibrate(self.encoder, (x for x, _ in whole))

    def _measure(self, images: ImageRows) -> Measurement:
        rows = evenly_spaced(len(images.part), CURVE_IMAGES)
        return measure(self.encoder, images.blocks(rows, self.spec.batch_size))

    def _state(self, epoch: int) -> TrainingState:
        curve = TrainingCurve(tuple(self.rows))
        return TrainingState(epoch, self.encoder.state_dict(), self.optimizer.state_dict(), curve)

    def _demand_finite(self, value: float, epoch: int, rate: float) -> None:
        if not math.isfinite(value):
            raise DivergedError(
                f"the loss is not finite in epoch {epoch} at learning rate {rate:.3g}: lower learning_rate, "
                "add warmup_epochs, or set gradient_clip; checkpoints of earlier epochs are kept"
            )


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
    encoder: Encoder,
    part: Part,
    spec: TrainingSpec,
    seed: int,
    epochs: Sequence[int],
    held_out: Part | None,
    measured: Sequence[int],
) -> str:
    """A digest of everything that the states depend on; of the part, all labels and 64 evenly spaced images."""
    facts: dict[str, Any] = {"encoder": encoder.description(), "training": spec.model_dump(mode="json")}
    facts |= {
        "seed": seed,
        "epochs": list(epochs),
        "measured": list(measured),
        "shape": list(part.images.shape),
    }
    facts["held_out"] = None if held_out is None else len(held_out)
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    digest.update(part.labels.tobytes())
    digest.update(part.images[evenly_spaced(len(part), 64)].tobytes())
    return digest.hexdigest()
