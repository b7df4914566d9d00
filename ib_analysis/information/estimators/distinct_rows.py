"""Rows as symbols: equality of rows, detection of a class, and the largest entropy of a sample of symbols."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ib_analysis.errors import UserError
from ib_analysis.information.measurement.quantity import Quantity

# Above this share of rows that no other row equals, entropy counted from the sample is mostly log n.
ALONE_SHARE = 0.5
NEAR_CEILING = 0.95


def codes(rows: NDArray[np.float64] | NDArray[np.integer[Any]]) -> NDArray[np.intp]:
    """The number of the distinct row that each row is, in order of appearance, shape (n,): 0 .. distinct - 1.

    >>> codes(np.array([[0.0, 1.0], [2.0, 3.0], [-0.0, 1.0]])).tolist()
    [0, 1, 0]
    """
    plain = np.ascontiguousarray(rows + 0)  # -0.0 and 0.0 are one number with two bit patterns
    whole_rows = plain.view(np.dtype((np.void, plain.shape[1] * plain.itemsize))).ravel()
    _, first, inverse = np.unique(whole_rows, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first))
    found: NDArray[np.intp] = order[inverse.ravel()]
    return found


def is_class(rows: NDArray[np.float64]) -> bool:
    """Whether rows are labels: a single column of whole numbers, at least one of which comes twice.

    >>> is_class(np.array([[0.0], [1.0], [1.0]])), is_class(np.array([[0.5], [1.0], [1.0]]))
    (True, False)
    """
    if rows.shape[1] != 1 or not np.array_equal(rows, np.round(rows)):
        return False
    return len(np.unique(rows)) < len(rows)


def labels(rows: NDArray[np.float64], name: str) -> NDArray[np.intp]:
    """Class numbers 0 .. classes - 1 of rows that must be labels, shape (n,).

    Raises:
        UserError: the rows are not one column of whole numbers that repeat.
    """
    if not is_class(rows):
        raise UserError(
            f"{name} must be classes: one whole number a row, the same for several rows; "
            f"it has {rows.shape[1]} columns and {len(np.unique(codes(rows)))} distinct rows of {len(rows)}."
        )
    return codes(rows)


def symbol_and_features(
    x: NDArray[np.float64], y: NDArray[np.float64], quantity: Quantity
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Which side is a symbol, by number (n,), and which is the features (n, d) that are binned or get noise.

    I(y; h), called with (h, labels): the class and h. Anything else, called with (u, v): the distinct rows of u
    and v; but where v alone is a column of labels, v and u. For I(x; h) the image is the symbol: only which
    rows of x are equal matters.

    Raises:
        UserError: labels are asked for and are not there.
    """
    if quantity is Quantity.LABEL_INFORMATION:
        return labels(y, "y"), x
    if quantity is not Quantity.IMAGE_INFORMATION and is_class(y) and not is_class(x):
        return codes(y), x
    return codes(x), y


def entropy(symbols: NDArray[np.intp]) -> float:
    """Plug-in entropy -sum f log f over the frequencies f of the symbols, nats.

    >>> round(float(entropy(np.array([0, 1, 2, 3])) / np.log(2)), 12)
    2.0
    """
    f = np.unique(symbols, return_counts=True)[1] / len(symbols)
    return float(-(f * np.log(f)).sum())


def alone(symbols: NDArray[np.intp]) -> float:
    """Share of the rows whose symbol no other row has.

    >>> alone(np.array([0, 0, 1, 2]))
    0.5
    """
    return float((np.unique(symbols, return_counts=True)[1] == 1).sum() / len(symbols))


def alone_warning(symbols: NDArray[np.intp]) -> tuple[str, ...]:
    """A warning where most rows are unique, so that a count of the sample depends on little but n."""
    share = alone(symbols)
    if share <= ALONE_SHARE:
        return ()
    return (
        f"{share:.0%} of the {len(symbols)} rows are unlike any other: the count saturates at log n = "
        f"{np.log(len(symbols)):.3f} nats (or at the entropy of the labels) whatever the truth is; "
        "take more rows, coarser cells or another method.",
    )


def ceiling_warning(value: float, symbols: NDArray[np.intp]) -> tuple[str, ...]:
    """A warning where the value is close to the entropy of the symbols, its largest possible value."""
    ceiling = entropy(symbols)
    if ceiling == 0.0 or value < NEAR_CEILING * ceiling:
        return ()
    return (
        f"The value has come to its ceiling of {ceiling:.3f} nats, the entropy of the {len(np.unique(symbols))} "
        "distinct values in the sample: a larger truth would give the same number.",
    )
