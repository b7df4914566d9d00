"""The nats of one network under repeated fits of its decoders, fit by fit."""

from collections.abc import Sequence
from dataclasses import dataclass

from ib_analysis.errors import UserError
from ib_analysis.information.measurement.evaluation import Evaluation
from ib_analysis.point import Network, Point


@dataclass(frozen=True)
class RepeatedEvaluation:
    """What each fit says of one network; all fits hold the same points, in the same order."""

    fits: tuple[Evaluation, ...]

    @property
    def network(self) -> Network:
        """The network that they belong to."""
        return self.fits[0].network

    @property
    def epochs(self) -> list[int]:
        """The measured epochs, rising."""
        return self.fits[0].epochs

    @property
    def taps(self) -> list[str]:
        """The measured taps, in network order."""
        return self.fits[0].taps

    @property
    def points(self) -> list[Point]:
        """The measured points, in the order in which they were evaluated."""
        return list(self.fits[0].points)


def by_network(evaluations: Sequence[Evaluation]) -> list[RepeatedEvaluation]:
    """The fits of each network together, networks and fits in the order in which they come.

    Raises:
        UserError: a network whose fits hold different points, or networks with different fits.
    """
    groups: dict[Network, list[Evaluation]] = {}
    for evaluation in evaluations:
        groups.setdefault(evaluation.network, []).append(evaluation)
    expected = [evaluation.variant for evaluation in next(iter(groups.values()), [])]
    for network, fits in groups.items():
        if any(fit.points.keys() != fits[0].points.keys() for fit in fits):
            raise UserError(f"{network}: its fits hold different points: evaluate the same taps and epochs.")
        if [fit.variant for fit in fits] != expected:
            raise UserError(
                f"{network}: its fits are not {', '.join(expected)}: evaluate every network by all fits."
            )
    return [RepeatedEvaluation(tuple(fits)) for fits in groups.values()]
