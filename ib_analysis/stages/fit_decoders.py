"""Fit p(x | h) and p(y | h) at every tap of one checkpoint, on the decoder part."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree

import torch

from decoders.spec import FitSpec, LabelTarget
from decoders.training.process_group import Ranks
from ib_analysis import spec
from ib_analysis.activations.activations import Activations
from ib_analysis.activations.compute import store_activations
from ib_analysis.activations.pairs import ImagePairs, LabelPairs, apply_control
from ib_analysis.activations.recomputed import RecomputedActivations
from ib_analysis.activations.spec import ActivationsSpec
from ib_analysis.activations.store import ActivationStore
from ib_analysis.artefacts import Artefact
from ib_analysis.datasets.dataset import Dataset
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.decoder_cost import cost_sentences
from ib_analysis.decoder_files import decoder_name, weights_path
from ib_analysis.decoder_fits import (
    Piece,
    assemble,
    fit_or_reuse,
    fit_stacks,
    image_target,
    pretrained_path,
    process_group,
)
from ib_analysis.device import describe_device, resolve_device
from ib_analysis.encoders.checkpoint import Checkpoint, checkpoint_name, load_checkpoint
from ib_analysis.encoders.specs.training import Regime
from ib_analysis.point import Target
from ib_analysis.provenance import Job
from ib_analysis.variant import Pairing

DATA_PARALLEL = True  # several processes may share this stage


class Spec(spec.Spec):
    """Slice of the experiment."""

    variant: str
    encoder: str
    regime: Regime
    seed: int
    epoch: int
    taps: tuple[str, ...]
    architecture: spec.Described
    activations: ActivationsSpec
    image: spec.Described
    image_fit: FitSpec
    label: spec.Described
    label_fit: FitSpec
    pairing: Pairing
    share: float


def run(
    slice_: Spec,
    job: Job,
    *,
    dataset: Artefact,
    checkpoints: Artefact,
    pretrained: list[Artefact],
    neighbour: list[Artefact],
    scratch: Path,
    out: Path,
) -> None:
    """Write the folder `out`: two decoders a tap, their histories, and fits.json.

    Image decoders start from those of the `neighbour` checkpoint where there is one, else from the `pretrained`
    decoder, if any. Label decoders start from the class frequencies, and keep them where no later validation step is
    better.
    """
    device = resolve_device(job.device, job.threads)
    data = open_dataset(dataset.parent)
    checkpoint = load_checkpoint(checkpoints / checkpoint_name(slice_.epoch))
    with (
        process_group(scratch, device),
        _activations(slice_, data, checkpoint, scratch, device) as activations,
    ):
        _say_cost(slice_, data, activations)
        starts = {tap: start_path(tap, pretrained, neighbour) for tap in slice_.taps}
        pieces = dict(_pieces(slice_, job, data, checkpoint, activations, starts, device))
        fit_stacks(list(pieces.values()), scratch, device)
        fits = {address: fit_or_reuse(piece, scratch, device) for address, piece in pieces.items()}
        assemble(out, fits, job, {"device_name": describe_device(device)})


def start_path(tap: str, pretrained: list[Path], neighbour: list[Path]) -> Path | None:
    """The weights that the image decoder of a tap starts from."""
    return weights_path(neighbour[0], "image", tap) if neighbour else pretrained_path(pretrained)


def _say_cost(slice_: Spec, data: Dataset, activations: Activations) -> None:
    """Say what a decoder of each tap costs before any is fitted."""
    if Ranks.current().first:
        shapes = {tap: activations.shape(tap) for tap in slice_.taps}
        target, classes = image_target(data.header), len(data.header.class_names)
        for line in cost_sentences(shapes, slice_.image, slice_.label, target, classes, len(data.decoder)):
            print(line, flush=True)


def _pieces(
    slice_: Spec,
    job: Job,
    data: Dataset,
    checkpoint: Checkpoint,
    activations: Activations,
    starts: Mapping[str, Path | None],
    device: torch.device,
) -> Iterator[tuple[tuple[Target, str], Piece]]:
    """Each decoder of the checkpoint by its target and tap."""
    part = data.decoder
    facts = {
        "code": job.code,
        "dataset": data.header.fingerprint,
        "checkpoint": checkpoint.digest,
        "activations": slice_.activations.effective_precision,
        "pairing": slice_.pairing,
        "share": slice_.share,
    }
    for tap in slice_.taps:
        shape = activations.shape(tap)
        yield (
            ("image", tap),
            Piece(
                decoder_name("image", tap),
                slice_.image,
                image_target(data.header),
                shape,
                apply_control(
                    ImagePairs(part, device, activations, tap),
                    slice_.pairing,
                    slice_.share,
                    slice_.image_fit.seed,
                ),
                slice_.image_fit,
                facts,
                starts[tap],
            ),
        )
        if "label" in data.header.targets:
            yield (
                ("label", tap),
                Piece(
                    decoder_name("label", tap),
                    slice_.label,
                    LabelTarget(classes=len(data.header.class_names)),
                    shape,
                    apply_control(
                        LabelPairs(part, device, activations, tap),
                        slice_.pairing,
                        slice_.share,
                        slice_.image_fit.seed,
                    ),
                    slice_.label_fit,
                    facts,
                ),
            )


@contextmanager
def _activations(
    slice_: Spec, data: Dataset, checkpoint: Checkpoint, scratch: Path, device: torch.device
) -> Iterator[Activations]:
    encoder = checkpoint.encoder.to(device)
    if slice_.activations.source == "recomputed":
        yield RecomputedActivations(encoder, data.decoder, device)
        return
    folder = scratch / "activations"
    try:
        yield _stored(slice_, data, checkpoint, folder, device)
    finally:
        if Ranks.current().first:
            rmtree(folder, ignore_errors=True)


def _stored(
    slice_: Spec, data: Dataset, checkpoint: Checkpoint, folder: Path, device: torch.device
) -> Activations:
    """The activation store: the first process computes it, and all processes read it."""
    ranks = Ranks.current()
    fingerprint, digest = data.header.fingerprint, checkpoint.digest
    if not ranks.first:
        ranks.wait()
        return ActivationStore.open(folder, fingerprint=fingerprint, part="decoder", checkpoint_digest=digest)
    rmtree(folder, ignore_errors=True)
    store = store_activations(
        checkpoint.encoder,
        data.decoder,
        slice_.taps,
        folder,
        fingerprint=fingerprint,
        checkpoint_digest=digest,
        precision=slice_.activations.precision,
        device=device,
    )
    ranks.wait()
    return store
