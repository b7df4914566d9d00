"""Stable ResNet: signals, kernels and training against depth, for three branch scalings."""

from itertools import product
from typing import Annotated, ClassVar, Literal, Self, get_args

from pydantic import Field, model_validator

from ib_analysis.encoders.specs.encoder import Scaling
from ib_analysis.encoders.specs.resnet import ResNetSpec
from ib_analysis.encoders.specs.training import TrainingSpec
from ib_analysis.studies.specs.study import RepeatedStudySpec

StudiedNorm = Literal["none", "batch"]
SCALINGS: tuple[Scaling, ...] = get_args(Scaling)
NORMS: tuple[StudiedNorm, ...] = get_args(StudiedNorm)
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]


class StableStudySpec(RepeatedStudySpec):
    """Stable ResNet (Hayou et al. 2021): three branch scalings against depth."""

    implementation: ClassVar[str] = "ib_analysis.studies.stable.study:StableStudy"
    drawn_by: ClassVar[str] = "ib_analysis.figures.studies.stable"
    depths: tuple[Count, ...] = Field(
        (16, 50, 200, 1000),
        min_length=2,
        description="residual blocks L of the recursions, the random networks and the kernels, increasing",
    )
    weight_variance: float = Field(2.0, gt=0, description="sigma_w^2 of the fully connected networks; He: 2")
    correlation: float = Field(0.2, gt=-1, lt=1, description="c_0, correlation of the two inputs")
    width: int = Field(512, ge=2, description="N, width of the random networks")
    draws: int = Field(3, ge=1, description="random networks per seed, averaged")
    pairs: int = Field(4, ge=1, description="pairs of inputs per random network, averaged")
    kernel_images: int = Field(
        400, ge=2, description="largest number of images of each part for kernel ridge regression"
    )
    ridges: tuple[Positive, ...] = Field(
        (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0),
        min_length=1,
        description="candidates for the ridge, in units of the mean eigenvalue, selected on validation images",
    )
    stage_blocks: tuple[Count, ...] = Field(
        (1, 3, 9),
        min_length=2,
        description="blocks n in each stage of the trained networks, increasing; 6 n + 2 layers",
    )
    widths: tuple[Count, ...] = Field(
        (8, 16, 32), min_length=1, description="channels of the stages of the trained networks"
    )
    training_images: Count | None = Field(
        None, description="training images that a seed draws from the encoder part; null: all"
    )
    learning_rates: tuple[Positive, ...] = Field(
        (0.1, 0.01, 0.001),
        min_length=1,
        description="first candidates for each network and depth; the mean over seeds on validation images selects",
    )
    further_learning_rates: int = Field(
        12,
        ge=0,
        description="how many more are tried, one after another, beyond an end at which a network is best or at "
        "which every seed diverges, each as far from the last as that is from its neighbour",
    )
    training: TrainingSpec = Field(
        TrainingSpec(epochs=6, batch_size=32), description="training settings except the learning rate"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name in ("depths", "stage_blocks"):
            values = getattr(self, name)
            if list(values) != sorted(set(values)):
                raise ValueError(f"{name} is {list(values)}: give each value once, in increasing order")
        if len(set(self.learning_rates)) < len(self.learning_rates):
            raise ValueError("learning_rates names one of its values twice")
        if 2 * self.pairs > self.width:
            raise ValueError(
                f"pairs is {self.pairs}: a width of {self.width} allows at most {self.width // 2}"
            )
        return self

    @property
    def pieces(self) -> tuple[str, ...]:
        """One piece per seed for signals and for kernels; one per scaling, norm and depth for all trainings."""
        return (
            *(f"{kind}-seed{seed}" for kind in ("signals", "kernels") for seed in self.seeds),
            *(
                f"training-{scaling}-{norm}-{blocks}"
                for scaling, norm, blocks in product(SCALINGS, NORMS, self.stage_blocks)
            ),
        )

    def of_piece(self, piece: str) -> Self:
        """The study; for the signals of a seed with that seed alone."""
        kind, _, seed = piece.rpartition("-seed")
        own = {"seeds": (int(seed),)} if kind == "signals" else {}
        return super().of_piece(piece).model_copy(update=own)

    def network(self, scaling: Scaling, norm: StudiedNorm, blocks: int) -> ResNetSpec:
        """The trained network with `blocks` blocks in each stage."""
        stages = (blocks,) * len(self.widths)
        return ResNetSpec(blocks=stages, widths=self.widths, norm=norm, scaling=scaling)
