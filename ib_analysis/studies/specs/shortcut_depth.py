"""Why shortcuts skip two layers (Li, Jiao, Han & Weissman 2016, Demystifying ResNet)."""

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from ib_analysis.encoders.specs.shortcut_units import Initialization, Nonlinearity
from ib_analysis.studies.specs.study import StudySpec

Layers = Annotated[int, Field(ge=6, multiple_of=6)]
Rate = Annotated[float, Field(gt=0)]
CONVOLUTIONAL = "convolutional"
ADVISED: Initialization = "near_zero"
"""The initialization of small weights that the paper advises."""


class ShortcutDepthStudySpec(StudySpec):
    """The Hessian around the initial point, and gradient descent from it, for shortcuts of depth 1, 2, 3 and none.

    Every comparison is at equal numbers of layers, which are multiples of 6, so that units of 1, 2 and 3 layers fit.
    """

    implementation: ClassVar[str] = "ib_analysis.studies.shortcut_depth.study:ShortcutDepthStudy"
    drawn_by: ClassVar[str] = "ib_analysis.figures.studies.shortcut_depth"
    nonlinearities: tuple[Nonlinearity, ...] = Field(
        ("identity", "tanh", "relu"),
        min_length=1,
        description="of the dense networks; identity makes them linear",
    )
    initializations: tuple[Initialization, ...] = Field(
        ("near_zero", "xavier", "orthogonal"), min_length=1, description="how weights are drawn"
    )
    std: float = Field(0.01, gt=0, description="standard deviation of near_zero")
    width: int = Field(
        10,
        ge=2,
        description="length of the whitened inputs and of every layer; at least the number of classes",
    )
    layers: tuple[Layers, ...] = Field(
        (6, 12, 24), min_length=2, description="depths of dense linear networks"
    )
    nonlinear_layers: tuple[Layers, ...] = Field(
        (6, 12), min_length=2, description="depths of nonlinear ones"
    )
    lanczos_layers: tuple[Layers, ...] = Field(
        (48,), description="further depths of linear networks: their spectra at 0 and at near_zero, untrained"
    )
    units_at_zero: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (1, 2, 4, 8),
        description="numbers of units with shortcuts whose spectrum at 0 is measured as well, rising",
    )
    convolutional_layers: tuple[Layers, ...] = Field(
        (6, 12), min_length=2, description="depths of convolutions"
    )
    convolutional_nonlinearity: Nonlinearity = Field("tanh", description="of the convolutional networks")
    convolutional_initializations: tuple[Initialization, ...] = Field(
        ("near_zero", "xavier"), min_length=1, description="how their weights are drawn"
    )
    convolutional_images: int = Field(
        120, ge=2, description="encoder images that they are trained on, at most"
    )
    convolutional_hessian_images: int = Field(
        60, ge=2, description="of those, how many their Hessians average over"
    )
    convolutional_steps: int = Field(100, ge=1, description="steps of their gradient descent")
    channels: int = Field(2, ge=1, description="whitened channels of a patch and of every convolution")
    patch: int = Field(2, ge=1, description="pixels on the side of the patches that become places of a map")
    images: int = Field(250, ge=2, description="encoder images that dense networks are trained on, at most")
    dense_parameters: int = Field(
        2400, ge=1, description="the largest Hessian that is computed whole; larger ones by Lanczos"
    )
    learning_rates: tuple[Rate, ...] = Field(
        (5e-5, 1.3e-4, 3.1e-4, 7.8e-4, 2e-3, 4.9e-3, 0.012, 0.031, 0.076, 0.19, 0.48, 1.2, 3.0, 7.5),
        min_length=2,
        description="the grid, rising, of which each setting takes the best on the decoder part",
    )
    steps: int = Field(
        300, ge=1, description="steps of gradient descent of the dense ones, on all those images at once"
    )
    checkpoints: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        (10, 30, 100, 300),
        description="steps at which the Hessian of the shallowest dense networks is measured, rising; the initial "
        "point is measured at every depth",
    )

    @model_validator(mode="after")
    def _rising(self) -> Self:
        grids = ("layers", "nonlinear_layers", "lanczos_layers", "units_at_zero", "convolutional_layers")
        for name in (*grids, "learning_rates", "checkpoints"):
            values = getattr(self, name)
            if list(values) != sorted(set(values)):
                raise ValueError(f"{name} is {list(values)}: name each once, in rising order")
        for name in ("nonlinearities", "initializations", "convolutional_initializations"):
            if len(set(getattr(self, name))) < len(getattr(self, name)):
                raise ValueError(f"{name} is {list(getattr(self, name))}: name each once")
        if self.checkpoints and self.checkpoints[-1] > self.steps:
            raise ValueError(f"checkpoints: {self.checkpoints[-1]} lies beyond the {self.steps} steps")
        return self

    @model_validator(mode="after")
    def _with_the_advised_initialization(self) -> Self:
        for name in ("initializations", "convolutional_initializations"):
            if ADVISED not in getattr(self, name):
                raise ValueError(
                    f"{name} is {list(getattr(self, name))}: it must name {ADVISED}, which every claim asks of"
                )
        return self

    @property
    def pieces(self) -> tuple[str, ...]:
        """For each seed: the dense networks of each nonlinearity, and the convolutional ones."""
        kinds = (*self.nonlinearities, CONVOLUTIONAL)
        return tuple(f"{kind}-seed{seed}" for seed in self.seeds for kind in kinds)

    def depths(self, nonlinearity: Nonlinearity) -> tuple[int, ...]:
        """Numbers of layers of the dense networks that are trained."""
        return self.layers if nonlinearity == "identity" else self.nonlinear_layers
