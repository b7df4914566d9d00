"""Codes of images: whole numbers that are functions of an image, so that I(x; code) = H(code)."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from ib_analysis.errors import UserError

Codes = NDArray[np.int64]
Images = NDArray[np.uint8]
# More images than these do not make better centres of a few hundred clusters, and cost time.
MOST_IMAGES = 5_000
BLOCK = 4_096


class Code(Protocol):
    """A code of images, fixed by other images than those that it is applied to."""

    @property
    def classes(self) -> int:
        """How many values it can take."""
        ...

    def __call__(self, images: Images) -> Codes:
        """The code of each image (n, C, H, W), from 0 to classes - 1, shape (n,)."""
        ...


@dataclass(frozen=True)
class NearestCentre:
    """The number of the centre that lies nearest to an image; `centres` has shape (classes, pixels)."""

    centres: NDArray[np.float64]

    @property
    def classes(self) -> int:
        """The number of centres."""
        return len(self.centres)

    def __call__(self, images: Images) -> Codes:
        """The nearest centre of each image."""
        half = (self.centres**2).sum(axis=1) / 2.0
        blocks = [
            (half - _flat(images[start : start + BLOCK]) @ self.centres.T).argmin(axis=1)
            for start in range(0, len(images), BLOCK)
        ]
        return np.concatenate(blocks).astype(np.int64)


def k_means(images: Images, classes: int, seed: int) -> NearestCentre:
    """Centres of so many clusters of images, by k-means++ and Lloyd's iterations (scikit-learn).

    Args:
        images: uint8 (n, C, H, W), others than those that will be coded; at most 5,000 of them are used.
        classes: clusters.
        seed: of the first centres and of the choice of images.

    Raises:
        UserError: more clusters than images.
    """
    if classes > len(images):
        raise UserError(
            f"k-means with {classes} codes: there are {len(images)} images to find its centres; ask for fewer codes."
        )
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(images))[: max(MOST_IMAGES, classes)]
    found = KMeans(classes, n_init=1, random_state=seed).fit(_flat(images[np.sort(chosen)]))
    return NearestCentre(found.cluster_centers_.astype(np.float64))


@dataclass(frozen=True)
class Signs:
    """On which side of a threshold the projections of an image lie, read as binary digits.

    `directions` has shape (bits, pixels), `thresholds` (bits,).
    """

    directions: NDArray[np.float64]
    thresholds: NDArray[np.float64]

    @property
    def classes(self) -> int:
        """2 to the power of the number of projections."""
        return int(2 ** len(self.thresholds))

    def __call__(self, images: Images) -> Codes:
        """Bit b of the code is 1 where projection b exceeds its threshold."""
        above = _flat(images) @ self.directions.T > self.thresholds
        codes: Codes = above @ (1 << np.arange(len(self.thresholds), dtype=np.int64))
        return codes


def random_signs(images: Images, bits: int, seed: int) -> Signs:
    """Signs of random projections about their medians over the images, each of which is near one bit.

    Args:
        images: uint8 (n, C, H, W), others than those that will be coded.
        bits: projections; the code takes at most 2^bits values.
        seed: of the directions.
    """
    directions = np.random.default_rng(seed).normal(size=(bits, int(np.prod(images.shape[1:]))))
    return Signs(directions, np.median(_flat(images[:MOST_IMAGES]) @ directions.T, axis=0))


def check_counted(name: str, classes: int, images: int) -> None:
    """A code with more classes than images cannot be counted on them.

    Raises:
        UserError: saying so.
    """
    if classes > images:
        raise UserError(
            f"{name}: a code of {classes} classes cannot be counted on {images} images; ask for fewer classes or give "
            "more images."
        )


def check_labels_are_codes(images: Images, labels: Codes) -> None:
    """The label is a code only where equal images have equal labels; else I(x; label) is less than H(label).

    Raises:
        UserError: two copies of an image have different labels.
    """
    of_image: dict[bytes, int] = {}
    for image, label in zip(images, labels.tolist(), strict=True):
        first = of_image.setdefault(np.ascontiguousarray(image).tobytes(), label)
        if first != label:
            raise UserError(
                f"the label is no function of the image: one image stands there as class {first} and as class {label}; "
                "drop its copies or leave the label out of the calibration."
            )


def one_hot(codes: Codes, classes: int) -> NDArray[np.float32]:
    """A unit a class, 1 for its own: shape (n, classes).

    >>> one_hot(np.array([1, 0]), 3).tolist()
    [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    return np.eye(classes, dtype=np.float32)[codes]


def binary_digits(codes: Codes, classes: int) -> NDArray[np.float32]:
    """A unit a binary digit, -1 or 1: shape (n, bits).

    >>> binary_digits(np.array([0, 1, 2]), 4).tolist()
    [[-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]]
    """
    bits = max(1, int(np.ceil(np.log2(classes))))
    found: NDArray[np.float32] = (2 * ((codes[:, None] >> np.arange(bits)) & 1) - 1).astype(np.float32)
    return found


def among_noise(h: NDArray[np.float32], units: int, seed: int) -> NDArray[np.float32]:
    """h joined with units of standard normal noise, which say nothing of the image: shape (n, features + units).

    Args:
        h: shape (n, features).
        units: of noise.
        seed: of the noise; another one for each part of the images.
    """
    noise = np.random.default_rng(seed).standard_normal((len(h), units), dtype=np.float32)
    return np.concatenate([h, noise], axis=1)


def rotated(h: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """h turned by a random rotation of its units (of its channels, where it is a map): the same information.

    Args:
        h: shape (n, features) or (n, channels, H, W).
        seed: of the rotation, drawn evenly from all (the Q of a Gaussian matrix: Mezzadri 2007).
    """
    q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(h.shape[1], h.shape[1])))
    turn = (q * np.sign(np.diag(r))).astype(np.float32)
    found: NDArray[np.float32] = np.moveaxis(np.tensordot(turn, h, axes=(1, 1)), 0, 1)
    return np.ascontiguousarray(found)


def others_of_class(labels: Codes, seed: int) -> Codes:
    """For each image the row of another one of its class; each row is taken once.

    What the other image's h says of this one it says through the class: I(x; h') <= H(y).

    Raises:
        UserError: a class with a single image.
    """
    rng = np.random.default_rng(seed)
    rows = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        own = rng.permutation(np.flatnonzero(labels == label))
        if len(own) < 2:
            raise UserError(f"class {label} has a single image in a part: it has no other of its class.")
        rows[own] = np.roll(own, 1)
    return rows


def _flat(images: Images) -> NDArray[np.float64]:
    return images.reshape(len(images), -1).astype(np.float64)
