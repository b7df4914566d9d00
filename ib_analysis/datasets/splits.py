"""Splits into three disjoint parts, stratified by class and determined by the seed."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from ib_analysis.datasets.dataset import PARTS
from ib_analysis.datasets.specs.source import Shares
from ib_analysis.errors import UserError

UNUSED = -1
"""Marks an image outside the three parts."""
_SUBSET, _SPLIT, _ORDER = 1, 2, 3  # streams of random numbers of one seed


def allot(count: int, shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """Divides `count` by shares with sum 1, by largest remainders; earlier shares win ties.

    >>> allot(10, np.array([0.4, 0.4, 0.2])).tolist()
    [4, 4, 2]
    >>> allot(7, np.array([0.4, 0.4, 0.2])).tolist()
    [3, 3, 1]
    """
    exact = np.round(count * shares, 9)  # 0.1 * 30 must not round down to 2
    whole = np.floor(exact).astype(np.int64)
    largest = np.argsort(-np.round(exact - whole, 9), kind="stable")
    whole[largest[: count - whole.sum()]] += 1
    return whole


def choose_subset(strata: NDArray[np.int64], images: int | None, seed: int) -> NDArray[np.bool_]:
    """Chooses `images` rows at random, from each stratum its share; None keeps all.

    Raises:
        UserError: more images are asked for than there are.
    """
    if images is None:
        return np.ones(len(strata), bool)
    if images > len(strata):
        raise UserError(
            f"images: {images} are asked for and the source has {len(strata)}; ask for fewer, or null"
        )
    rng = np.random.default_rng([seed, _SUBSET])
    values, counts = np.unique(strata, return_counts=True)
    chosen = np.zeros(len(strata), bool)
    for value, quota in zip(values, allot(images, counts / counts.sum())):
        chosen[rng.permutation(np.flatnonzero(strata == value))[:quota]] = True
    return chosen


def draw_parts(
    labels: NDArray[np.int64],
    chosen: NDArray[np.bool_],
    shares: Shares,
    seed: int,
    class_names: tuple[str, ...],
) -> NDArray[np.int8]:
    """The part of every image (an index into PARTS, or UNUSED); each class is divided by the shares.

    Raises:
        UserError: a class has too few images to give each part one.
    """
    rng = np.random.default_rng([seed, _SPLIT])
    fractions = np.array([shares.encoder, shares.decoder, shares.evaluation])
    parts = np.full(len(labels), UNUSED, np.int8)
    for label, name in enumerate(class_names):
        rows = np.flatnonzero((labels == label) & chosen)
        sizes = allot(len(rows), fractions)
        if not sizes[fractions > 0].all():
            raise UserError(
                f"class {name!r}: {len(rows)} images are too few for the three parts with shares "
                f"{shares.encoder:g}, {shares.decoder:g}, {shares.evaluation:g}; add images or omit the class"
            )
        parts[rng.permutation(rows)] = np.repeat(np.arange(len(PARTS), dtype=np.int8), sizes)
    return parts


def digests(images: NDArray[np.uint8]) -> NDArray[np.bytes_]:
    """The 16-byte blake2b of the pixels of each image, equal for equal images only."""
    found = [hashlib.blake2b(np.ascontiguousarray(x).data, digest_size=16).digest() for x in images]
    return np.array(found, dtype="S16")


def in_earlier_part(found: NDArray[np.bytes_], parts: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Which images have an identical copy in an earlier part (encoder < decoder < evaluation).

    The copy in the earlier part is kept, because no encoder or decoder may be trained on an evaluation image. Copies
    within one part are harmless and are not marked.
    """
    _, group = np.unique(found, return_inverse=True)
    used = parts != UNUSED
    earliest = np.full(len(found), len(PARTS), np.int8)
    np.minimum.at(earliest, group[used], parts[used])
    return used & (parts > earliest[group])


def arrangement(parts: NDArray[np.int8], seed: int) -> NDArray[np.int64]:
    """The source rows in stored order: the three parts one after another, each shuffled."""
    rng = np.random.default_rng([seed, _ORDER])
    return np.concatenate([rng.permutation(np.flatnonzero(parts == part)) for part in range(len(PARTS))])
