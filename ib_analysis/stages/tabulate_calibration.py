"""Judge every rung of the calibration ladder by the others: calibration.csv."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ib_analysis import spec
from ib_analysis.artefacts import Artefact, write_json
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.errors import UserError
from ib_analysis.figures.checks import ladder
from ib_analysis.figures.style.saving import save
from ib_analysis.information.inference.calibrated_interval import Case, Measured, calibrate, inside
from ib_analysis.information.inference.repeated_fits import RepeatedEstimate, repeated_estimates
from ib_analysis.information.measurement.evaluation import MixedMarginal, read_mixed_marginal
from ib_analysis.information.measurement.label_information import label_nats
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.measurement.rung_evaluation import (
    RungEvaluation,
    RungNats,
    Truth,
    read_rung_evaluation,
)
from ib_analysis.information.tables.calibration import CalibrationRow, known_case
from ib_analysis.point_density import Nats, Reading, read_image, read_label
from ib_analysis.provenance import Job
from ib_analysis.rows import write_rows
from ib_analysis.units import bits


class Spec(spec.Spec):
    """Everything that this stage needs stands in its inputs."""


@dataclass(frozen=True)
class _Read:
    """One quantity at one rung, with its errors and what is known of it."""

    rung: RungNats
    truth: Truth
    reading: Reading
    estimate: RepeatedEstimate


def run(
    slice_: Spec,
    job: Job,
    *,
    dataset: Artefact,
    marginal: list[Artefact],
    rungs: list[Artefact],
    table: Path,
    figure: Path,
) -> None:
    """Write the table, the figure `figure`.pdf, .svg and .png, and its caption `figure`.caption.json."""
    data = open_dataset(dataset.parent)
    marginals = [read_mixed_marginal(path) for path in marginal]
    fits = _by_rung([read_rung_evaluation(path) for path in rungs], marginals)
    rows = [
        *_judged(Quantity.IMAGE_INFORMATION, _of_image(fits, marginals)),
        *_judged(Quantity.LABEL_INFORMATION, _of_label(fits, label_nats(data.evaluation.labels))),
    ]
    write_rows(table, CalibrationRow, rows)
    job.record(table, dataset=data.header.fingerprint)
    for path in save(ladder.draw(rows), figure).values():
        job.record(path)
    caption = figure.with_name(f"{figure.name}.caption.json")
    write_json(caption, ladder.caption(rows))
    job.record(caption)


def _by_rung(
    evaluations: Sequence[RungEvaluation], marginals: Sequence[MixedMarginal]
) -> list[tuple[RungNats, ...]]:
    """The fits of each rung together, in the order of those of CE(x)."""
    found: dict[str, dict[str, RungNats]] = {}
    for evaluation in evaluations:
        for rung in evaluation.rungs:
            found.setdefault(rung.name, {})[evaluation.variant] = rung
    variants = [marginal.variant for marginal in marginals]
    for name, fits in found.items():
        if fits.keys() != set(variants):
            raise UserError(f"rung {name}: its fits are not {', '.join(variants)}: evaluate it by all fits.")
    return [tuple(fits[variant] for variant in variants) for fits in found.values()]


def _of_image(
    fits: Sequence[tuple[RungNats, ...]], marginals: Sequence[MixedMarginal]
) -> list[tuple[RungNats, Truth, Reading]]:
    return [
        (rung[0], rung[0].image_truth, read_image([fit.nats for fit in rung], marginals)) for rung in fits
    ]


def _of_label(fits: Sequence[tuple[RungNats, ...]], entropy: Nats) -> list[tuple[RungNats, Truth, Reading]]:
    return [
        (rung[0], rung[0].label_truth, read_label([fit.nats for fit in rung], entropy))
        for rung in fits
        if rung[0].label_truth is not None
    ]


def _judged(quantity: Quantity, found: Sequence[tuple[RungNats, Truth, Reading]]) -> Iterator[CalibrationRow]:
    """The rows of a quantity; each rung gets the interval that the other calibrating rungs give it."""
    if not found:
        return
    estimates = repeated_estimates(
        found[0][2].marginal,
        [reading.averaged for _, _, reading in found],
        [list(reading.members) for _, _, reading in found],
    )
    read = [_Read(*one, estimate) for one, estimate in zip(found, estimates, strict=True)]
    for one in read:
        truth = _truth(one, read)
        case = _case(one, truth)
        others = [_case(other, other.truth) for other in read if other.rung.calibrates and other is not one]
        interval = calibrate(others).interval(case.measured)
        fits = one.estimate.stderr_fits_nats
        yield CalibrationRow(
            rung=one.rung.name,
            family=one.rung.family,
            quantity=quantity,
            truth=truth.kind,
            truth_bits=bits(truth.nats),
            truth_stderr_bits=bits(truth.stderr_nats),
            estimate_bits=bits(one.estimate.nats),
            fitted_bits=bits(one.reading.fitted),
            stderr_images_bits=bits(one.estimate.stderr_images_nats),
            stderr_fits_bits=None if fits is None else bits(fits),
            stderr_bits=bits(one.estimate.stderr_nats),
            low_bits=bits(interval.low),
            high_bits=bits(interval.high),
            inside=inside(case, interval),
            raw_bits=bits(one.reading.raw),
            weight=one.reading.weight,
            calibrates=one.rung.calibrates,
            n_images=one.estimate.n_images,
            n_fits=one.estimate.n_fits,
        )


def _truth(one: _Read, read: Sequence[_Read]) -> Truth:
    """What is known of a rung; of equal ones the mean of the others, which has the error of their spread."""
    if one.truth.kind != "equal":
        return one.truth
    others = np.array(
        [other.estimate.nats for other in read if other.rung.family == one.rung.family and other is not one]
    )
    return Truth("equal", float(others.mean()), float(others.std(ddof=1) / np.sqrt(len(others))))


def _case(one: _Read, truth: Truth) -> Case:
    measured = Measured(one.estimate.nats, one.reading.fitted, one.estimate.stderr_nats)
    return known_case(one.rung.name, one.rung.family, measured, truth)
