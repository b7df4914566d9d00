"""Fit p(x), the unconditional decoder, with the same budget as every conditional one."""

from dataclasses import dataclass
from pathlib import Path

import torch

from decoders.spec import FitSpec
from ib_analysis import spec
from ib_analysis.activations.pairs import ClassPairs, ImagePairs, apply_control
from ib_analysis.artefacts import Artefact
from ib_analysis.datasets.dataset import Dataset
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.decoder_files import MARGINAL, decoder_name
from ib_analysis.decoder_fits import (
    Piece,
    assemble,
    fit_or_reuse,
    image_target,
    pretrained_path,
    process_group,
)
from ib_analysis.device import describe_device, resolve_device
from ib_analysis.provenance import Job

DATA_PARALLEL = True  # several processes may share this stage


class Spec(spec.Spec):
    """Slice of the experiment."""

    variant: str
    decoder: spec.Described
    fit: FitSpec
    share: float


@dataclass(frozen=True)
class Told:
    """What a decoder of images is told where no network makes it: the name, the shape (None: nothing) and the pairs."""

    name: str
    shape: tuple[int, ...] | None
    pairs: ImagePairs | ClassPairs


def run(
    slice_: Spec, job: Job, *, dataset: Artefact, pretrained: list[Artefact], scratch: Path, out: Path
) -> None:
    """Write the folder `out`: the decoder, its history, and fits.json."""
    device = resolve_device(job.device, job.threads)
    data = open_dataset(dataset.parent)
    told = Told(MARGINAL, None, ImagePairs(data.decoder, device))
    fit_told(slice_, job, data, told, device, pretrained=pretrained, scratch=scratch, out=out)


def fit_told(
    slice_: Spec,
    job: Job,
    data: Dataset,
    told: Told,
    device: torch.device,
    *,
    pretrained: list[Path],
    scratch: Path,
    out: Path,
) -> None:
    """Write the folder `out` of the decoder that is told this, fitted with the budget of every point."""
    piece = Piece(
        decoder_name("image", told.name),
        slice_.decoder,
        image_target(data.header),
        told.shape,
        apply_control(told.pairs, "own", slice_.share, slice_.fit.seed),
        slice_.fit,
        {"code": job.code, "dataset": data.header.fingerprint, "share": slice_.share},
        pretrained_path(pretrained),
    )
    with process_group(scratch, device):
        fitted = fit_or_reuse(piece, scratch, device)
        assemble(out, {("image", told.name): fitted}, job, {"device_name": describe_device(device)})
