"""Compare the draws of one point with their originals, and with the other images that chance would give."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ib_analysis.forgetting.other_images import OtherImages
from ib_analysis.forgetting.squared_error import Kind, Values, coefficients, kinds, sums_of
from ib_analysis.forgetting.table import ForgettingRow
from ib_analysis.point import Point

AGREEMENT = Kind("class agreement")


@dataclass(frozen=True)
class Originals:
    """Images of the evaluation part (n, C, H, W), their classes, and the classes that the judge tells, (n,)."""

    images: NDArray[np.uint8]
    levels: int
    labels: NDArray[np.int64]
    told: NDArray[np.int64]
    others: OtherImages

    @cached_property
    def coefficients(self) -> Values:
        """Their coefficients, (n, C, H, W)."""
        return coefficients(self.images, self.levels)

    @cached_property
    def parts(self) -> dict[Kind, NDArray[np.bool_]]:
        """The parts of an error of such images."""
        channels, height, width = self.images.shape[1:]
        return kinds((channels, height, width))

    @cached_property
    def same_class(self) -> Mapping[Kind, Values]:
        """Every measure of another image of the original's class, (n,)."""
        return self._beside(same_class=True)

    @cached_property
    def any_image(self) -> Mapping[Kind, Values]:
        """Every measure of another image, (n,)."""
        return self._beside(same_class=False)

    def _beside(self, same_class: bool) -> dict[Kind, Values]:
        squares = self.others.squared_distances(self.coefficients, self.labels, same_class)
        agreement = self.others.agreement(self.labels, self.told, same_class)
        return {AGREEMENT: agreement} | sums_of(squares, self.parts)

    @property
    def agreement(self) -> float:
        """Share of the originals of which the judge tells the class."""
        return float((self.told == self.labels).mean())


def forgetting_rows(
    point: Point, draws: NDArray[np.uint8], told: NDArray[np.int64], originals: Originals
) -> Iterator[ForgettingRow]:
    """The rows of one point.

    Args:
        point: where the draws come from.
        draws: (draws, n, C, H, W), in the order of the originals.
        told: classes that the judge tells of them, (draws, n).
        originals: what they are compared with.
    """
    squares = (coefficients(draws, originals.levels) - originals.coefficients) ** 2
    found = {AGREEMENT: (told == originals.labels).mean(axis=0)}
    found |= sums_of(squares.mean(axis=0), originals.parts)
    for kind, values in found.items():
        same, same_error = ratio_of_means(values, originals.same_class[kind])
        other, other_error = ratio_of_means(values, originals.any_image[kind])
        yield ForgettingRow(
            **point._asdict(),
            **kind._asdict(),
            value=float(values.mean()),
            stderr=_stderr(values),
            original=originals.agreement if kind == AGREEMENT else 0.0,
            same_class=_finite(originals.same_class[kind].mean()),
            any_image=_finite(originals.any_image[kind].mean()),
            relative_same_class=same,
            relative_same_class_stderr=same_error,
            relative_any_image=other,
            relative_any_image_stderr=other_error,
            n_images=len(values),
            n_draws=len(draws),
        )


def _stderr(values: Values) -> float | None:
    return float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else None


def ratio_of_means(values: Values, beside: Values) -> tuple[float | None, float | None]:
    """A ratio of means over the same images with its standard error (delta method); None where it has none.

    >>> ratio_of_means(np.array([2.0, 4.0, 6.0]), np.array([1.0, 2.0, 3.0]))
    (2.0, 0.0)
    """
    mean = float(beside.mean())
    if not (math.isfinite(mean) and mean > 0.0):
        return None, None
    ratio = float(values.mean()) / mean
    error = _stderr(values - ratio * beside)
    return ratio, None if error is None else error / mean


def _finite(value: np.floating) -> float | None:
    return float(value) if np.isfinite(value) else None
