"""The door of every estimator: what a user gives becomes rows of float64, or one sentence says why not."""

import sys
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ib_analysis.errors import UserError

SMALLEST_SAMPLE = 8
LARGEST, SMALLEST = 1e100, 1e-100
"""Sizes whose squares, summed over all rows, are far from the ends of float64."""
MOST_DIGITS = 1e12
"""How many times a column's spread may fit into its mean: 1e-16 of the mean is the rounding of each value."""
LARGEST_EXACT = 2**53
_NUMBERS = "biuf"  # numpy's kinds: bool, integer, unsigned, float


def rows_of_numbers(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Rows of numbers, (n, features), float64, in memory of their own that an estimator may change.

    Tensors lose their gradient. Classes may be whole numbers or truth values.

    Raises:
        UserError: no real numbers, masked or unequal rows, too few of them, or numbers that are not finite, that
            float64 cannot tell apart, or whose squares are beyond it.
    """
    array = _numeric(values, name)
    if array.ndim == 0 or len(array) < SMALLEST_SAMPLE:
        raise UserError(
            f"{name} has {array.shape[0] if array.ndim else 1} rows: give {SMALLEST_SAMPLE} or more."
        )
    with np.errstate(over="ignore"):  # what is too large for float64 becomes infinite, and is refused
        rows = np.array(array, dtype=np.float64, order="C").reshape(len(array), -1)
    if rows.shape[1] == 0:
        raise UserError(f"{name} has no number in a row.")
    if not np.isfinite(rows).all():
        raise UserError(f"{name} holds a number that is not finite: leave its row out.")
    _demand_range(rows, name, rounded=array.dtype.kind == "f")
    return rows


def _numeric(values: Any, name: str) -> NDArray[Any]:
    """The values as an array of bool, integers or floats, without a copy where they are one."""
    torch = sys.modules.get("torch")  # a tensor exists only where torch is imported
    if torch is not None and isinstance(values, torch.Tensor):
        values = _of_tensor(values, name)
    if np.ma.is_masked(values):
        raise UserError(f"{name} is masked at places: leave the rows out that hold them.")
    try:
        array = np.asarray(values)
        if array.dtype.kind == "O":
            array = _of_objects(array)
    except Exception:  # whatever the objects inside raise
        raise UserError(
            f"{name} holds what is no number, or rows of unequal length: give an array."
        ) from None
    if array.dtype.kind == "c":
        raise UserError(f"{name} is complex: give its real and imaginary parts as features of a row.")
    if array.dtype.kind not in _NUMBERS:
        raise UserError(f"{name} holds what is no number ({array.dtype}): give an array of numbers.")
    if array.dtype.kind in "iu" and array.size and max(int(array.max()), -int(array.min())) > LARGEST_EXACT:
        raise UserError(
            f"{name} holds whole numbers beyond 2^53, which float64 does not tell apart: number them."
        )
    return array


def _of_tensor(tensor: Any, name: str) -> NDArray[Any]:
    if tensor.layout != sys.modules["torch"].strided or tensor.is_quantized:
        raise UserError(f"{name} is a sparse or quantized tensor: give a dense one.")
    plain = tensor.detach().cpu().resolve_conj().resolve_neg()
    found: NDArray[Any] = (plain.double() if plain.is_floating_point() else plain).numpy()
    return found


def _of_objects(array: NDArray[Any]) -> NDArray[Any]:
    """Objects that are all numbers, as those numbers; text is no number, even where it spells one."""
    if any(isinstance(value, str | bytes) for value in array.flat):
        raise TypeError("text")
    kinds = np.array(array.ravel().tolist())
    return kinds.reshape(array.shape) if kinds.dtype.kind in _NUMBERS + "c" else array.astype(np.float64)


def _demand_range(rows: NDArray[np.float64], name: str, rounded: bool) -> None:
    largest, spread = np.abs(rows).max(0), rows.max(0) / 2 - rows.min(0) / 2
    varies = spread > 0.0
    if (largest > LARGEST).any():
        raise UserError(
            f"{name} reaches {largest.max():.3g}, whose square is beyond float64: divide it by a constant."
        )
    if (spread[varies] < SMALLEST).any():
        raise UserError(
            f"{name} varies by {2 * spread[varies].min():.3g} alone, whose square float64 rounds to 0: multiply it by "
            "a constant."
        )
    if rounded and (largest[varies] > MOST_DIGITS * spread[varies]).any():
        raise UserError(
            f"{name} varies by less than 1e-12 of its size, which float64 hardly resolves: subtract its mean first."
        )
