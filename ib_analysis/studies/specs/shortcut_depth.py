"""Why shortcuts skip two layers (Li, Jiao, Han & Weissman 2016, Demystifying ResNet)."""

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from ib_analysis.encoders.specs.shortcut_units import Initialization, Nonlinearity
from ib_analysis.studies.specs.study import RepeatedStudySpec

Layers = Annotated[int, Field(ge=6, multiple_of=6)]
Rate = Annotated[float, Field(gt=0)]
CONVOLUTIONAL = "convolutional"
ADVISED: Initialization = "near_zero"
"""The small initial weights recommended by the paper."""


class ShortcutDepthStudySpec(RepeatedStudySpec):
    """The Hessian at the initial point and gradient descent from it, for shortcuts of depth 1, 2, 3 and none.

    Comparisons are at equal numbers of layers, multiples of 6, which units of 1, 2 and 3 layers divide.
    """

    implementation: ClassVar[str] = "ib_analysis.studies.shortcut_depth.study:ShortcutDepthStudy"
    drawn_by: ClassVar[str] = "ib_analysis.figures.studies.shortcut_depth"
    nonlinearities: tuple[Nonlinearity, ...] = Field(
        ("identity", "tanh", "relu"),
        min_length=1,
        description="nonlinearities of the dense networks; identity makes them linear",
    )
    initializations: tuple[Initialization, ...] = Field(
        ("near_zero", "xavier", "orthogonal"), min_length=1, description="initializations of the weights"
    )
    std: float = Field(0.01, gt=0, description="standard deviation of near_zero")
    width: int = Field(
        10,
        ge=2,
        description="length of the whitened inputs and width of every layer; at least the number of classes",
    )
    layers: tuple[Layers, ...] = Field(
        (6, 12, 24), min_length=2, description="depths of dense linear networks"
    )
    nonlinear_layers: tuple[Layers, ...] = Field(
        (6, 12), min_length=2, description="depths of dense nonlinear networks"
    )
    lanczos_layers: tuple[Layers, ...] = Field(
        (48,),
        description="further depths of linear networks, with spectra at zero weights and at near_zero, not trained",
    )
    units_at_zero: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (1, 2, 4, 8),
        description="further numbers of units with shortcuts for spectra at zero weights, increasing",
    )
    convolutional_layers: tuple[Layers, ...] = Field(
        (6, 12), min_length=2, description="depths of convolutional networks"
    )
    convolutional_nonlinearity: Nonlinearity = Field(
        "tanh", description="nonlinearity of the convolutional networks"
    )
    convolutional_initializations: tuple[Initialization, ...] = Field(
        ("near_zero", "xavier"), min_length=1, description="initializations of the convolutional networks"
    )
    convolutional_images: int = Field(
        120, ge=2, description="largest number of training images of convolutional networks"
    )
    convolutional_hessian_images: int = Field(
        60, ge=2, description="number of these images over which their Hessians are averaged"
    )
    convolutional_steps: int = Field(
        100, ge=1, description="steps of gradient descent of convolutional networks"
    )
    channels: int = Field(2, ge=1, description="whitened channels of a patch and of every convolution")
    patch: int = Field(2, ge=1, description="side of the patches in pixels, which become positions of a map")
    images: int = Field(250, ge=2, description="largest number of training images of dense networks")
    dense_parameters: int = Field(
        2400, ge=1, description="parameters up to which the Hessian is computed as a matrix; beyond: Lanczos"
    )
    learning_rates: tuple[Rate, ...] = Field(
        (5e-5, 1.3e-4, 3.1e-4, 7.8e-4, 2e-3, 4.9e-3, 0.012, 0.031, 0.076, 0.19, 0.48, 1.2, 3.0, 7.5),
        min_length=2,
        description="grid of learning rates, increasing; each setting takes the best on the decoder part",
    )
    steps: int = Field(300, ge=1, description="steps of full-batch gradient descent of dense networks")
    checkpoints: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        (10, 30, 100, 300),
        description="steps at which the Hessian of the shallowest dense networks is measured, increasing; the initial "
        "point is measured at every depth",
    )

    @model_validator(mode="after")
    def _rising(self) -> Self:
        grids = ("layers", "nonlinear_layers", "lanczos_layers", "units_at_zero", "convolutional_layers")
        for name in (*grids, "learning_rates", "checkpoints"):
            values = getattr(self, name)
            if list(values) != sorted(set(values)):
                raise ValueError(f"{name} is {list(values)}: give each value once, in increasing order")
        for name in ("nonlinearities", "initializations", "convolutional_initializations"):
            if len(set(getattr(self, name))) < len(getattr(self, name)):
                raise ValueError(f"{name} is {list(getattr(self, name))}: give each value once")
        if self.checkpoints and self.checkpoints[-1] > self.steps:
            raise ValueError(f"checkpoints: {self.checkpoints[-1]} lies beyond the {self.steps} steps")
        return self

    @model_validator(mode="after")
    def _with_the_advised_initialization(self) -> Self:
        for name in ("initializations", "convolutional_initializations"):
            if ADVISED not in getattr(self, name):
                raise ValueError(
                    f"{name} is {list(getattr(self, name))}: it must contain {ADVISED}, which every claim needs"
                )
        return self

    @property
    def pieces(self) -> tuple[str, ...]:
        """For each seed one piece per nonlinearity of dense networks, and one of convolutional networks."""
        kinds = (*self.nonlinearities, CONVOLUTIONAL)
        return tuple(f"{kind}-seed{seed}" for seed in self.seeds for kind in kinds)

    def of_piece(self, piece: str) -> Self:
        """The study with the seed of the piece alone."""
        seed = int(piece.rpartition("-seed")[2])
        return super().of_piece(piece).model_copy(update={"seeds": (seed,)})

    def depths(self, nonlinearity: Nonlinearity) -> tuple[int, ...]:
        """Numbers of layers of the trained dense networks."""
        return self.layers if nonlinearity == "identity" else self.nonlinear_layers
