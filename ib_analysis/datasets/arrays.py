"""Images and labels in NumPy files, memory-mapped."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ib_analysis.datasets.dataset import PartName
from ib_analysis.datasets.source import Block, Source, block_length
from ib_analysis.datasets.specs.arrays import ArraysSpec
from ib_analysis.errors import UserError
from ib_analysis.surroundings import user_path

LARGEST_CHANNELS = 4
"""An array whose last axis is at most this long, and whose second is longer, has its channels last."""


class Arrays(Source):
    """Images (n, C, H, W) and labels (n,), each value of which is a class of its own.

    Raises:
        UserError: a file is missing, needs a pickle, or holds something else.
    """

    Spec = ArraysSpec
    name = "arrays"

    def __init__(self, spec: ArraysSpec) -> None:
        self.spec, self.levels = spec, spec.levels
        self.images = check_images(_read(spec.images_file), spec.images_file, spec.levels)
        channels, height, width = self.images.shape[1:]
        self.shape = (channels, height, width)
        n = len(self.images)
        values = np.zeros(n, np.int64)
        if spec.labels_file is not None:
            values = check_labels(_read(spec.labels_file), spec.labels_file, n)
        classes, self.labels = np.unique(values, return_inverse=True)
        self.class_names = tuple(map(str, classes)) if spec.labels_file is not None else ("image",)
        self.rows: dict[PartName | None, NDArray[np.int64]] = {None: np.arange(n)}
        if spec.learned_file is not None:
            learned = np.sort(check_indices(_read(spec.learned_file), spec.learned_file, n))
            self.rows = {"encoder": learned, None: np.setdiff1d(np.arange(n), learned)}

    def blocks(self) -> Iterator[Block]:
        """Images that the network has learned on, where they are known, then the others, as they come in the file."""
        length = block_length(self.shape)
        for part, rows in self.rows.items():
            for start in range(0, len(rows), length):
                own = rows[start : start + length]
                yield Block(self.images[own], self.labels[own].astype(np.int64), part)


def check_images(images: NDArray[Any], name: str, levels: int) -> NDArray[np.uint8]:
    """The images, where they are uint8 (n, C, H, W) below `levels`.

    Raises:
        UserError: they are not; the sentence says how to make them so.
    """
    if images.dtype != np.uint8:
        raise UserError(
            f"{name}: the images are {images.dtype}: give uint8 levels, as in (255 * images).round().astype('uint8'), "
            "and let preprocess do the scaling."
        )
    if images.ndim != 4:
        hint = ": a grey image needs a channel too, as in images[:, None]" if images.ndim == 3 else ""
        raise UserError(
            f"{name}: the images have shape {images.shape}, not (n, channels, height, width){hint}."
        )
    if images.shape[3] <= LARGEST_CHANNELS < images.shape[1]:
        raise UserError(
            f"{name}: the images have shape {images.shape}, with channels last: give images.transpose(0, 3, 1, 2)."
        )
    if not images.size:
        raise UserError(f"{name}: there are no images in an array of shape {images.shape}.")
    if (largest := int(images.max())) >= levels:
        raise UserError(f"{name}: a pixel has the value {largest}, and levels is {levels}: raise levels.")
    return images


def check_labels(labels: NDArray[Any], name: str, n: int) -> NDArray[np.int64]:
    """The labels, where they are integers (n,).

    Raises:
        UserError: they are not, or all are the same.
    """
    if labels.dtype.kind not in "iub" or labels.shape != (n,):
        raise UserError(
            f"{name}: the labels are {labels.dtype} of shape {labels.shape}: give one whole number for each of the {n} "
            "images."
        )
    if len(np.unique(labels)) < 2:
        raise UserError(
            f"{name}: all labels are the same: leave the labels out, or give those of two classes."
        )
    return labels.astype(np.int64)


def check_indices(indices: NDArray[Any], name: str, n: int) -> NDArray[np.int64]:
    """The indices, where they are different whole numbers below n, and neither none nor all of them.

    Raises:
        UserError: they are not.
    """
    if indices.dtype.kind not in "iu" or indices.ndim != 1:
        raise UserError(
            f"{name}: the indices of learned images are {indices.dtype} of shape {indices.shape}: give a list of whole "
            "numbers, as in numpy.flatnonzero(learned)."
        )
    if len(np.unique(indices)) < len(indices) or indices.min(initial=0) < 0 or indices.max(initial=0) >= n:
        raise UserError(f"{name}: an index of a learned image stands twice, or is none of 0..{n - 1}.")
    if len(indices) in (0, n):
        which = "none" if not len(indices) else "all"
        raise UserError(
            f"{name}: {which} of the {n} images were learned on: say seen_by_network: "
            f"{'no' if which == 'none' else 'yes'} instead."
        )
    return indices.astype(np.int64)


def _read(file: str) -> NDArray[Any]:
    """The array in a file, memory-mapped."""
    try:
        array = np.load(user_path(file), mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise UserError(f"{file} is missing: correct the path; it counts from the working folder.") from None
    except (ValueError, EOFError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"{file} is no array of numpy.save that is read without a pickle ({reason}): save numbers by numpy.save."
        ) from None
    if not isinstance(array, np.ndarray):
        raise UserError(f"{file} holds several arrays: save each by numpy.save in a file of its own.")
    return array
