"""Training of a classifier that may diverge, and its accuracy."""

from pathlib import Path

import numpy as np
import torch

from ib_analysis.datasets.dataset import Part
from ib_analysis.encoders.encoder import Encoder
from ib_analysis.encoders.specs.training import TrainingSpec
from ib_analysis.encoders.training.image_rows import ImageRows
from ib_analysis.encoders.training.objective import measure
from ib_analysis.encoders.training.train import DivergedError, train


def train_classifier(
    encoder: Encoder,
    part: Part,
    spec: TrainingSpec,
    seed: int,
    device: torch.device,
    scratch: Path,
    label: str,
) -> bool:
    """Trains a classifier to its last epoch; returns False if the loss did not stay finite.

    Args:
        scratch: a folder that only this training uses, from which an interrupted training resumes.
        label: label of the progress bar.
    """
    try:
        train(
            encoder, part, spec, seed=seed, epochs_to_keep=(spec.epochs,), device=device, scratch=scratch,
            keep=lambda epoch, trained: None, curve_epochs=(spec.epochs,), label=label,
        )  # fmt: skip
    except DivergedError:
        return False
    return True


def accuracy(encoder: Encoder, part: Part, device: torch.device, images_at_once: int) -> float:
    """Fraction of correctly classified images of a part, in evaluation mode, without augmentation."""
    return measure(encoder, ImageRows(part, device).blocks(np.arange(len(part)), images_at_once)).metric
