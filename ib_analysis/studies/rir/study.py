"""Four arms of equal size, trained in the same way and compared by seed, then with each stream zeroed."""

from collections.abc import Sequence

import numpy as np
import torch

from ib_analysis.datasets.dataset import Dataset, Part
from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.rir import Rir
from ib_analysis.encoders.specs.rir import Arm
from ib_analysis.encoders.training.train import Member
from ib_analysis.studies.classifier import accuracy, train_classifiers
from ib_analysis.studies.rir import claims
from ib_analysis.studies.rir.multiply_adds import multiply_adds
from ib_analysis.studies.rir.row import RirRow
from ib_analysis.studies.rir.stream_knock_out import IMAGES_AT_ONCE, accuracies_without_a_stream
from ib_analysis.studies.specs.rir import RirStudySpec
from ib_analysis.studies.study import Setting, Study
from ib_analysis.studies.training_part import training_part
from ib_analysis.studies.verdict import Verdict


class RirStudy(Study):
    """Resnet in Resnet against three networks of equal size."""

    Spec = RirStudySpec
    Row = RirRow
    spec: RirStudySpec

    def measure(self, piece: str, setting: Setting) -> Sequence[RirRow]:
        """The networks of one arm, learning rate and block of seeds, whole and without each stream at each block."""
        arm, rate, seeds = self.spec.trained[piece]
        data, training = setting.images, self.spec.training.model_copy(update={"learning_rate": rate})
        encoders = [self._encoder(arm, data) for _ in seeds]
        members = [
            Member(
                encoder, training_part(data.encoder, self.spec.training_images, seed, "rir"), training, seed
            )
            for encoder, seed in zip(encoders, seeds)
        ]
        rows = [row_before_training(arm, encoder, member, data) for encoder, member in zip(encoders, members)]
        label = f"{arm}, rate {rate:g}, {piece.rpartition('-')[2]}"
        trained = train_classifiers(members, setting.device, setting.scratch, label)
        found = list[RirRow]()
        for row, encoder, member, ended in zip(rows, encoders, members, trained):
            if ended:
                done = row.model_copy(update={"status": "trained"})
                found += measure_network(done, encoder, member.part, data, setting.device)
            else:
                found.append(row)
        return found

    def verdicts(self, rows: Sequence[RirRow]) -> Sequence[Verdict]:
        """The claims of the paper (see `claims`)."""
        return claims.verdicts(rows)

    def _encoder(self, arm: Arm, data: Dataset) -> Rir:
        image, classes = ImageShape.of(data.header), len(data.header.class_names)
        return Rir(self.spec.network(arm), "classifier", image, classes)


def row_before_training(arm: Arm, encoder: Rir, member: Member, data: Dataset) -> RirRow:
    """What is known of a network that lies on the CPU: its size, its work and its images; it counts as diverged."""
    part = member.part
    return RirRow(
        images=data.header.name,
        training_images=len(part),
        evaluation_images=len(data.evaluation),
        arm=arm,
        seed=member.seed,
        learning_rate=member.spec.learning_rate,
        status="diverged",
        parameters=sum(p.numel() for p in encoder.parameters()),
        multiply_adds=multiply_adds(encoder, torch.from_numpy(np.array(part.images[:1]))),
    )


def measure_network(
    row: RirRow, encoder: Rir, learned: Part, data: Dataset, device: torch.device
) -> list[RirRow]:
    """The rows of a network trained on `learned`: whole, then without each stream at each block."""
    whole = {
        "training_accuracy": accuracy(encoder, learned, device, IMAGES_AT_ONCE),
        "validation_accuracy": accuracy(encoder, data.decoder, device, IMAGES_AT_ONCE),
        "accuracy": accuracy(encoder, data.evaluation, device, IMAGES_AT_ONCE),
    }
    without = accuracies_without_a_stream(encoder, data.evaluation, device)
    return [
        row.model_copy(update=whole),
        *(
            row.model_copy(update={"block": block, "stream": stream, "accuracy": value})
            for (block, stream), value in without.items()
        ),
    ]
