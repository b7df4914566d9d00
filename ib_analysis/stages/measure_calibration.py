"""Fit and evaluate the decoders of one group of rungs of the calibration ladder."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from decoders.evaluation import class_log_probabilities, nats_per_example
from decoders.pairs import TensorPairs
from decoders.saving import load_decoder
from decoders.spec import FitSpec, LabelTarget
from ib_analysis import spec
from ib_analysis.activations.recomputed import RecomputedActivations
from ib_analysis.activations.spec import Precision
from ib_analysis.artefacts import Artefact
from ib_analysis.calibration.ladder import Ladder, Rung
from ib_analysis.datasets.dataset import Dataset, Part
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.decoder_fits import Piece, fit_or_reuse, fit_stacks, image_target, pretrained_path
from ib_analysis.device import resolve_device
from ib_analysis.encoders.checkpoint import checkpoint_name, load_checkpoint
from ib_analysis.information.estimators.code_entropy import code_entropy, shared_information
from ib_analysis.information.measurement.evaluation import PointNats
from ib_analysis.information.measurement.parts import Parts, rows_of_decoder_part
from ib_analysis.information.measurement.rung_evaluation import (
    RungEvaluation,
    RungNats,
    Truth,
    write_rung_evaluation,
)
from ib_analysis.provenance import Job
from ib_analysis.scratch import locked
from ib_analysis.sections.calibration import Group

Rows = NDArray[np.int64] | None
HOST = torch.device("cpu")
# What the decoders of a rung predict: the arrays of a part that they are given.
TARGETS = ("images", "labels")


class Spec(spec.Spec):
    """Slice of the experiment."""

    variant: str
    group: Group
    k_means: tuple[int, ...]
    noise_units: int
    signs: tuple[int, ...]
    rotations: int
    seed: int
    epoch: int
    tap: str
    architecture: spec.Described
    precision: Precision
    image: spec.Described
    image_fit: FitSpec
    label: spec.Described
    label_fit: FitSpec
    holdout: float


def run(
    slice_: Spec,
    job: Job,
    *,
    dataset: Artefact,
    checkpoints: list[Artefact],
    pretrained: list[Artefact],
    scratch: Path,
    out: Path,
) -> None:
    """Write `out`: nats of images under the decoders of each rung, and what is known of the rung.

    `checkpoints` are of the network whose h some rungs take; there are none for groups of codes.
    """
    device = resolve_device(job.device, job.threads)
    data = open_dataset(dataset.parent)
    rungs = list(_rungs(slice_, data, checkpoints, device))
    with locked(scratch):
        decoders = _Decoders(slice_, job, data, pretrained_path(pretrained), scratch, device)
        fit_stacks((piece for rung in rungs for piece in decoders.pieces(rung, HOST)), scratch, device)
        found = [
            RungNats(rung.name, rung.family, rung.calibrates, *_truths(rung, data), decoders.nats(rung))
            for rung in rungs
        ]
    write_rung_evaluation(out, RungEvaluation(slice_.variant, tuple(found)))
    job.record(out)


def _rungs(slice_: Spec, data: Dataset, checkpoints: list[Path], device: torch.device) -> Iterator[Rung]:
    """The rungs of the group; a mistake in any of them is found before the first fit."""
    ladder = Ladder(data, slice_.seed, slice_.noise_units)
    if slice_.group == "label":
        yield from ladder.of_label()
    elif slice_.group in ("k-means", "k-means-noise"):
        noise = slice_.group == "k-means-noise"
        yield from (ladder.of_k_means(clusters, noise=noise) for clusters in slice_.k_means)
    elif slice_.group == "signs":
        yield from map(ladder.of_signs, slice_.signs)
    else:
        encoder = load_checkpoint(checkpoints[0] / checkpoint_name(slice_.epoch)).encoder.to(device)
        decoder, evaluation = (
            RecomputedActivations(encoder, part, device, slice_.precision).all_rows(slice_.tap).cpu().numpy()
            for part in _parts(data)
        )
        if slice_.group == "rotations":
            yield from ladder.rotations(decoder, evaluation, slice_.rotations)
        else:
            yield from ladder.of_another(decoder, evaluation)


def _parts(data: Dataset) -> tuple[Part, Part]:
    return data.decoder, data.evaluation


def _truths(rung: Rung, data: Dataset) -> tuple[Truth, Truth | None]:
    """What is known of I(x; h) and of I(y; h); codes and labels are counted on all images but the encoder's."""
    labels = np.concatenate([np.asarray(part.labels) for part in _parts(data)]).astype(np.int64)
    if rung.kind == "equal":
        return Truth("equal"), Truth("equal")
    if rung.kind == "class":
        of_labels = code_entropy(labels)
        return Truth("ceiling", of_labels.nats, of_labels.stderr_nats), None
    if rung.kind == "nothing":
        return Truth("exact"), Truth("exact")
    assert rung.codes is not None, "a code has codes"
    code, shared = code_entropy(rung.codes), shared_information(rung.codes, labels)
    return Truth("exact", code.nats, code.stderr_nats), Truth("exact", shared.nats, shared.stderr_nats)


@dataclass(frozen=True)
class _Decoders:
    """Fits the decoders of a rung with the recipe of the points, and evaluates them on the same images."""

    slice_: Spec
    job: Job
    data: Dataset
    pretrained: Path | None
    scratch: Path
    device: torch.device
    targets: dict[tuple[bool, str, torch.device], Tensor] = field(default_factory=dict)
    """Images and labels of the decoder part (True) and of the evaluation part, which all rungs share."""

    def nats(self, rung: Rung) -> PointNats:
        """What the decoders of the rung say of the images of each kind."""
        pieces = self.pieces(rung, self.device)
        folders = (fit_or_reuse(piece, self.scratch, self.device) for piece in pieces)
        image, label = (load_decoder(folder / "decoder.safetensors").to(self.device) for folder in folders)
        images, labels = (
            [self._pairs(rung, part, target, self.device) for part in _parts(self.data)] for target in TARGETS
        )

        def of_image(pairs: TensorPairs, rows: Rows) -> NDArray[np.float64]:
            return nats_per_example(image, pairs, self.device, rows=rows)

        def of_classes(pairs: TensorPairs, rows: Rows) -> NDArray[np.float64]:
            return class_log_probabilities(label, pairs, self.device, rows=rows)

        held, fitted = rows_of_decoder_part(len(self.data.decoder), self.slice_.holdout)
        kinds = ((1, None), (0, held), (0, fitted))
        classes = Parts(*(of_classes(labels[part], rows) for part, rows in kinds))
        of_labels = [
            np.asarray(_parts(self.data)[part].labels)[slice(None) if rows is None else rows]
            for part, rows in kinds
        ]
        return PointNats.of(
            Parts(*(of_image(images[part], rows) for part, rows in kinds)), classes, of_labels
        )

    def pieces(self, rung: Rung, place: torch.device) -> Iterator[Piece]:
        """The decoder of images and that of labels, with their pairs in the memory of that device."""
        header, part = self.data.header, self.data.decoder
        facts = {
            "code": self.job.code,
            "dataset": header.fingerprint,
            "h": hashlib.sha256(rung.decoder.tobytes()).hexdigest(),
        }
        shape = rung.decoder.shape[1:]
        for target, decoder, fit, predicted, start in (
            ("images", self.slice_.image, self.slice_.image_fit, image_target(header), self.pretrained),
            (
                "labels",
                self.slice_.label,
                self.slice_.label_fit,
                LabelTarget(classes=len(header.class_names)),
                None,
            ),
        ):
            name, pairs = f"{rung.name}.{target}", self._pairs(rung, part, target, place)
            yield Piece(name, decoder, predicted, shape, pairs, fit, facts, start)

    def _pairs(self, rung: Rung, part: Part, target: str, place: torch.device) -> TensorPairs:
        h = torch.from_numpy(rung.decoder if part is self.data.decoder else rung.evaluation)
        key = part is self.data.decoder, target, place
        if key not in self.targets:
            self.targets[key] = torch.from_numpy(np.array(getattr(part, target))).to(place)
        return TensorPairs(self.targets[key], h.to(place))
