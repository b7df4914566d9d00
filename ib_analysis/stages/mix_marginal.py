"""The lowest CE(x) of an experiment: a mixture of p(x) with densities of x that the points themselves make.

For the h of one point, q(x) = 1/N sum_j q(x | h_j) over the N images of the decoder part is a density of x. The terms
whose h_j lie nearest to the image's own h are nearly the whole sum, and leaving the others out keeps an upper bound.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from decoders.density import Decoder
from decoders.evaluation import nats_per_example
from decoders.mixture import averaged, choose_components, mixed, mixture_weights, nearest, partial_mixture
from decoders.saving import load_decoder
from decoders.training.batches import divide
from decoders.training.progress import progress
from ib_analysis import spec
from ib_analysis.activations.crossed_pairs import CrossedPairs
from ib_analysis.activations.pairs import ImagePairs
from ib_analysis.activations.recomputed import RecomputedActivations
from ib_analysis.artefacts import Artefact, made_from
from ib_analysis.datasets.dataset import Dataset
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.decoder_files import weights_path
from ib_analysis.device import resolve_device
from ib_analysis.encoders.checkpoint import checkpoint_name, load_checkpoint
from ib_analysis.encoders.specs.training import Regime
from ib_analysis.information.measurement.evaluation import MarginalEvaluation, write_marginal_evaluation
from ib_analysis.information.measurement.nats import mean_with_error
from ib_analysis.information.tables.mixture import WHOLE, ComponentRow
from ib_analysis.point import Network, Point
from ib_analysis.provenance import Job
from ib_analysis.rows import write_rows
from ib_analysis.units import bits

BATCH = 256
UNCONDITIONAL = "p(x)"
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


class MeasuredNetwork(spec.Spec):
    """A network and what is measured of it; the architecture names the code that computes h."""

    encoder: str
    regime: Regime
    seed: int
    epochs: tuple[int, ...]
    taps: tuple[str, ...]
    architecture: spec.Described

    @property
    def network(self) -> Network:
        """The network's address."""
        return Network(self.encoder, self.regime, self.seed)


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
    """The images that choose the weights, and those that the value is reported on.

    `held` are rows of the decoder part, which no decoder was fitted to.
    """

    data: Dataset
    held: Rows


@dataclass(frozen=True)
class Component:
    """A density of x under each fit: nats of the held-out and of the evaluation images, (fits, images) each."""

    holdout: Values
    evaluation: Values


@dataclass(frozen=True)
class Neighbours:
    """The h of all images of the decoder part at one point, and of each asked image the rows of the nearest."""

    h: NDArray[np.float32]
    images: NDArray[np.uint8]
    rows: Rows
    chosen: Rows
    count: int
    """All terms of the mixture."""


def run(
    slice_: Spec,
    job: Job,
    *,
    dataset: Artefact,
    checkpoints: list[Artefact],
    marginals: list[Artefact],
    decoders: list[Artefact],
    out: list[Path],
    table: Path,
) -> None:
    """Write `out`, the nats of every evaluation image under the mixture of each variant, and the table.

    The weights are the same for all variants, so that the average of their mixtures is the mixture of the averages.
    """
    device = resolve_device(job.device, job.threads)
    data = open_dataset(dataset.parent)
    images = Images(data, divide(len(data.decoder), slice_.holdout)[1])
    folders = {_address(folder): folder for folder in decoders}
    networks = dict(zip((Network.of(made_from(folder)) for folder in checkpoints), checkpoints, strict=True))
    of_variants = {str(made_from(folder)["variant"]): folder for folder in marginals}
    found = {UNCONDITIONAL: _unconditional([of_variants[name] for name in slice_.variants], images, device)}
    for point in _chosen(slice_, networks, folders, found[UNCONDITIONAL], images, device):
        found[f"nearest h, {point.label}"] = _of_point(slice_, point, networks, folders, images, device)
    weights = mixture_weights(np.stack([averaged(component.holdout) for component in found.values()]))
    for k, (variant, path) in enumerate(zip(slice_.variants, out, strict=True)):
        nats = mixed(np.stack([component.evaluation[k] for component in found.values()]), weights)
        write_marginal_evaluation(path, MarginalEvaluation(variant, nats))
        job.record(path)
    write_rows(table, ComponentRow, [*_rows(slice_.variants, found, weights)])
    job.record(table)


def _address(folder: Path) -> tuple[str, Network, int]:
    made = made_from(folder)
    return str(made["variant"]), Network.of(made), int(made["epoch"])


def _unconditional(folders: Sequence[Path], images: Images, device: torch.device) -> Component:
    parts = images.data.decoder, images.data.evaluation
    rows = images.held, np.arange(len(images.data.evaluation))
    decoders = [load_decoder(weights_path(folder, "image")).to(device) for folder in folders]
    return Component(
        *(
            np.stack([nats_per_example(d, ImagePairs(part, device), device, BATCH, rows=r) for d in decoders])
            for part, r in zip(parts, rows)
        )
    )


def _chosen(
    slice_: Spec,
    networks: Mapping[Network, Path],
    folders: Folders,
    unconditional: Component,
    images: Images,
    device: torch.device,
) -> Iterator[Point]:
    """The points whose mixtures lower CE(x) most on the held-out share, judged by the first fit."""
    if not slice_.points:
        return
    shown = np.linspace(0, len(images.held) - 1, min(len(images.held), COMPARED_IMAGES)).astype(np.int64)
    fewer = Images(images.data, images.held[shown])
    candidates: dict[str, Values] = {}
    points: dict[str, Point] = {}
    for measured in slice_.networks:
        for epoch in progress(measured.epochs, f"nearest h of {measured.encoder} {measured.regime}"):
            for tap in measured.taps:
                point = measured.network.at(epoch, tap)
                of_h = _neighbours(point, networks, fewer, device, COMPARED_TERMS, evaluation=False)
                if of_h is not None:
                    decoder = _decoder(folders, slice_.variants[0], point, device)
                    points[point.label], candidates[point.label] = point, _mixture(decoder, of_h, device)
    base = averaged(unconditional.holdout[:, shown])[np.newaxis]
    yield from (points[name] for name in choose_components(base, candidates, slice_.points))


def _of_point(
    slice_: Spec,
    point: Point,
    networks: Mapping[Network, Path],
    folders: Folders,
    images: Images,
    device: torch.device,
) -> Component:
    decoders = [_decoder(folders, variant, point, device) for variant in slice_.variants]
    found = []
    for evaluation in (False, True):
        of_h = _neighbours(point, networks, images, device, slice_.nearest, evaluation=evaluation)
        assert of_h is not None  # it was a candidate
        found.append(np.stack([_mixture(decoder, of_h, device) for decoder in decoders]))
    return Component(*found)


def _decoder(folders: Folders, variant: str, point: Point, device: torch.device) -> Decoder:
    folder = folders[variant, point.network, point.epoch]
    return load_decoder(weights_path(folder, "image", point.tap)).to(device)


def _neighbours(
    point: Point,
    networks: Mapping[Network, Path],
    images: Images,
    device: torch.device,
    most: int,
    *,
    evaluation: bool,
) -> Neighbours | None:
    """The nearest h of the evaluation images, or of the held-out ones, which are never their own neighbours."""
    folder = networks[point.network]
    encoder = load_checkpoint(folder / checkpoint_name(point.epoch)).encoder.to(device)
    activations = RecomputedActivations(encoder, images.data.decoder, device)
    if 4 * len(activations) * int(np.prod(activations.shape(point.tap))) > MOST_BYTES:
        return None
    h = _all_h(activations, point.tap)
    if evaluation:
        part = images.data.evaluation
        asked = _all_h(RecomputedActivations(encoder, part, device), point.tap)
        count = len(h)
        return Neighbours(h, part.images, np.arange(len(part)), nearest(asked, h, min(most, count)), count)
    count = len(h) - 1
    chosen = nearest(h[images.held], h, min(most, count), own=images.held)
    return Neighbours(h, images.data.decoder.images, images.held, chosen, count)


def _all_h(activations: RecomputedActivations, tap: str) -> NDArray[np.float32]:
    rows = np.arange(len(activations))
    blocks = [activations.rows(tap, rows[start : start + BATCH]) for start in range(0, len(rows), BATCH)]
    return torch.cat(blocks).cpu().numpy()


def _mixture(decoder: Decoder, of_h: Neighbours, device: torch.device) -> Values:
    """-log of the sum of the nearest terms, shape (images,)."""
    terms, count = of_h.chosen.shape
    pairs = CrossedPairs(of_h.images, np.tile(of_h.rows, terms), of_h.h, of_h.chosen.ravel(), device)
    nats = nats_per_example(decoder, pairs, device, BATCH)
    return partial_mixture(nats.reshape(terms, count), of_h.count)


def _rows(variants: Sequence[str], found: Mapping[str, Component], weights: Values) -> Iterator[ComponentRow]:
    for (name, component), weight in zip(found.items(), weights, strict=True):
        for variant, holdout, nats in zip(variants, component.holdout, component.evaluation, strict=True):
            yield _row(name, variant, float(weight) / len(variants), holdout, nats)
    whole = [
        mixed(np.stack([averaged(getattr(component, part)) for component in found.values()]), weights)
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
