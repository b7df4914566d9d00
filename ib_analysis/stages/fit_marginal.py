"""Fit p(x), the unconditional decoder, with the same budget as every conditional one."""

from pathlib import Path

from decoders.spec import FitSpec
from ib_analysis import spec
from ib_analysis.activations.pairs import ImagePairs, apply_control
from ib_analysis.artefacts import Artefact
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.decoder_files import MARGINAL, decoder_name
from ib_analysis.device import describe_device, resolve_device
from ib_analysis.provenance import Job
from ib_analysis.stages.fit_decoders import (
    Piece,
    assemble,
    fit_or_reuse,
    image_target,
    pretrained_path,
    process_group,
)

DATA_PARALLEL = True  # several processes may share this stage


class Spec(spec.Spec):
    """Slice of the experiment."""

    variant: str
    decoder: spec.Described
    fit: FitSpec
    share: float


def run(
    slice_: Spec, job: Job, *, dataset: Artefact, pretrained: list[Artefact], scratch: Path, out: Path
) -> None:
    """Write the folder `out`: the decoder, its history, and fits.json."""
    device = resolve_device(job.device, job.threads)
    data = open_dataset(dataset.parent)
    piece = Piece(
        decoder_name("image"),
        slice_.decoder,
        image_target(data.header),
        None,
        apply_control(ImagePairs(data.decoder, device), "own", slice_.share, slice_.fit.seed),
        slice_.fit,
        {"code": job.code, "dataset": data.header.fingerprint, "share": slice_.share},
        pretrained_path(pretrained),
    )
    with process_group(scratch, device):
        fitted = fit_or_reuse(piece, scratch, device)
        assemble(out, {("image", MARGINAL): fitted}, job, {"device_name": describe_device(device)})
