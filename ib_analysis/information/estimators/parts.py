"""Three parts of the samples: for the fit, for the choice of settings, and for one evaluation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ib_analysis.errors import UserError

HOLD_OUT_SHARE = 0.15
EVALUATION_SHARE = 0.25
# With fewer rows the evaluation part, below 50 rows, gives no reliable standard error.
SMALLEST_FITTED_SAMPLE = 200
SMALLEST_CLASS = 5


@dataclass(frozen=True)
class Parts:
    """Row numbers of three disjoint parts that together are all rows.

    `fit` trains the weights, `hold_out` selects the step and the regularisation, and `evaluation` gives the value and
    its standard error, once, after both.
    """

    fit: NDArray[np.intp]
    hold_out: NDArray[np.intp]
    evaluation: NDArray[np.intp]


def three_parts(n: int, seed: int) -> Parts:
    """Rows 0 .. n - 1 at random in parts of 60, 15 and 25 per cent: a function of n and the seed alone.

    >>> [len(rows) for rows in vars(three_parts(1000, seed=0)).values()]
    [600, 150, 250]

    Raises:
        UserError: too few rows for a fitted method.
    """
    if n < SMALLEST_FITTED_SAMPLE:
        raise UserError(
            f"{n} pairs are too few to fit a network and to evaluate it on others: give "
            f"{SMALLEST_FITTED_SAMPLE} or more, or take a method that fits nothing."
        )
    return _cut(np.random.default_rng(seed).permutation(n))


def stratified_parts(labels: NDArray[np.int64], seed: int) -> Parts:
    """The same parts with each class divided by itself, so that every part sees every class.

    >>> parts = stratified_parts(np.arange(200) % 2, seed=0)
    >>> (np.arange(200) % 2)[parts.evaluation].mean()
    np.float64(0.5)

    Args:
        labels: class of each row, shape (n,).
        seed: of the shuffle within the classes.

    Raises:
        UserError: too few rows, a single class, or a class that is too small to be in every part.
    """
    classes, counts = np.unique(labels, return_counts=True)
    if len(labels) < SMALLEST_FITTED_SAMPLE:
        raise UserError(
            f"{len(labels)} labelled rows are too few to fit a probe and to evaluate it on others: give "
            f"{SMALLEST_FITTED_SAMPLE} or more."
        )
    if len(classes) < 2:
        raise UserError(f"every row is of class {classes[0]}: a probe needs two classes or more.")
    if counts.min() < SMALLEST_CLASS:
        raise UserError(
            f"class {classes[counts.argmin()]} has {counts.min()} rows: {SMALLEST_CLASS} or more are needed, "
            "so that each of the three parts sees it; give more rows or leave the class out."
        )
    rng = np.random.default_rng(seed)
    cuts = [_cut(rng.permutation(np.flatnonzero(labels == c))) for c in classes]
    # The order within a part must not tell the class: neighbours that are equally far are taken in this order.
    return Parts(
        fit=rng.permutation(np.concatenate([cut.fit for cut in cuts])),
        hold_out=rng.permutation(np.concatenate([cut.hold_out for cut in cuts])),
        evaluation=rng.permutation(np.concatenate([cut.evaluation for cut in cuts])),
    )


def _cut(rows: NDArray[np.intp]) -> Parts:
    hold_out = max(1, round(HOLD_OUT_SHARE * len(rows)))
    evaluation = max(1, round(EVALUATION_SHARE * len(rows)))
    return Parts(
        fit=rows[hold_out + evaluation :],
        hold_out=rows[:hold_out],
        evaluation=rows[hold_out : hold_out + evaluation],
    )
