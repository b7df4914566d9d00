"""Resnet in Resnet: four networks of equal size, and the use of each of two streams."""

from itertools import product
from typing import Annotated, ClassVar, Literal, NamedTuple, Self, get_args

from pydantic import Field, model_validator

from ib_analysis.encoders.specs.rir import Arm, RirSpec
from ib_analysis.encoders.specs.training import TrainingSpec
from ib_analysis.spec import Seed
from ib_analysis.studies.specs.study import SeedBlocksStudySpec

ARMS: tuple[Arm, ...] = get_args(Arm)


class Trained(NamedTuple):
    """The networks that one piece trains."""

    arm: Arm
    learning_rate: float
    seeds: tuple[Seed, ...]


class RirStudySpec(SeedBlocksStudySpec):
    """Resnet in Resnet (Targ, Almeida & Lyman 2016): plain CNN, ResNet, ResNet Init and RiR, equal in size.

    All arms of a seed are trained on the same images; with shortcut: padding they also have the same number of
    parameters and the same initial weights.
    """

    implementation: ClassVar[str] = "ib_analysis.studies.rir.study:RirStudy"
    drawn_by: ClassVar[str] = "ib_analysis.figures.studies.rir"
    seeds: tuple[Seed, ...] = Field(
        (0, 1, 2, 3, 4), min_length=1, description="repetitions; each seed trains all four arms"
    )
    blocks: tuple[int, ...] = Field((2, 3, 3), min_length=1, description="blocks of two layers in each stage")
    widths: tuple[int, ...] = Field(
        (4, 8, 16), min_length=1, description="channels of each of the two streams"
    )
    shortcut: Literal["projection", "padding"] = Field(
        "padding",
        description="shortcut where the shape changes; padding makes the number of parameters of the arms equal",
    )
    identity: Literal["explicit", "absorbed"] = Field(
        "explicit", description="how the identity around each layer of the arms resnet_init and rir is added"
    )
    training_images: int | None = Field(
        200, ge=1, description="training images that a seed draws from the encoder part; null: all"
    )
    learning_rates: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (0.3, 0.1, 0.03),
        min_length=1,
        description="candidates for every arm; the rate with the best mean accuracy on the decoder part is reported",
    )
    training: TrainingSpec = Field(
        TrainingSpec(epochs=82, batch_size=32, schedule="steps", milestones=(42 / 82, 62 / 82)),
        description="training of all arms, by default 82 epochs, batches of 32, the rate divided by 10 after 42 and "
        "62 epochs; learning_rates replaces its learning_rate",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(set(self.learning_rates)) < len(self.learning_rates):
            raise ValueError("learning_rates names one of its values twice")
        for arm in ARMS:
            self.network(arm)
        return self

    def network(self, arm: Arm) -> RirSpec:
        """The network of an arm."""
        streams = arm in ("resnet_init", "rir")
        return RirSpec(
            arm=arm,
            blocks=self.blocks,
            widths=self.widths,
            shortcut=self.shortcut,
            identity=self.identity if streams else "explicit",
        )

    @property
    def pieces(self) -> tuple[str, ...]:
        """One piece for each arm, learning rate and block of seeds."""
        return tuple(self.trained)

    @property
    def trained(self) -> dict[str, Trained]:
        """What each piece trains."""
        every = product(self.seed_blocks.items(), ARMS, self.learning_rates)
        return {f"{arm}-rate{rate:g}-{name}": Trained(arm, rate, seeds) for (name, seeds), arm, rate in every}

    def of_piece(self, piece: str) -> Self:
        """The study with the seeds and the rate of the piece alone."""
        one = self.trained[piece]
        own = self.of_seeds(one.seeds) | {"learning_rates": (one.learning_rate,)}
        return super().of_piece(piece).model_copy(update=own)
