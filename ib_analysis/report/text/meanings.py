"""Definitions of the quantities of the page and their kinds of bound."""

from collections.abc import Sequence
from typing import NamedTuple

from ib_analysis.information.measurement.estimate import Bound
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.information import InformationRow

DEFINITIONS = {
    Quantity.LABEL_ENTROPY: "Entropy of the labels.",
    Quantity.IMAGE_ENTROPY: "Entropy of the images, known in closed form for this source.",
    Quantity.IMAGE_CROSS_ENTROPY: (
        "Cross-entropy of the images under the lowest density of x that all decoders make together: how many bits it "
        "needs for an image that it never saw."
    ),
    Quantity.CONDITIONAL_IMAGE_CROSS_ENTROPY: (
        "Cross-entropy of held-out images under the decoder that reads h."
    ),
    Quantity.IMAGE_INFORMATION: (
        "CE(x) - CE(x|h), the bits per image that the decoder saves by reading h, by the average of the probabilities "
        "of all its fits. Its standard error is that of the mean of paired differences over images, and that over fits."
    ),
    Quantity.CONDITIONAL_LABEL_CROSS_ENTROPY: "Cross-entropy of the labels under a small classifier that reads h.",
    Quantity.LABEL_INFORMATION: "H(y) - CE(y|h), the information about the class that this classifier extracts from h.",
    Quantity.MUTUAL_INFORMATION: "The mutual information of any two variables.",
}


class Meaning(NamedTuple):
    """A quantity, its definition and its kind of bound."""

    quantity: str
    definition: str
    bound: str


def meanings(rows: Sequence[InformationRow]) -> tuple[Meaning, ...]:
    """One entry for each quantity and kind of bound that occurs, in the order of the definitions."""
    kinds = dict.fromkeys((row.quantity, row.bound) for row in rows)
    found = sorted(kinds, key=lambda kind: (list(DEFINITIONS).index(kind[0]), list(Bound).index(kind[1])))
    return tuple(Meaning(str(q), DEFINITIONS[q], f"{_word(b)}. {b.sentence}") for q, b in found)


def _word(bound: Bound) -> str:
    words = {
        Bound.LOWER: "Lower bound",
        Bound.UPPER: "Upper bound",
        Bound.NONE: "Estimate",
        Bound.EXACT: "Exact",
    }
    return words.get(bound, str(bound).capitalize())
