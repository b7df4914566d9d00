"""Train one network in one regime from one seed, and keep it at the measured epochs."""

from pathlib import Path
from shutil import rmtree

import torch

from ib_analysis import spec
from ib_analysis.artefacts import link, replacing_folder, write_json
from ib_analysis.datasets.dataset import Dataset
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.device import describe_device, resolve_device
from ib_analysis.encoders.checkpoint import checkpoint_name, save_checkpoint
from ib_analysis.encoders.encoder import Encoder, ImageShape
from ib_analysis.encoders.specs.training import Regime, TrainingSpec
from ib_analysis.encoders.training.train import train
from ib_analysis.encoders.training.training_curve import CurveRow, curve_path
from ib_analysis.provenance import Job, digest_of
from ib_analysis.rows import write_rows
from ib_analysis.scratch import locked


class Spec(spec.Spec):
    """Slice of the experiment."""

    encoder: str
    regime: Regime
    seed: int
    architecture: spec.Described
    training: TrainingSpec
    epochs: tuple[int, ...]


def run(slice_: Spec, job: Job, *, dataset: Path, scratch: Path, out: Path) -> None:
    """Write the folder `out`: a checkpoint a measured epoch, and the training curve."""
    device = resolve_device(job.device, job.threads)
    data = open_dataset(dataset.parent)
    key = {"slice": slice_.model_dump(mode="json"), "code": job.code, "dataset": data.header.fingerprint}
    with locked(scratch):
        kept = scratch / digest_of(key)
        names = [*(checkpoint_name(epoch) for epoch in slice_.epochs), curve_path(kept).name]
        if not all((kept / name).exists() for name in names):
            _train(slice_, data, kept, device)
        rmtree(kept / "state", ignore_errors=True)
        with replacing_folder(out) as folder:
            for name in names:
                link(kept / name, folder / name)
            facts = {
                "seed": slice_.seed,
                "device_name": describe_device(device),
                "dataset": data.header.fingerprint,
            }
            write_json(folder / "provenance.json", job.provenance() | facts)


def _train(slice_: Spec, data: Dataset, kept: Path, device: torch.device) -> None:
    encoder = _build(slice_, data)
    kept.mkdir(parents=True, exist_ok=True)

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
