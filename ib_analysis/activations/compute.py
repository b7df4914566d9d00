"""Computes the activations of one part, block by block, into a store."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import torch

from decoders.training.progress import progress
from ib_analysis.activations.recomputed import RecomputedActivations
from ib_analysis.activations.spec import Precision
from ib_analysis.activations.store import ActivationStore, StoreWriter
from ib_analysis.activations.tapped import Tapped
from ib_analysis.datasets.dataset import Part


def store_activations(
    encoder: Tapped,
    part: Part,
    taps: Collection[str],
    folder: Path,
    *,
    fingerprint: str,
    checkpoint_digest: str,
    device: torch.device | str,
    precision: Precision = "float32",
) -> ActivationStore:
    """Computes h at the given taps for every image of the part, writes it to `folder` and opens it.

    As many images are in memory as it holds (`decoders.memory`). An earlier store at `folder` is replaced once the new
    one is complete.

    Raises:
        UserError: the disk is too small or full, or h is not finite or overflows float16.
    """
    source = RecomputedActivations(encoder, part, device)
    writer = StoreWriter(
        folder,
        fingerprint=fingerprint,
        part=part.name,
        count=len(part),
        shapes={name: source.shape(name) for name in taps},
        checkpoint_digest=checkpoint_digest,
        precision=precision,
    )
    with writer:
        for start in progress(range(0, len(part), source.at_once), f"activations of the {part.name} part"):
            writer.append(source.rows_at(taps, np.arange(start, min(start + source.at_once, len(part)))))
    return ActivationStore.open(
        folder, fingerprint=fingerprint, part=part.name, checkpoint_digest=checkpoint_digest
    )
