"""Pareto-optimal quantized ResNet is mostly 4-bit: networks of several sizes, each at several bit widths."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Annotated, ClassVar, NamedTuple, Self

from pydantic import Field, model_validator

from ib_analysis.encoders.specs.quantized import Bits, FewBits, QuantizedSpec
from ib_analysis.encoders.specs.resnet import ResNetSpec
from ib_analysis.encoders.specs.training import TrainingSpec
from ib_analysis.spec import Seed
from ib_analysis.studies.specs.study import SeedBlocksStudySpec

MIXED_BITS: FewBits = 4
"""Bits of a network of mixed precision, but for its parts of other bits."""
Stages = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)]


def name_of(bits: Bits) -> str:
    """Name of a bit width of weights and activations.

    >>> name_of(4), name_of("bf16")
    ('w4a4', 'bf16')
    """
    return bits if bits == "bf16" else f"w{bits}a{bits}"


def name_of_mixed(part_bits: Mapping[str, FewBits]) -> str:
    """Name of 4-bit networks of which some parts have other bits.

    >>> name_of_mixed({"h1": 8})
    'w4a4-h1-w8a8'
    """
    return "-".join([name_of(MIXED_BITS), *(f"{part}-{name_of(bits)}" for part, bits in part_bits.items())])


@dataclass(frozen=True)
class Precision:
    """Bits of a network: of all its layers, and of parts that have others."""

    bits: Bits
    part_bits: Mapping[str, FewBits]


class Trained(NamedTuple):
    """The networks that one piece trains, in all sizes."""

    precision: str
    learning_rate: float
    seeds: tuple[Seed, ...]


class QuantizedStudySpec(SeedBlocksStudySpec):
    """Residual networks over depth x width x bits (Abdolrashidi et al. 2021), trained alike but for the learning rate.

    Weights and activations have equal bits; at 2 and 4 bits the first and the last layer have `end_bits`.
    """

    implementation: ClassVar[str] = "ib_analysis.studies.quantized.study:QuantizedStudy"
    drawn_by: ClassVar[str] = "ib_analysis.figures.studies.quantized"
    blocks: tuple[Stages, ...] = Field(
        ((1, 1, 1), (2, 2, 2)), min_length=1, description="depths: residual blocks in each stage"
    )
    widths: tuple[Stages, ...] = Field(
        ((1, 2, 4), (2, 4, 8), (4, 8, 16), (8, 16, 32)),
        min_length=1,
        description="widths: channels of each stage",
    )
    bits: tuple[Bits, ...] = Field(
        ("bf16", 8, 4, 2), min_length=1, description="bits of weights and of activations"
    )
    mixed: tuple[Annotated[dict[str, FewBits], Field(min_length=1)], ...] = Field(
        (),
        description="further 4-bit networks of which parts have other bits, as {h1: 8}; each joins the bit widths of "
        "`bits`",
    )
    end_bits: FewBits = Field(8, description="bits of the first and the last layer; bf16 stays bf16")
    start_epoch: int = Field(
        5,
        ge=1,
        description="epochs that collect the bounds of activations; later epochs quantize activations",
    )
    learning_rates: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (0.4,),
        min_length=1,
        description="candidates for every bit width, each of which trains every network; the rate with the best mean "
        "accuracy on the decoder part over sizes and seeds is reported",
    )
    training: TrainingSpec = Field(
        TrainingSpec(epochs=30, batch_size=64, nesterov=True, weight_decay=1e-4, warmup_epochs=1.0),
        description="training of every network; learning_rates replaces its learning_rate",
    )
    entropy_images: int = Field(
        2000,
        ge=2,
        description="largest number of images of the decoder and evaluation parts for the entropies of layers",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len({len(stages) for stages in (*self.blocks, *self.widths)}) > 1:
            raise ValueError(
                "blocks and widths must all have the same number of stages: give one number for each stage"
            )
        if self.start_epoch >= self.training.epochs:
            raise ValueError(
                f"start_epoch is {self.start_epoch}, but the training ends at epoch {self.training.epochs} and no "
                "activation would be quantized: lower it"
            )
        for name in ("blocks", "widths", "bits", "learning_rates"):
            if len(set(getattr(self, name))) < len(getattr(self, name)):
                raise ValueError(f"{name} names one of its values twice")
        if len({frozenset(parts.items()) for parts in self.mixed}) < len(self.mixed):
            raise ValueError("mixed names one of its values twice")
        for part in (part for parts in self.mixed for part, bits in parts.items() if bits == MIXED_BITS):
            raise ValueError(f"mixed gives {part} {MIXED_BITS} bits, which it has without: take it away")
        for blocks, widths, precision in product(self.blocks, self.widths, self.precisions.values()):
            self.network(blocks, widths, precision, start_step=1)
        return self

    def network(self, blocks: Stages, widths: Stages, precision: Precision, start_step: int) -> QuantizedSpec:
        """The network of one size at one precision."""
        return QuantizedSpec(
            network=ResNetSpec(blocks=blocks, widths=widths),
            weight_bits=precision.bits,
            activation_bits=precision.bits,
            end_bits=self.end_bits,
            part_bits=dict(precision.part_bits),
            start_step=start_step,
        )

    @property
    def precisions(self) -> dict[str, Precision]:
        """The bit widths and then the mixtures, by name."""
        mixed = {name_of_mixed(parts): Precision(MIXED_BITS, parts) for parts in self.mixed}
        return {name_of(bits): Precision(bits, {}) for bits in self.bits} | mixed

    @property
    def pieces(self) -> tuple[str, ...]:
        """One piece for each precision, learning rate and block of seeds, with all sizes."""
        return tuple(self.trained)

    @property
    def trained(self) -> dict[str, Trained]:
        """What each piece trains."""
        every = product(self.precisions, self.seed_blocks.items(), self.learning_rates)
        return {
            f"{bits}-rate{rate:g}-{name}": Trained(bits, rate, seeds) for bits, (name, seeds), rate in every
        }

    def of_piece(self, piece: str) -> Self:
        """The study with the precision, the seeds and the rate of the piece alone."""
        one = self.trained[piece]
        bits, parts = self.precisions[one.precision].bits, self.precisions[one.precision].part_bits
        own = self.of_seeds(one.seeds) | {"learning_rates": (one.learning_rate,), "bits": (bits,)}
        return super().of_piece(piece).model_copy(update=own | {"mixed": (parts,) if parts else ()})
