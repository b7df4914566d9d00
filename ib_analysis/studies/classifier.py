"""Classifiers as studies of several of them need them: trained, or known to have diverged; and their accuracy."""

from pathlib import Path

import numpy as np
import torch

from ib_analysis.datasets.dataset import Part
from ib_analysis.encoders.encoder import Encoder
from ib_analysis.encoders.specs.training import TrainingSpec
from ib_analysis.encoders.training.image_rows import ImageRows
from ib_analysis.encoders.training.objective import measure
from ib_analysis.encoders.training.train import DivergedError, train


def has_trained(
    encoder: Encoder,
    part: Part,
    spec: TrainingSpec,
    seed: int,
    device: torch.device,
    scratch: Path,
    label: str,
) -> bool:
    """Trains it to its last epoch; False where the loss did not stay finite, which is a result as well.

    Args:
        scratch: a folder of this training alone, from which an interrupted one goes on.
        label: what the progress is called.
    """
    try:
        train(
            encoder, part, spec, seed=seed, epochs_to_keep=(spec.epochs,), device=device, scratch=scratch,
            keep=lambda epoch, trained: None, label=label,
        )  # fmt: skip
    except DivergedError:
        return False
    return True


def accuracy(encoder: Encoder, part: Part, device: torch.device, images_at_once: int) -> float:
    """Share of the images of a part that are classified rightly, in evaluation mode, on the images as they are."""
    return measure(encoder, ImageRows(part, device).blocks(np.arange(len(part)), images_at_once)).metric
