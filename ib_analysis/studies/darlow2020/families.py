"""Every test of the study: the differences of information that the claims are about, corrected claim by claim."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ib_analysis.information.inference.network_stages import Curves, NetworkStages, network_stages
from ib_analysis.studies.darlow2020.row import DarlowRow, Images, Number, Question
from ib_analysis.studies.darlow2020.tested_difference import (
    Difference,
    Statistic,
    Values,
    compression_with_less_without,
    corrected,
    early_peak,
    first_less_last,
)
from ib_analysis.studies.specs.darlow2020 import EARLY_SHARE, Darlow2020StudySpec
from ib_analysis.units import bits


class Place(NamedTuple):
    """One tap of the networks of an encoder in a regime."""

    encoder: str
    regime: str
    tap: str


@dataclass(frozen=True)
class Trained:
    """The networks of an encoder in a regime: their width, and their mean score at the end of training."""

    width: str
    score: str
    own: float | None
    held_out: float | None


@dataclass(frozen=True)
class Planes:
    """The information of all networks, on held-out images or on images that they were trained on."""

    images: Images
    curves: Mapping[Place, Curves]
    stages: Mapping[Place, NetworkStages]

    @classmethod
    def of(cls, images: Images, curves: Mapping[Place, Curves]) -> "Planes":
        """Planes with their stages of learning."""
        return cls(images, curves, network_stages(curves))

    def places(self, encoder: str, taps: Sequence[str]) -> list[Place]:
        """Where an encoder is judged, those of the taps that each regime has."""
        return [place for place in self.curves if place.encoder == encoder and place.tap in taps]

    def information(self, place: Place) -> Values:
        """Nats per image, mean over fits and images, shape (networks, epochs)."""
        return np.stack([values.mean(axis=(0, 2)) for values in self.curves[place].networks])


Tests = dict[Place, Difference]


def study_rows(
    spec: Darlow2020StudySpec,
    held_out: Mapping[Place, Curves],
    held_out_alone: Mapping[Place, Curves],
    own: Mapping[Place, Curves],
    trained: Mapping[tuple[str, str], Trained],
) -> list[DarlowRow]:
    """Every test as a row, claim by claim.

    Args:
        spec: which networks and taps the claims are about.
        held_out: the information on evaluation images.
        held_out_alone: the same by the decoders p(x | h) alone.
        own: as that, on images of the encoder part.
        trained: what the networks are, by encoder and regime.
    """
    measured = Planes.of("held out", held_out)
    compared = (Planes.of("held out", held_out_alone), Planes.of("own", own))
    return [
        _row(place, claim, question, difference, planes, trained)
        for claim, question, planes, tests in _families(spec, measured, compared)
        for place, difference in zip(tests, corrected(list(tests.values())), strict=True)
    ]


def _families(
    spec: Darlow2020StudySpec, held_out: Planes, compared: Sequence[Planes]
) -> Iterator[tuple[Number, Question, Planes, Tests]]:
    """The tests that are corrected together."""
    first, *others = spec.encoders
    deep = held_out.places(first, spec.deep)
    yield "i", "fitting", held_out, _fitting(held_out, deep)
    yield "ii", "compression", held_out, _compression(held_out, deep)
    yield "iii", "early peak", held_out, _early_peaks(held_out, deep)
    yield "iv", "below untrained", held_out, _tested(held_out, deep, first_less_last)
    yield "v", "compression", held_out, _compression(held_out, held_out.places(first, spec.early))
    for alone in compared:
        yield "vi", "fitting", alone, _fitting(alone, deep)
        yield "vi", "compression", alone, _compression(alone, deep)
    for encoder in others:
        places = held_out.places(encoder, spec.deep)
        if encoder == spec.without_decay:
            yield "vii", "compression", held_out, _compression(held_out, places)
            yield "vii", "weight decay", held_out, _weight_decay(held_out, first, places)
        else:
            yield "", "fitting", held_out, _fitting(held_out, places)
            yield "", "compression", held_out, _compression(held_out, places)


def _fitting(planes: Planes, places: Sequence[Place]) -> Tests:
    return {place: Difference.of_stage(planes.stages[place].fitting) for place in places}


def _compression(planes: Planes, places: Sequence[Place]) -> Tests:
    return {place: Difference.of_stage(planes.stages[place].compression) for place in places}


def _tested(planes: Planes, places: Sequence[Place], statistic: Statistic) -> Tests:
    return {
        place: Difference.tested(planes.information(place), statistic, planes.stages[place].compression)
        for place in places
    }


def _early_peaks(planes: Planes, places: Sequence[Place]) -> Tests:
    """Where checkpoints lie within the first tenth of training, and after it."""
    found: Tests = {}
    for place in places:
        two = early_peak(planes.curves[place].epochs, EARLY_SHARE)
        if two is not None:
            stage = planes.stages[place].compression
            found[place] = Difference.tested(planes.information(place), two[0], stage, bound=two[1])
    return found


def _weight_decay(planes: Planes, first: str, places: Sequence[Place]) -> Tests:
    """Compression with weight decay less without, at the taps that both encoders have."""
    found: Tests = {}
    for place in places:
        other = place._replace(encoder=first)
        if other in planes.curves:
            both = np.concatenate([planes.information(other), planes.information(place)], axis=1)
            stage = planes.stages[other].compression
            # Two independent gains differ between fits by sqrt(2) as much as one.
            found[place] = Difference.tested(both, compression_with_less_without, stage, spreads=2.0**0.5)
    return found


def _row(
    place: Place,
    claim: Number,
    question: Question,
    found: Difference,
    planes: Planes,
    trained: Mapping[tuple[str, str], Trained],
) -> DarlowRow:
    stages, networks = planes.stages[place], trained[place.encoder, place.regime]
    return DarlowRow(
        **place._asdict(),
        claim=claim,
        question=question,
        images=planes.images,
        first_epoch=stages.first_epoch,
        peak_epoch=stages.peak_epoch,
        last_epoch=stages.last_epoch,
        peak_bits=bits(stages.peak_nats),
        bits=bits(found.nats),
        stderr_bits=_bits(found.stderr_nats),
        low_bits=_bits(found.low_nats),
        high_bits=_bits(found.high_nats),
        p=found.p_value,
        p_holm=found.p_holm,
        family=found.family,
        spread_bits=_bits(found.spread_nats),
        margin_bits=bits(found.margin_nats),
        answer=found.verdict,
        networks=found.networks,
        n_fits=found.fits,
        n_images=planes.curves[place].networks[0].shape[2],
        width=networks.width,
        score=networks.score,
        own_score=networks.own,
        held_out_score=networks.held_out,
    )


def _bits(nats: float | None) -> float | None:
    return None if nats is None else bits(nats)
