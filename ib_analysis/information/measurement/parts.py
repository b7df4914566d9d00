"""The three kinds of images on which a density is evaluated: new ones, held-out ones, fitted ones."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from decoders.training.batches import divide

Values = NDArray[np.float64]
Rows = NDArray[np.int64]
# Of the images that decoders were fitted to, so many tell what they learned by heart; more would only cost time.
MOST_FITTED = 1_000


@dataclass(frozen=True)
class Parts:
    """Values of the images of each kind, which the last axis counts.

    `evaluation` are images of the evaluation part, which chose nothing. `holdout` is the held-out share of the decoder
    part: no decoder was fitted to it, and it chooses weights. `fitted` is a sample of what decoders were fitted to.
    """

    evaluation: Values
    holdout: Values
    fitted: Values

    def __iter__(self) -> Iterator[Values]:
        return iter((self.evaluation, self.holdout, self.fitted))

    def map(self, function: Callable[..., Values], *others: "Parts") -> "Parts":
        """What the function makes of each kind, given the same kind of the others."""
        return Parts(*(function(*kinds) for kinds in zip(self, *others, strict=True)))


def stacked(parts: list[Parts]) -> Parts:
    """Several of them along a new first axis, kind by kind."""
    return Parts(*(np.stack(kinds) for kinds in zip(*parts, strict=True)))


def rows_of_decoder_part(count: int, holdout: float) -> tuple[Rows, Rows]:
    """The held-out rows and a sample of the fitted rows of `count` pairs, both rising.

    The sample is taken from the end of the order, of which a fit with a larger holdout has held out the beginning.

    Args:
        count: pairs of the decoder part, as many as a fit was given.
        holdout: share that the fit held out.
    """
    fitted, held = divide(count, holdout)
    return held, np.sort(fitted[-MOST_FITTED:])
