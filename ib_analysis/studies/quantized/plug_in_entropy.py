"""The entropy of a quantized layer, by counting (Lorenzen, Igel & Nielsen 2022).

h is a function of the image, so I(x; h) = H(h), and for a discrete h both are finite. Over a universe, all the images
there are, counting is exact. Over a sample of n images it gives the entropy of the sample: too low by about
(K - 1) / 2n with K distinct rows, and never above log n, which it reaches as soon as all rows differ, whatever the
truth is. A single unit has few values and is counted well even then, and no units together have more entropy than each
for itself: the sum over units of H(h_u) bounds H(h), and with it I(x; h), from above for images never seen, too.
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
    """-sum f log f over the shares f of the distinct rows: exact where the images are all there are."""
    miller_madow_nats: float
    """The same plus (K - 1) / 2n, the first term of its bias over a sample (Miller 1955)."""
    distinct: int
    """K, the number of distinct rows."""
    alone: float
    """Share of the images whose row no other image has."""
    n: int

    @property
    def ceiling_nats(self) -> float:
        """log n: the most that counting n images can give."""
        return math.log(self.n)


def row_symbols(blocks: Iterable[NDArray[np.floating[Any]]]) -> NDArray[np.intp]:
    """A number for each row, the same for equal rows, of blocks (rows, ...), shape (n,); one block at a time in memory.

    Rows are told apart by digests of 128 bits, which differ for different rows but with probability n^2 / 2^129.

    >>> row_symbols([np.array([[0.0, 1.0], [2.0, 3.0]]), np.array([[-0.0, 1.0]])]).tolist()
    [0, 1, 0]
    """
    seen: dict[bytes, int] = {}
    numbers = [
        seen.setdefault(blake2b(row.tobytes(), digest_size=16).digest(), len(seen))
        for block in blocks
        for row in np.ascontiguousarray(block + 0)  # -0.0 and 0.0 are one number with two bit patterns
    ]
    return np.array(numbers, dtype=np.intp)


def plug_in_entropy(symbols: NDArray[np.intp]) -> PlugInEntropy:
    """Entropy of rows given by `row_symbols`, each as likely as it is frequent.

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
    """H(h_u) of each unit u, in nats, counted over the n rows of h (n, ...) and corrected by (K_u - 1) / 2n.

    Their sum is an upper bound of H(h) (Cover & Thomas 2006, theorem 2.6.6). With many more levels than images, as at
    bf16, each is next to log n and the sum bounds nothing.

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
