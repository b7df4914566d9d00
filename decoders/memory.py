"""How much memory passes over many examples may take, whatever batch_size says."""

BUDGET = 512 * 2**20
"""Bytes that an initialisation or an evaluation may fill with the maps of the examples that it computes at once."""
MOST_AT_ONCE = 256
"""Examples beyond which an evaluation is no faster."""


def examples_at_once(bytes_per_example: int, most: int, taken_anyway: int = 0) -> int:
    """As many examples as the budget holds, or the bytes that something else takes anyway, if these are more.

    At least one and at most `most`.

    >>> examples_at_once(10 * 2**20, MOST_AT_ONCE), examples_at_once(2**40, MOST_AT_ONCE), examples_at_once(1, 100)
    (51, 1, 100)
    """
    return max(1, min(most, max(BUDGET, taken_anyway) // max(1, bytes_per_example)))
