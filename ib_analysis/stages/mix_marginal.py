"""The lowest CE(x) of an experiment: a mixture of p(x) with densities of x that conditional decoders make.

The class mixture sum_y f(y) q(x | y) is one: f are the class frequencies of the decoder part. For the h of one point,
q(x) = 1/N sum_j q(x | h_j) over the N images of the decoder part is another. The terms whose h_j lie nearest to the
image's own h are nearly the whole sum, and leaving the others out keeps an upper bound.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from decoders.density import Decoder
from decoders.evaluation import nats_per_example
from decoders.mixture import (
    averaged,
    choose_components,
    mixed,
    mixture_weights,
    nearest,
    partial_mixture,
    partial_mixtures_of_classes,
)
from decoders.saving import load_decoder
from decoders.training.progress import progress
from ib_analysis import spec
from ib_analysis.activations.crossed_pairs import CrossedPairs
from ib_analysis.activations.pairs import ClassPairs, ImagePairs
from ib_analysis.activations.recomputed import RecomputedActivations
from ib_analysis.activations.spec import Precision
from ib_analysis.artefacts import Artefact, made_from
from ib_analysis.datasets.dataset import Dataset, Part
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.decoder_files import CLASSES, weights_path
from ib_analysis.device import resolve_device
from ib_analysis.encoders.checkpoint import checkpoint_name, load_checkpoint
from ib_analysis.encoders.specs.measured_network import MeasuredNetwork
from ib_analysis.information.measurement.evaluation import MixedMarginal, write_mixed_marginal
from ib_analysis.information.measurement.nats import mean_with_error
from ib_analysis.information.measurement.parts import Parts, rows_of_decoder_part
from ib_analysis.information.tables.mixture import WHOLE, ComponentRow
from ib_analysis.point import Network, Point
from ib_analysis.provenance import Job
from ib_analysis.rows import write_rows
from ib_analysis.units import bits

UNCONDITIONAL = "p(x)"
CLASS_MIXTURE = "label"
# Points are compared by so many held-out images and so many terms each; the chosen ones get all.
COMPARED_IMAGES = 256
COMPARED_TERMS = 16
# Taps whose h of all images take more than this many bytes are no candidates: such an h tells its image, and the
# images of other h have no probability.
MOST_BYTES = 2**30

Values = NDArray[np.float64]
Rows = NDArray[np.int64]
Folders = Mapping[tuple[str, Network, int], Path]
"""The decoders of each variant, network and epoch."""


class Spec(spec.Spec):
    """Slice of the experiment."""

    variants: tuple[str, ...]
    networks: tuple[MeasuredNetwork, ...]
    decoder: spec.Described
    holdout: float
    points: int
    nearest: int


@dataclass(frozen=True)
class Images:
    """The images of each kind: rows of the evaluation part, and of the decoder part."""

    data: Dataset
    evaluation: Rows
    holdout: Rows
    fitted: Rows

    @property
    def kinds(self) -> tuple[tuple[Part, Rows], ...]:
        """Each kind, in the order of `Parts`."""
        decoder = self.data.decoder
        return (self.data.evaluation, self.evaluation), (decoder, self.holdout), (decoder, self.fitted)


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one network, and the precision of the h that its decoders read."""

    folder: Path
    precision: Precision

    def activations(self, epoch: int, part: Part, device: torch.device) -> RecomputedActivations:
        """h of the images of a part after that epoch."""
        encoder = load_checkpoint(self.folder / checkpoint_name(epoch)).encoder.to(device)
        return RecomputedActivations(encoder, part, device, self.precision)


@dataclass(frozen=True)
class Component:
    """A density of x under each fit, -log q(x), shape (fits, images), and where it is told a class.

    `of_classes` is -log q(x | y), shape (fits, classes, images); with the class frequencies it makes q(x) again. A
    density that cannot be told is the same for every class.
    """

    whole: Parts
    of_classes: Parts


@dataclass(frozen=True)
class Neighbours:
    """The h of all images of the decoder part at one point, and of each asked image the rows of the nearest."""

    h: NDArray[np.float32]
    images: NDArray[np.uint8]
    rows: Rows
    chosen: Rows
    count: int
    """All terms of the mixture."""
    labels: Rows
    """Of all images of the decoder part."""
    left_out: Rows | None
    """The class of the term that each asked image lacks: its own; None for new images, which lack none."""

    def per_class(self, classes: int) -> Values:
        """How many terms of the mixture are of each class, for each asked image; shape (classes, images)."""
        counts = np.repeat(
            np.bincount(self.labels, minlength=classes)[:, np.newaxis], self.chosen.shape[1], axis=1
        )
        if self.left_out is not None:
            counts[self.left_out, np.arange(counts.shape[1])] -= 1
        return counts.astype(np.float64)


def run(
    slice_: Spec,
    job: Job,
    *,
    dataset: Artefact,
    checkpoints: list[Artefact],
    marginals: list[Artefact],
    classes: list[Artefact],
    decoders: list[Artefact],
    out: list[Path],
    table: Path,
) -> None:
    """Write `out`, the nats of images under the mixture of each variant, and the table.

    The weights are the same for all variants, so that the average of their mixtures is the mixture of the averages.
    """
    device = resolve_device(job.device, job.threads)
    data = open_dataset(dataset.parent)
    rows = rows_of_decoder_part(len(data.decoder), slice_.holdout)
    images = Images(data, np.arange(len(data.evaluation)), *rows)
    folders = {_address(folder): folder for folder in decoders}
    folder_of = {Network.of(made_from(folder)): folder for folder in checkpoints}
    networks = {of.network: Checkpoints(folder_of[of.network], of.precision) for of in slice_.networks}
    found = {UNCONDITIONAL: _unconditional(_by_variant(slice_, marginals), images, device)}
    if classes:
        found[CLASS_MIXTURE] = _class_mixture(_by_variant(slice_, classes), images, device)
    for point in _chosen(slice_, networks, folders, [*found.values()], images, device):
        found[f"nearest h, {point.label}"] = _of_point(slice_, point, networks, folders, images, device)
    averages = [component.whole.map(averaged) for component in found.values()]
    weights = mixture_weights(np.stack([average.holdout for average in averages]))
    for k, (variant, path) in enumerate(zip(slice_.variants, out, strict=True)):
        whole = _mixed([component.whole for component in found.values()], weights, k)
        told = _mixed([component.of_classes for component in found.values()], weights, k) if classes else None
        write_mixed_marginal(path, MixedMarginal(variant, whole, told))
        job.record(path)
    write_rows(table, ComponentRow, [*_rows(slice_.variants, found, weights)])
    job.record(table)


def _mixed(components: Sequence[Parts], weights: Values, fit: int) -> Parts:
    """The mixture of the components under one fit, whatever axes the images have before them."""

    def mix(*nats: Values) -> Values:
        of_fit = np.stack([values[fit] for values in nats])
        return mixed(of_fit.reshape(len(of_fit), -1), weights).reshape(of_fit.shape[1:])

    return components[0].map(mix, *components[1:])


def _by_variant(slice_: Spec, folders: Sequence[Path]) -> list[Path]:
    """The folders in the order of the variants; none where none are given."""
    found = {str(made_from(folder)["variant"]): folder for folder in folders}
    return [found[name] for name in slice_.variants] if found else []


def _address(folder: Path) -> tuple[str, Network, int]:
    made = made_from(folder)
    return str(made["variant"]), Network.of(made), int(made["epoch"])


def _unconditional(folders: Sequence[Path], images: Images, device: torch.device) -> Component:
    """p(x), which cannot be told a class."""
    decoders = [load_decoder(weights_path(folder, "image")).to(device) for folder in folders]
    whole = Parts(
        *(
            np.stack([nats_per_example(d, ImagePairs(part, device), device, rows=rows) for d in decoders])
            for part, rows in images.kinds
        )
    )
    classes = len(images.data.header.class_names)
    return Component(whole, whole.map(lambda nats: np.repeat(nats[:, np.newaxis], classes, axis=1)))


def _class_mixture(folders: Sequence[Path], images: Images, device: torch.device) -> Component:
    """sum_y f(y) q(x | y), with the class frequencies of the decoder part."""
    count = len(images.data.header.class_names)
    frequencies = np.bincount(images.data.decoder.labels, minlength=count) / len(images.data.decoder)
    decoders = [load_decoder(weights_path(folder, "image", CLASSES)).to(device) for folder in folders]

    def nats(decoder: Decoder, part: Part, rows: Rows) -> Values:
        pairs = (ClassPairs(part, device, count, told) for told in range(count))
        return np.stack([nats_per_example(decoder, of, device, rows=rows) for of in pairs])

    of_classes = Parts(*(np.stack([nats(d, part, rows) for d in decoders]) for part, rows in images.kinds))
    return Component(
        of_classes.map(lambda fits: np.stack([mixed(fit, frequencies) for fit in fits])), of_classes
    )


def _chosen(
    slice_: Spec,
    networks: Mapping[Network, Checkpoints],
    folders: Folders,
    others: Sequence[Component],
    images: Images,
    device: torch.device,
) -> Iterator[Point]:
    """The points whose mixtures lower CE(x) most on the held-out share, judged by the first fit."""
    if not slice_.points:
        return
    held = len(images.holdout)
    shown = np.linspace(0, held - 1, min(held, COMPARED_IMAGES)).astype(np.int64)
    compared = images.holdout[shown]
    candidates: dict[str, Values] = {}
    points: dict[str, Point] = {}
    for measured in slice_.networks:
        for epoch in progress(measured.epochs, f"nearest h of {measured.encoder} {measured.regime}"):
            activations = networks[measured.network].activations(epoch, images.data.decoder, device)
            for tap, h in _h_of_taps(activations, measured.taps):
                point = measured.network.at(epoch, tap)
                of_h = _neighbours(h, images.data.decoder, COMPARED_TERMS, compared)
                decoder = _decoder(folders, slice_.variants[0], point, device)
                points[point.label] = point
                candidates[point.label] = partial_mixture(_terms(decoder, of_h, device), of_h.count)
    base = np.stack([averaged(component.whole.holdout[:, shown]) for component in others])
    yield from (points[name] for name in choose_components(base, candidates, slice_.points))


def _of_point(
    slice_: Spec,
    point: Point,
    networks: Mapping[Network, Checkpoints],
    folders: Folders,
    images: Images,
    device: torch.device,
) -> Component:
    decoders = [_decoder(folders, variant, point, device) for variant in slice_.variants]
    data, checkpoints = images.data, networks[point.network]
    h, new = (
        _all_h(checkpoints.activations(point.epoch, part, device), point.tap)
        for part in (data.decoder, data.evaluation)
    )
    classes = len(data.header.class_names)
    whole, of_classes = [], []
    for of_h in (
        _neighbours_of_new(new, data.evaluation, h, data.decoder, slice_.nearest),
        _neighbours(h, data.decoder, slice_.nearest, images.holdout),
        _neighbours(h, data.decoder, slice_.nearest, images.fitted),
    ):
        terms = [_terms(decoder, of_h, device) for decoder in decoders]
        whole.append(np.stack([partial_mixture(nats, of_h.count) for nats in terms]))
        labels, counts = of_h.labels[of_h.chosen], of_h.per_class(classes)
        of_classes.append(np.stack([partial_mixtures_of_classes(nats, labels, counts) for nats in terms]))
    return Component(Parts(*whole), Parts(*of_classes))


def _decoder(folders: Folders, variant: str, point: Point, device: torch.device) -> Decoder:
    folder = folders[variant, point.network, point.epoch]
    return load_decoder(weights_path(folder, "image", point.tap)).to(device)


def _neighbours(h: NDArray[np.float32], part: Part, most: int, rows: Rows) -> Neighbours:
    """The nearest h of those rows of the decoder part, which are never their own neighbours."""
    labels, count = np.asarray(part.labels), len(h) - 1
    chosen = nearest(h[rows], h, min(most, count), own=rows)
    return Neighbours(h, part.images, rows, chosen, count, labels, labels[rows])


def _neighbours_of_new(
    asked: NDArray[np.float32], new: Part, h: NDArray[np.float32], part: Part, most: int
) -> Neighbours:
    """The nearest h of the decoder part to the h of every new image."""
    chosen = nearest(asked, h, min(most, len(h)))
    return Neighbours(h, new.images, np.arange(len(new)), chosen, len(h), np.asarray(part.labels), None)


def _h_of_taps(
    activations: RecomputedActivations, taps: Sequence[str]
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """h of all images at each tap whose h is not too large, from as few passes as hold `MOST_BYTES` at a time."""
    sizes = {tap: 4 * len(activations) * int(np.prod(activations.shape(tap))) for tap in taps}
    together: list[str] = []
    for tap in [tap for tap in taps if sizes[tap] <= MOST_BYTES]:
        if together and sum(sizes[other] for other in (*together, tap)) > MOST_BYTES:
            yield from _pass(activations, together)
            together = []
        together.append(tap)
    if together:
        yield from _pass(activations, together)


def _pass(
    activations: RecomputedActivations, taps: Sequence[str]
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    found = activations.rows_at(taps, np.arange(len(activations)))
    yield from ((tap, h.cpu().numpy()) for tap, h in found.items())


def _all_h(activations: RecomputedActivations, tap: str) -> NDArray[np.float32]:
    return activations.all_rows(tap).cpu().numpy()


def _terms(decoder: Decoder, of_h: Neighbours, device: torch.device) -> Values:
    """-log q(x | h) of each of the nearest h, shape (terms, images)."""
    terms, count = of_h.chosen.shape
    pairs = CrossedPairs(of_h.images, np.tile(of_h.rows, terms), of_h.h, of_h.chosen.ravel(), device)
    return nats_per_example(decoder, pairs, device).reshape(terms, count)


def _rows(variants: Sequence[str], found: Mapping[str, Component], weights: Values) -> Iterator[ComponentRow]:
    for (name, component), weight in zip(found.items(), weights, strict=True):
        for variant, holdout, nats in zip(
            variants, component.whole.holdout, component.whole.evaluation, strict=True
        ):
            yield _row(name, variant, float(weight) / len(variants), holdout, nats)
    whole = [
        mixed(np.stack([averaged(getattr(component.whole, part)) for component in found.values()]), weights)
        for part in ("holdout", "evaluation")
    ]
    yield _row(WHOLE, "", 1.0, *whole)


def _row(component: str, variant: str, weight: float, holdout: Values, nats: Values) -> ComponentRow:
    value, stderr = mean_with_error(nats)
    return ComponentRow(
        component=component,
        variant=variant,
        weight=weight,
        holdout_bits=bits(float(holdout.mean())),
        bits=bits(value),
        stderr_bits=bits(stderr),
        n_images=len(nats),
    )
