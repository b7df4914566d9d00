"""The plug-in entropy of a quantized layer (Lorenzen, Igel & Nielsen 2022).

h is a function of the image, so I(x; h) = H(h), and both are finite for discrete h. Counting over a complete universe
of images is exact. Counting over a sample of n images gives the entropy of the sample, which is too low by about
(K - 1) / 2n for K distinct rows and saturates at log n once all rows differ. A single unit has few values, so its
entropy is still well estimated. The sum over units of H(h_u) is an upper bound of H(h) and hence of I(x; h).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ib_analysis.information.estimators.counting import Correction, corrected_entropy
from ib_analysis.information.estimators.distinct_rows import alone


@dataclass(frozen=True)
class PlugInEntropy:
    """H(h) counted over n images, in nats."""

    nats: float
    """-sum f log f over the frequencies f of the distinct rows; exact for a complete universe of images."""
    miller_madow_nats: float
    """The same plus (K - 1) / 2n, the leading bias correction (Miller 1955)."""
    distinct: int
    """K, the number of distinct rows."""
    alone: float
    """Fraction of the images with a unique row."""
    n: int

    @property
    def ceiling_nats(self) -> float:
        """log n, the largest plug-in entropy of n images."""
        return math.log(self.n)


def row_symbols(blocks: Iterable[NDArray[np.floating[Any]]]) -> NDArray[np.intp]:
    """One number for each row of the blocks (rows, ...), equal for equal rows, shape (n,); reads one block at a time.

    Rows are compared by digests of 128 bits, which collide with probability n^2 / 2^129.

    >>> row_symbols([np.array([[0.0, 1.0], [2.0, 3.0]]), np.array([[-0.0, 1.0]])]).tolist()
    [0, 1, 0]
    """
    seen: dict[bytes, int] = {}
    numbers = [
        seen.setdefault(blake2b(row.tobytes(), digest_size=16).digest(), len(seen))
        for block in blocks
        for row in np.ascontiguousarray(block + 0)  # -0.0 and 0.0 are equal but have different bit patterns
    ]
    return np.array(numbers, dtype=np.intp)


def plug_in_entropy(symbols: NDArray[np.intp]) -> PlugInEntropy:
    """Plug-in entropy of the symbols of `row_symbols`.

    >>> found = plug_in_entropy(np.array([0, 0, 1, 2]))
    >>> round(found.nats / math.log(2), 12), found.distinct, found.alone
    (1.5, 3, 0.5)
    """
    return PlugInEntropy(
        nats=corrected_entropy(symbols, Correction.NONE),
        miller_madow_nats=corrected_entropy(symbols, Correction.MILLER_MADOW),
        distinct=len(np.unique(symbols)),
        alone=alone(symbols),
        n=len(symbols),
    )


def unit_entropies(h: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Plug-in entropy H(h_u) of each unit u, in nats, over the n rows of h (n, ...), corrected by (K_u - 1) / 2n.

    Their sum is an upper bound of H(h) (Cover & Thomas 2006, theorem 2.6.6). With many more levels than images, as at
    bf16, each is close to log n and the bound is useless.

    >>> (unit_entropies(np.array([[0.0, 5.0], [1.0, 5.0]])) / math.log(2)).round(3).tolist()
    [1.361, 0.0]
    """
    units = h.reshape(len(h), -1).T + 0
    return np.array(
        [
            corrected_entropy(np.unique(unit, return_inverse=True)[1], Correction.MILLER_MADOW)
            for unit in units
        ]
    )
