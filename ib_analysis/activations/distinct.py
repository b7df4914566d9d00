"""Which images have the same h: H(h) can be counted where h takes few values, as in a quantized network."""

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from ib_analysis.activations.activations import Activations

BLOCK = 256
"""Images whose h is in memory at once."""


def distinct_values(parts: Iterable[Activations], tap: str, most: int) -> NDArray[np.int64] | None:
    """The number of the distinct h that each image has, in order of appearance, shape (images of all parts,).

    None where there are more than `most`; nothing is read after that.

    Args:
        parts: h of each part of the images.
        tap: whose h.
        most: largest number of distinct values that is of use.
    """
    numbers: dict[bytes, int] = {}
    found: list[int] = []
    for part in parts:
        for start in range(0, len(part), BLOCK):
            h = part.rows(tap, np.arange(start, min(start + BLOCK, len(part))))
            # -0.0 and 0.0 are one number with two bit patterns.
            rows = h.flatten(1).cpu().numpy() + 0
            digests = [blake2b(row.tobytes(), digest_size=16).digest() for row in rows]
            found += [numbers.setdefault(digest, len(numbers)) for digest in digests]
            if len(numbers) > most:
                return None
    return np.array(found)
