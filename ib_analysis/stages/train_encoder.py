"""Train one network in one regime from one seed, and store it at the measured epochs; or copy given weights."""

import math
from pathlib import Path
from shutil import rmtree

import numpy as np
import torch

from ib_analysis import spec
from ib_analysis.artefacts import Artefact, link, replacing_folder, sha256, write_json
from ib_analysis.datasets.dataset import Dataset
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.device import describe_device, resolve_device
from ib_analysis.encoders.checkpoint import checkpoint_name, save_checkpoint
from ib_analysis.encoders.encoder import Encoder, ImageShape
from ib_analysis.encoders.given import GivenEncoder
from ib_analysis.encoders.sight import UNKNOWN, Sight, sight_path
from ib_analysis.encoders.specs.training import Regime, TrainingSpec
from ib_analysis.encoders.training.train import train
from ib_analysis.encoders.training.training_curve import CurveRow, curve_path
from ib_analysis.errors import UserError
from ib_analysis.provenance import Job, digest_of
from ib_analysis.rows import write_rows
from ib_analysis.scratch import is_kept, keep, locked

IMAGES_OF_VERIFICATION = 8


class Spec(spec.Spec):
    """Slice of the experiment."""

    encoder: str
    regime: Regime
    seed: int
    architecture: spec.Described
    training: TrainingSpec
    epochs: tuple[int, ...]

    @property
    def is_given(self) -> bool:
        """Whether the network comes with its weights."""
        return issubclass(self.architecture.implementation_class(), GivenEncoder)


def run(slice_: Spec, job: Job, *, dataset: Artefact, weights: list[Path], scratch: Path, out: Path) -> None:
    """Write the folder `out`: a checkpoint for each measured epoch, and the training curve.

    A given network is not trained: the files `weights`, one for each measured epoch, are verified and become its
    checkpoints, and its curve has no rows.
    """
    device = resolve_device(job.device, job.threads)
    data = open_dataset(dataset.parent)
    key = {"slice": slice_.model_dump(mode="json"), "code": job.code, "dataset": data.header.fingerprint}
    sources = {str(path): sha256(path) for path in weights}
    key |= {"weights": [*sources.values()]} if weights else {}
    with locked(scratch):
        kept = scratch / digest_of(key)
        names = [*(checkpoint_name(epoch) for epoch in slice_.epochs), curve_path(kept).name]
        names += [sight_path(kept).name] * slice_.is_given
        if not is_kept(kept):
            _make(slice_, data, weights, kept, device)
            keep(kept, *names)
        rmtree(kept / "state", ignore_errors=True)
        with replacing_folder(out) as folder:
            for name in names:
                link(kept / name, folder / name)
            facts = {
                "sources": sources,
                "seed": slice_.seed,
                "device_name": describe_device(device),
                "dataset": data.header.fingerprint,
            }
            job.record(folder, **facts)


def _make(slice_: Spec, data: Dataset, weights: list[Path], kept: Path, device: torch.device) -> None:
    encoder = _build(slice_, data)
    kept.mkdir(parents=True, exist_ok=True)
    if isinstance(encoder, GivenEncoder):
        _take(encoder, slice_, data, weights, kept, device)
    else:
        _train(encoder, slice_, data, kept, device)


def _take(
    encoder: GivenEncoder, slice_: Spec, data: Dataset, weights: list[Path], kept: Path, device: torch.device
) -> None:
    """Verify the given weights on images of the decoder part, and keep them; null is the weights it was built with."""
    if len(weights or slice_.epochs[:1]) != len(slice_.epochs):
        raise UserError(
            f"--weights: {len(weights)} files for {len(slice_.epochs)} epochs: give one an epoch."
        )
    images = torch.from_numpy(data.decoder.images[:IMAGES_OF_VERIFICATION].copy()).to(device)
    encoder.to(device)
    files: list[Path | None] = [*weights] or [None]
    seen: list[torch.Tensor | None] = []
    for epoch, path in zip(slice_.epochs, files, strict=True):
        if path is not None:
            encoder.load_weights(path)
        encoder.verify(images)
        save_checkpoint(encoder, kept / checkpoint_name(epoch), epoch=epoch, seed=slice_.seed)
        seen.append(encoder.seen_pixels(images))
    write_rows(curve_path(kept), CurveRow, [])
    print(
        f"{slice_.encoder}: weights verified in evaluation mode (dropout off, batch norm by running statistics)"
    )
    for tap in encoder.taps:
        print(f"  {tap.name}: h of {math.prod(tap.shape):,} values, shape {tap.shape}")
    known = [pixels.cpu().numpy() for pixels in seen if pixels is not None]
    sight = Sight.of(np.logical_or.reduce(known)) if len(known) == len(seen) else None
    print(f"  {sight.sentence if sight else UNKNOWN}")
    write_json(sight_path(kept), sight and sight.model_dump(mode="json"))


def _train(encoder: Encoder, slice_: Spec, data: Dataset, kept: Path, device: torch.device) -> None:
    def keep(epoch: int, trained: Encoder) -> None:
        save_checkpoint(trained, kept / checkpoint_name(epoch), epoch=epoch, seed=slice_.seed)

    curve = train(
        encoder,
        data.encoder,
        slice_.training,
        seed=slice_.seed,
        epochs_to_keep=slice_.epochs,
        device=device,
        scratch=kept / "state",
        keep=keep,
        held_out=data.decoder,
        label=f"{slice_.encoder} {slice_.regime} seed {slice_.seed}",
    )
    write_rows(curve_path(kept), CurveRow, curve.rows)


def _build(slice_: Spec, data: Dataset) -> Encoder:
    encoder_class, architecture = slice_.architecture.load()
    image = ImageShape.of(data.header)
    return encoder_class(architecture, slice_.regime, image, len(data.header.class_names))
