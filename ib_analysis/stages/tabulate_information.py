"""Turn nats per image into estimates: information.csv and two_stages.csv."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from decoders.mixture import averaged
from ib_analysis import spec
from ib_analysis.artefacts import Artefact
from ib_analysis.datasets.dataset import Dataset, Header
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.information.inference import calibrated_interval
from ib_analysis.information.inference.calibrated_interval import Calibration, calibrate
from ib_analysis.information.inference.confidence_interval import confidence_interval
from ib_analysis.information.inference.fit_checks import Interval, contradictions
from ib_analysis.information.inference.network_stages import Curves, network_stages
from ib_analysis.information.inference.repeated_fits import (
    FitSpread,
    RepeatedEstimate,
    moderated,
    repeated_estimates,
)
from ib_analysis.information.inference.simultaneous_bands import simultaneous_band
from ib_analysis.information.measurement.cross_entropy import cross_entropy, information
from ib_analysis.information.measurement.estimate import Bound, Estimate
from ib_analysis.information.measurement.evaluation import (
    INFORMATION,
    Ceiling,
    MixedMarginal,
    Nats,
    read_evaluation,
    read_mixed_marginal,
)
from ib_analysis.information.measurement.label_information import label_entropy, label_information, label_nats
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.measurement.repeated_evaluation import RepeatedEvaluation, by_network
from ib_analysis.information.tables.calibration import CalibrationRow
from ib_analysis.information.tables.information import Beside, InformationRow, information_row
from ib_analysis.information.tables.two_stages import StagesRow, Tap, stages_rows
from ib_analysis.point import Point, Target
from ib_analysis.point_density import Reading, read_image, read_label
from ib_analysis.provenance import Job
from ib_analysis.rows import read_rows, write_rows
from ib_analysis.seen_by_network import Seen
from ib_analysis.units import bits

Values = NDArray[np.float64]
Members = Values
"""Nats of each fit and image, shape (fits, images)."""
BEYOND = 1.5
"""An information above so many times the largest of the ladder has an extrapolated interval."""


class Spec(spec.Spec):
    """Whether given networks have learned on the images, by encoder; all else stands in the inputs."""

    seen_by_network: dict[str, Seen] = Field(default_factory=dict)


@dataclass(frozen=True)
class Measured:
    """All that was evaluated: CE(x) under each fit, and of every point and target the reading and its errors.

    `calibrations` say how far the truth of each information lies from what is read; there are none without a ladder.
    """

    data: Dataset
    unconditional: Members
    networks: Sequence[RepeatedEvaluation]
    readings: Mapping[tuple[Point, Target], Reading]
    estimates: Mapping[tuple[Point, Target], RepeatedEstimate]
    conditional_spreads: Mapping[Point, FitSpread | None]
    calibrations: Mapping[Target, Calibration]

    @property
    def marginals(self) -> dict[Target, Nats]:
        """Nats of each evaluation image, and of its label where it has one, where nothing is known of h."""
        found: dict[Target, Nats] = {"image": averaged(self.unconditional)}
        if self.data.header.labelled:
            found["label"] = label_nats(self.data.evaluation.labels)
        return found

    @property
    def ceilings(self) -> dict[Point, Ceiling]:
        """H(h) at the points where it could be counted, which is the same for every fit."""
        return {
            point: ceiling for network in self.networks for point, ceiling in network.fits[0].ceilings.items()
        }


def run(
    slice_: Spec,
    job: Job,
    *,
    dataset: Artefact,
    marginal: list[Artefact],
    nats: list[Artefact],
    calibration: list[Artefact],
    table: Path,
    two_stages: Path,
) -> None:
    """Write both tables. `calibration` is the table of the ladder, where there is one."""
    measured = read_measured(dataset, marginal, nats, calibration)
    rows = [*_of_dataset(measured)]
    for network in measured.networks:
        rows += _of_network(measured, network, slice_.seen_by_network)
    write_rows(table, InformationRow, rows)
    write_rows(two_stages, StagesRow, _stages(measured, slice_.seen_by_network))
    for path in (table, two_stages):
        job.record(path, dataset=measured.data.header.fingerprint)


def read_measured(
    dataset: Path, marginal: Sequence[Path], nats: Sequence[Path], calibration: Sequence[Path]
) -> Measured:
    """What was evaluated under each fit, in the order of the marginals, with the ladder where there is one."""
    data = open_dataset(dataset.parent)
    marginals = [read_mixed_marginal(path) for path in marginal]
    networks = by_network([read_evaluation(path) for path in nats])
    ladder = [row for path in calibration for row in read_rows(path, CalibrationRow)]
    return gathered(data, marginals, networks, ladder)


def gathered(
    data: Dataset,
    marginals: Sequence[MixedMarginal],
    networks: Sequence[RepeatedEvaluation],
    ladder: Sequence[CalibrationRow],
) -> Measured:
    """What the decoders read of every network, and its errors."""
    unconditional = np.stack([marginal.image.evaluation for marginal in marginals])
    entropy = label_nats(data.evaluation.labels) if data.header.labelled else None
    readings: dict[tuple[Point, Target], Reading] = {}
    for network in networks:
        in_order = {fit.variant: fit for fit in network.fits}
        fits = [in_order[marginal.variant] for marginal in marginals]
        for point in network.points:
            of_fits = [fit.points[point] for fit in fits]
            readings[point, "image"] = read_image(of_fits, marginals)
            if entropy is not None:
                readings[point, "label"] = read_label(of_fits, entropy)
    estimates = {
        key: found for target in data.header.targets for key, found in _estimates(readings, target).items()
    }
    calibrations: dict[Target, Calibration] = {}
    for target in data.header.targets if ladder else ():
        cases = [row.case for row in ladder if row.calibrates and row.quantity is INFORMATION[target]]
        calibrations[target] = calibrate(cases)
    points = [point for point, target in readings if target == "image"]
    conditional = [readings[point, "image"].conditional.mean(axis=1) for point in points]
    spreads = dict(zip(points, moderated(conditional), strict=True))
    return Measured(data, unconditional, networks, readings, estimates, spreads, calibrations)


def _estimates(
    readings: Mapping[tuple[Point, Target], Reading], target: Target
) -> dict[tuple[Point, Target], RepeatedEstimate]:
    """The estimates of all points, whose fits tell their spread together."""
    found = {key: reading for key, reading in readings.items() if key[1] == target}
    if not found:
        return {}
    marginal = next(iter(found.values())).marginal
    estimates = repeated_estimates(
        marginal,
        [reading.averaged for reading in found.values()],
        [list(reading.members) for reading in found.values()],
    )
    return dict(zip(found, estimates, strict=True))


def _of_dataset(measured: Measured) -> Iterator[InformationRow]:
    header = measured.data.header
    if header.labelled:
        yield information_row(label_entropy(measured.data.evaluation.labels))
    (spread,) = moderated([measured.unconditional.mean(axis=1)])
    yield information_row(
        cross_entropy(measured.marginals["image"], Quantity.IMAGE_CROSS_ENTROPY),
        n_fits=len(measured.unconditional),
        spread=spread,
        dimensions=header.dimensions,
    )
    if "H(x)" in (header.known or {}):
        yield information_row(
            _closed_form(Quantity.IMAGE_ENTROPY, "H(x)", header), dimensions=header.dimensions
        )


def _of_network(
    measured: Measured, network: RepeatedEvaluation, seen: Mapping[str, Seen]
) -> Iterator[InformationRow]:
    critical, header = _critical(measured, network), measured.data.header
    for point in network.points:
        besides = _besides(measured, point)
        for estimate in _of_point(measured, point):
            yield information_row(
                estimate,
                point,
                n_fits=len(network.fits),
                spread=_spread(measured, point, estimate.quantity),
                dimensions=header.dimensions,
                band_nats=_band(estimate, critical, point.tap),
                beside=besides.get(estimate.quantity),
                seen_by_network=seen.get(point.encoder),
            )
        for known in _known(header, point.tap):
            yield information_row(known, point, dimensions=header.dimensions)


def _of_point(measured: Measured, point: Point) -> Iterator[Estimate]:
    """Cross-entropy and information of the image, and of the label where there is one."""
    image = measured.readings[point, "image"].averaged
    yield cross_entropy(image, Quantity.CONDITIONAL_IMAGE_CROSS_ENTROPY)
    yield information(measured.marginals["image"], image)
    if measured.data.header.labelled:
        label = measured.readings[point, "label"].averaged
        yield cross_entropy(label, Quantity.CONDITIONAL_LABEL_CROSS_ENTROPY)
        yield label_information(measured.data.evaluation.labels, label)


def _spread(measured: Measured, point: Point, quantity: Quantity) -> FitSpread | None:
    """How far one fit lies from the mean of fits, of a difference or of CE(x | h) itself."""
    if quantity is Quantity.CONDITIONAL_IMAGE_CROSS_ENTROPY:
        return measured.conditional_spreads[point]
    return measured.estimates[point, quantity.target].fits


def _besides(measured: Measured, point: Point) -> dict[Quantity, Beside]:
    """What stands beside each information of a point; contradictions stand beside that of the image."""
    intervals: dict[Target, Interval] = {}
    for target, calibration in measured.calibrations.items():
        reading, estimate = measured.readings[point, target], measured.estimates[point, target]
        read = calibrated_interval.Measured(reading.information, reading.fitted, estimate.stderr_nats)
        intervals[target] = calibration.interval(read)
    found = {}
    for target in measured.data.header.targets:
        reading = measured.readings[point, target]
        interval = intervals.get(target)
        found[INFORMATION[target]] = Beside(
            reading.raw,
            reading.fitted,
            reading.weight,
            interval,
            _marks(measured, point, intervals) if target == "image" else (),
        )
    return found


def _marks(measured: Measured, point: Point, intervals: Mapping[Target, Interval]) -> tuple[str, ...]:
    """What speaks against I(x; h) at a point."""
    image = intervals.get("image")
    if image is None:
        own = measured.estimates[point, "image"]
        image = Interval(own.nats - own.half_width(), own.nats + own.half_width())
    of_label = measured.estimates.get((point, "label"))
    ceiling = measured.ceilings.get(point)
    images = len(measured.data.evaluation)
    highest = None if ceiling is None else confidence_interval(*ceiling, images)[1]
    label_low = None if of_label is None else of_label.nats - of_label.half_width()
    marks = contradictions(image, label_low, highest)
    calibration = measured.calibrations.get("image")
    if (
        calibration is not None
        and measured.readings[point, "image"].information > BEYOND * calibration.largest
    ):
        marks += (
            f"It lies beyond the calibrating rungs, which reach {bits(calibration.largest):.1f} bits: the width of its "
            "interval is extrapolated.",
        )
    return marks


def _critical(measured: Measured, network: RepeatedEvaluation) -> dict[tuple[Quantity, str], float]:
    """How many standard errors the band of each curve over epochs reaches; a lone epoch has no curve."""
    if len(network.epochs) < 2:
        return {}
    return {
        (INFORMATION[target], tap): simultaneous_band(
            [
                marginal - measured.readings[network.network.at(epoch, tap), target].averaged
                for epoch in network.epochs
            ]
        ).critical
        for target, marginal in measured.marginals.items()
        for tap in network.taps
    }


def _band(estimate: Estimate, critical: dict[tuple[Quantity, str], float], tap: str) -> float | None:
    found = critical.get((estimate.quantity, tap))
    return None if found is None else found * estimate.stderr


def _known(header: Header, tap: str) -> Iterator[Estimate]:
    """The truth at a tap, where source and encoder have one."""
    for quantity, name in (
        (Quantity.IMAGE_INFORMATION, f"I(x;{tap})"),
        (Quantity.LABEL_INFORMATION, f"I(y;{tap})"),
    ):
        if header.known and name in header.known:
            yield _closed_form(quantity, name, header)


def _closed_form(quantity: Quantity, name: str, header: Header) -> Estimate:
    """What is known; its error is that of a Monte-Carlo mean where the source has no closed form."""
    known = header.known or {}
    return Estimate(
        quantity=quantity,
        value=known[name],
        stderr=known.get(f"stderr of {name}", 0.0),
        n=header.counts["evaluation"],
        method="closed form",
        bound=Bound.EXACT,
    )


def _stages(measured: Measured, seen: Mapping[str, Seen]) -> list[StagesRow]:
    """The verdicts of the experiment; those on one quantity are a family of tests."""
    rows: list[StagesRow] = []
    for target, marginal in measured.marginals.items():
        stages = network_stages(curves_along(measured, target, marginal))
        rows += stages_rows(stages, len(marginal), seen)
    return rows


def curves_along(measured: Measured, target: Target, marginal: Nats) -> dict[Tap, Curves]:
    """The information of every network of each encoder and regime along the epochs, fit by fit."""
    groups: dict[Tap, list[RepeatedEvaluation]] = {}
    for network in measured.networks:
        for tap in network.taps if len(network.epochs) > 1 else ():
            key = Tap(network.network.encoder, network.network.regime, tap, INFORMATION[target])
            groups.setdefault(key, []).append(network)
    return {
        key: Curves(
            tuple(group[0].epochs),
            tuple(marginal - _along(measured, one, key.tap, target) for one in group),
        )
        for key, group in groups.items()
    }


def _along(measured: Measured, network: RepeatedEvaluation, tap: str, target: Target) -> Values:
    """Nats of a tap along the epochs, shape (fits, epochs, images)."""
    points = [network.network.at(epoch, tap) for epoch in network.epochs]
    return np.stack([measured.readings[point, target].members for point in points], axis=1)
