"""Training of classifiers that may diverge, and their accuracy."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from ib_analysis.datasets.dataset import Part
from ib_analysis.encoders.encoder import Encoder
from ib_analysis.encoders.training.image_rows import ImageRows
from ib_analysis.encoders.training.objective import measure
from ib_analysis.encoders.training.stack import members_at_once
from ib_analysis.encoders.training.train import Member, train_side_by_side
from ib_analysis.encoders.training.training_curve import TrainingCurve


def train_classifiers(
    members: Sequence[Member],
    device: torch.device,
    scratch: Path,
    label: str,
    begun: Callable[[int, Encoder], None] | None = None,
) -> list[bool]:
    """Trains classifiers to their last epoch; says of each whether its loss stayed finite.

    Those that are faster computed as one network are (see `encoders.training.stack`).

    Args:
        members: as of `train_side_by_side`.
        device: device of the training; the networks are left there.
        scratch: a folder that only these trainings use, from which interrupted ones resume.
        label: label of the progress bar.
        begun: receives the number of the member and its untrained network in evaluation mode.
    """
    found, last = list[bool](), members[0].spec.epochs
    count = members_at_once(members[0].encoder, members[0].spec.batch_size, device)
    for first in range(0, len(members), count):

        def keep(m: int, epoch: int, reached: Encoder, first: int = first) -> None:
            if epoch == 0 and begun is not None:
                begun(first + m, reached)

        ended = train_side_by_side(
            members[first : first + count], epochs_to_keep=(last,) if begun is None else (0, last), device=device,
            scratch=scratch / f"from{first}", keep=keep, curve_epochs=(last,), label=label,
        )  # fmt: skip
        found += [isinstance(one, TrainingCurve) for one in ended]
    return found


def accuracy(encoder: Encoder, part: Part, device: torch.device, images_at_once: int) -> float:
    """Fraction of correctly classified images of a part, in evaluation mode, without augmentation."""
    return measure(encoder, ImageRows(part, device).blocks(np.arange(len(part)), images_at_once)).metric
