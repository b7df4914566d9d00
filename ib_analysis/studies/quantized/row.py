"""A row of the table: one trained network, or one of its quantized layers."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, FiniteFloat

from ib_analysis.spec import Spec
from ib_analysis.studies import learning_rate
from ib_analysis.studies.quantized.pareto_front import Candidate

Price = Literal["compute_cost", "memory_bits"]
"""The column that a network is said to cost."""


class QuantizedRow(Spec):
    """One network at one bit width, seed and learning rate; with a tap, the entropy of that layer."""

    images: str
    """Name of the data set."""
    bits: str
    """w4a4: weights and activations at 4 bits; bf16; w4a4-h1-w8a8: at 4 bits but for the part h1."""
    blocks: str
    """Residual blocks of each stage, as 1-1-1."""
    widths: str
    """Channels of each stage, as 4-8-16."""
    seed: int = Field(ge=0)
    learning_rate: FiniteFloat
    status: Literal["trained", "diverged"]
    tap: str = ""
    """Empty for the whole network."""
    multiplications: int | None = None
    """Multiplications for one image."""
    weights: int | None = None
    compute_cost: int | None = None
    """Multiplications x bits of a weight x bits of an activation, summed over layers."""
    memory_bits: int | None = None
    """Bits of all weights."""
    training_accuracy: FiniteFloat | None = None
    """Accuracy on the encoder part, the training images, without augmentation."""
    validation_accuracy: FiniteFloat | None = None
    """Accuracy on the decoder part, which selects the learning rate and the networks of a front."""
    accuracy: FiniteFloat | None = None
    """Accuracy on the evaluation part, which is not used for selection."""
    entropy_bits: FiniteFloat | None = None
    """Plug-in entropy of the layer over images of the decoder and the evaluation part."""
    entropy_miller_madow_bits: FiniteFloat | None = None
    ceiling_bits: FiniteFloat | None = None
    """log2 of the number of these images."""
    alone: FiniteFloat | None = None
    """Fraction of these images with a unique row."""

    units: int | None = None
    """Number of units of the layer."""
    units_entropy_bits: FiniteFloat | None = None
    """Sum of the bias-corrected entropies of the units: an upper bound of the entropy of the layer."""

    @property
    def size(self) -> tuple[str, str]:
        """Blocks and widths."""
        return self.blocks, self.widths


def chosen_learning_rates(rows: Sequence[QuantizedRow]) -> dict[str, float]:
    """For each bit width the rate that validation images prefer, over all sizes and seeds."""
    return learning_rate.chosen_learning_rates(whole(rows), lambda row: row.bits)


def whole(rows: Sequence[QuantizedRow]) -> list[QuantizedRow]:
    """The rows of networks, without those of single layers."""
    return [row for row in rows if not row.tap]


def reported(rows: Sequence[QuantizedRow]) -> list[QuantizedRow]:
    """The rows of each bit width at its selected learning rate."""
    rates = chosen_learning_rates(rows)
    return [row for row in rows if row.learning_rate == rates[row.bits]]


def trained(rows: Sequence[QuantizedRow], bits: str, seed: int | None = None) -> list[QuantizedRow]:
    """Rows of whole networks of one bit width that did not diverge, for one seed or all seeds."""
    return [
        row
        for row in rows
        if (row.bits, row.tap, row.status) == (bits, "", "trained") and seed in (None, row.seed)
    ]


def seeds(rows: Sequence[QuantizedRow]) -> list[int]:
    """The seeds of the table."""
    return sorted({row.seed for row in rows})


def candidates(rows: Sequence[QuantizedRow], price: Price) -> list[Candidate]:
    """Whole networks as candidates of a front: cost, validation and evaluation accuracy."""
    costs: list[int | None] = [getattr(row, price) for row in rows]
    return [
        Candidate(cost, row.validation_accuracy, row.accuracy)
        for row, cost in zip(rows, costs, strict=True)
        if cost is not None and row.validation_accuracy is not None and row.accuracy is not None
    ]
