"""What each number of the page means, and which kind of bound it is."""

from collections.abc import Sequence
from typing import NamedTuple

from ib_analysis.information.measurement.estimate import Bound
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.information import InformationRow

DEFINITIONS = {
    Quantity.LABEL_ENTROPY: "Entropy of the labels: what there is to know of the class.",
    Quantity.IMAGE_ENTROPY: "Entropy of the images, known in closed form for this source.",
    Quantity.IMAGE_CROSS_ENTROPY: (
        "Cross-entropy of the images under the decoder that is told nothing: how many bits it needs for an "
        "image that it never saw."
    ),
    Quantity.CONDITIONAL_IMAGE_CROSS_ENTROPY: (
        "Cross-entropy of the images under the decoder that is told h: the bits that are still missing."
    ),
    Quantity.IMAGE_INFORMATION: (
        "CE(x) - CE(x|h): how many bits of an image the decoder saves by knowing h. Its standard error is "
        "that of the mean of paired differences, image by image."
    ),
    Quantity.CONDITIONAL_LABEL_CROSS_ENTROPY: "Cross-entropy of the labels under a small classifier of h.",
    Quantity.LABEL_INFORMATION: "H(y) - CE(y|h): how much of the class that classifier reads from h.",
    Quantity.MUTUAL_INFORMATION: "The information that two variables have of each other, whatever they are.",
}


class Meaning(NamedTuple):
    """A quantity, its definition, and what may be said of its bound."""

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
