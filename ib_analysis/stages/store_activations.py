"""Store the activations of one checkpoint, for the decoder and the evaluation part, to be kept."""

from pathlib import Path
from typing import Literal

from ib_analysis import spec
from ib_analysis.activations.compute import store_activations
from ib_analysis.artefacts import replacing_folder, write_json
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.device import describe_device, resolve_device
from ib_analysis.encoders.checkpoint import checkpoint_name, load_checkpoint
from ib_analysis.provenance import Job


class Spec(spec.Spec):
    """Slice of the experiment."""

    epoch: int
    taps: tuple[str, ...]
    architecture: spec.Described
    precision: Literal["float32", "float16"]


def run(slice_: Spec, job: Job, *, dataset: Path, checkpoints: Path, out: Path) -> None:
    """Write the folder `out` with a store for each of the two parts."""
    device = resolve_device(job.device, job.threads)
    data = open_dataset(dataset.parent)
    checkpoint = load_checkpoint(checkpoints / checkpoint_name(slice_.epoch))
    with replacing_folder(out) as folder:
        for part in (data.decoder, data.evaluation):
            store_activations(
                checkpoint.encoder.to(device),
                part,
                slice_.taps,
                folder / part.name,
                fingerprint=data.header.fingerprint,
                checkpoint_digest=checkpoint.digest,
                precision=slice_.precision,
                device=device,
            )
        write_json(folder / "provenance.json", job.provenance() | {"device_name": describe_device(device)})
