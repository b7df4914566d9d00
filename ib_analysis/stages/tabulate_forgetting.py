"""What samples share with their original at every tap and epoch, beside another image, and how that changes."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from decoders.training.progress import progress
from ib_analysis import spec
from ib_analysis.artefacts import Artefact, made_from
from ib_analysis.datasets.dataset import Dataset
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.device import resolve_device
from ib_analysis.encoders.checkpoint import checkpoint_name, load_checkpoint
from ib_analysis.encoders.encoder import Encoder
from ib_analysis.figures.samples import Samples, read_samples
from ib_analysis.forgetting.changes import ChangeRow, change_rows
from ib_analysis.forgetting.compare import Originals, forgetting_rows
from ib_analysis.forgetting.other_images import OtherImages
from ib_analysis.forgetting.table import ForgettingRow
from ib_analysis.provenance import Job
from ib_analysis.rows import write_rows

BATCH = 512


class Spec(spec.Spec):
    """Everything that this stage needs stands in its inputs."""


def run(
    slice_: Spec,
    job: Job,
    *,
    dataset: Artefact,
    judge: Artefact,
    samples: list[Artefact],
    table: Path,
    changes: Path,
) -> None:
    """Write the table: the rows of every network, epoch and tap that was sampled; and the changes between epochs."""
    device = resolve_device(job.device, job.threads)
    data = open_dataset(dataset.parent)
    last = made_from(judge)["training"]["epochs"]
    teller = load_checkpoint(judge / checkpoint_name(last)).encoder.to(device)
    told = told_classes(teller, data.evaluation.images, device)
    classes = len(data.header.class_names)
    others = OtherImages.of(data.evaluation, data.header.levels, classes, told)
    rows: list[ForgettingRow] = []
    for path in progress(samples, "compare samples"):
        rows += _of_network(read_samples(path), data, others, told, teller, device)
    write_rows(table, ForgettingRow, rows)
    job.record(table, dataset=data.header.fingerprint)
    write_rows(changes, ChangeRow, [*change_rows(rows)])
    job.record(changes, dataset=data.header.fingerprint)


def _of_network(
    samples: Samples,
    data: Dataset,
    others: OtherImages,
    told: NDArray[np.int64],
    teller: Encoder,
    device: torch.device,
) -> Iterator[ForgettingRow]:
    rows = samples.rows
    originals = Originals(samples.originals, samples.levels, data.evaluation.labels[rows], told[rows], others)
    for point, draws in samples.drawn.items():
        flat = draws.reshape(-1, *draws.shape[2:])
        yield from forgetting_rows(
            point, draws, told_classes(teller, flat, device).reshape(draws.shape[:2]), originals
        )


@torch.no_grad()
def told_classes(teller: Encoder, images: NDArray[np.uint8], device: torch.device) -> NDArray[np.int64]:
    """The class (n,) of which the judge is surest, for images (n, C, H, W)."""
    found = [
        teller(torch.from_numpy(np.array(images[start : start + BATCH])).to(device))
        .argmax(dim=1)
        .cpu()
        .numpy()
        for start in range(0, len(images), BATCH)
    ]
    return np.concatenate(found).astype(np.int64)
