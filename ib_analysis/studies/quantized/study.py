"""Networks over depth x width x bits: cost, accuracy, generalization gap, and the entropy of their layers."""

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray

from ib_analysis.datasets.dataset import Dataset
from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.quantized import Quantized
from ib_analysis.encoders.specs.quantized import SUFFIX
from ib_analysis.encoders.training.image_rows import ImageRows, evenly_spaced
from ib_analysis.encoders.training.train import Member, steps_per_epoch
from ib_analysis.studies.classifier import accuracy, train_classifiers
from ib_analysis.studies.quantized import claims
from ib_analysis.studies.quantized.cost_model import cost
from ib_analysis.studies.quantized.plug_in_entropy import plug_in_entropy, row_symbols, unit_entropies
from ib_analysis.studies.quantized.row import QuantizedRow
from ib_analysis.studies.specs.quantized import QuantizedStudySpec, Stages, Trained
from ib_analysis.studies.study import Setting, Study
from ib_analysis.studies.verdict import Verdict
from ib_analysis.units import bits as in_bits

IMAGES_AT_ONCE = 256


class QuantizedStudy(Study):
    """Cost and accuracy at each bit width."""

    Spec = QuantizedStudySpec
    Row = QuantizedRow
    spec: QuantizedStudySpec

    def measure(self, piece: str, setting: Setting) -> Sequence[QuantizedRow]:
        """The networks of all sizes of one precision, learning rate and block of seeds, and their quantized layers."""
        sizes = product(self.spec.blocks, self.spec.widths)
        return [row for size in sizes for row in self._networks(self.spec.trained[piece], *size, setting)]

    def verdicts(self, rows: Sequence[QuantizedRow]) -> Sequence[Verdict]:
        """The claims of the paper (see `claims`)."""
        return claims.verdicts(rows)

    def _networks(
        self, piece: Trained, blocks: Stages, widths: Stages, setting: Setting
    ) -> Iterator[QuantizedRow]:
        data = setting.images
        of_blocks, of_widths = "-".join(map(str, blocks)), "-".join(map(str, widths))
        training = self.spec.training.model_copy(update={"learning_rate": piece.learning_rate})
        encoders = [self._encoder(piece.precision, blocks, widths, data) for _ in piece.seeds]
        members = [
            Member(encoder, data.encoder, training, seed) for encoder, seed in zip(encoders, piece.seeds)
        ]
        priced = costs(encoders[0])  # on the CPU, before the training takes the networks to its device
        name = f"{piece.precision} {of_blocks} {of_widths}"
        trained = train_classifiers(
            members,
            setting.device,
            setting.scratch / name.replace(" ", "_"),
            f"{name} rate {piece.learning_rate:g}",
        )
        for seed, encoder, ended in zip(piece.seeds, encoders, trained):
            row = QuantizedRow(
                images=data.header.name, bits=piece.precision, blocks=of_blocks, widths=of_widths, seed=seed,
                learning_rate=piece.learning_rate, status="trained" if ended else "diverged",
            )  # fmt: skip
            if ended:
                yield row.model_copy(update=priced | accuracies(encoder, data, setting.device))
                yield from layers(row, encoder, setting, self.spec.entropy_images)
            else:
                yield row.model_copy(update=priced)

    def _encoder(self, precision: str, blocks: Stages, widths: Stages, data: Dataset) -> Quantized:
        start_step = self.spec.start_epoch * steps_per_epoch(len(data.encoder), self.spec.training.batch_size)
        spec = self.spec.network(blocks, widths, self.spec.precisions[precision], start_step)
        return Quantized(spec, "classifier", ImageShape.of(data.header), len(data.header.class_names))


def costs(encoder: Quantized) -> dict[str, int]:
    """The columns of the cost model, of an encoder on the CPU."""
    found = cost(encoder)
    return {
        "multiplications": found.multiplications,
        "weights": found.weights,
        "compute_cost": found.compute,
        "memory_bits": found.memory,
    }


def accuracies(encoder: Quantized, data: Dataset, device: torch.device) -> dict[str, float]:
    """Accuracy on the three parts, in evaluation mode, without augmentation."""
    parts = {
        "training_accuracy": data.encoder,
        "validation_accuracy": data.decoder,
        "accuracy": data.evaluation,
    }
    return {name: accuracy(encoder, part, device, IMAGES_AT_ONCE) for name, part in parts.items()}


def layers(row: QuantizedRow, encoder: Quantized, setting: Setting, most: int) -> list[QuantizedRow]:
    """A row for each quantized tap with its entropy over held-out images."""
    taps = [tap.name for tap in encoder.taps if tap.name.endswith(SUFFIX)]
    return [row.model_copy(update={"tap": tap} | entropies(encoder, tap, setting, most)) for tap in taps]


def entropies(encoder: Quantized, tap: str, setting: Setting, most: int) -> dict[str, float]:
    """The columns of the entropies of one tap."""
    h = np.concatenate(list(activations(encoder, tap, setting, most)))
    whole, units = plug_in_entropy(row_symbols([h])), unit_entropies(h)
    return {
        "entropy_bits": in_bits(whole.nats),
        "entropy_miller_madow_bits": in_bits(whole.miller_madow_nats),
        "ceiling_bits": in_bits(whole.ceiling_nats),
        "alone": whole.alone,
        "units": len(units),
        "units_entropy_bits": in_bits(float(units.sum())),
    }


@torch.no_grad()
def activations(encoder: Quantized, tap: str, setting: Setting, most: int) -> Iterator[NDArray[np.float32]]:
    """h of at most `most` evenly spaced images of the decoder and the evaluation part, in blocks."""
    parts = setting.images.decoder, setting.images.evaluation
    rows = evenly_spaced(sum(map(len, parts)), most)
    before = len(parts[0])
    for part, chosen in zip(parts, (rows[rows < before], rows[rows >= before] - before)):
        for x, _ in ImageRows(part, setting.device).blocks(chosen, IMAGES_AT_ONCE):
            yield encoder.eval().activations(x, [tap])[tap].float().cpu().numpy()
