"""Draw images from p(x), the unconditional decoder."""

from pathlib import Path

import numpy as np

from decoders.saving import load_decoder
from decoders.training.atomic_file import replacing
from ib_analysis import spec
from ib_analysis.artefacts import Artefact
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.decoder_files import weights_path
from ib_analysis.device import resolve_device
from ib_analysis.provenance import Job
from ib_analysis.stages.draw_samples import draw


class Spec(spec.Spec):
    """Slice of the experiment."""

    count: int
    seed: int
    decoder: spec.Described


def run(slice_: Spec, job: Job, *, dataset: Artefact, decoder: Artefact, out: Path) -> None:
    """Write `out`: samples (count, C, H, W) and the number of levels."""
    device = resolve_device(job.device, job.threads)
    header = open_dataset(dataset.parent).header
    marginal = load_decoder(weights_path(decoder, "image")).to(device)
    images = draw(marginal, None, slice_.count, slice_.seed, device)[:, 0]
    with replacing(out) as path:
        np.savez(path, images=images, levels=np.array(header.levels))
    job.record(out)
