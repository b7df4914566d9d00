"""A target that a residual network learns and kernels do not (Allen-Zhu & Li 2019, arXiv 1905.10337)."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from ib_analysis.spec import Seed
from ib_analysis.studies.specs.study import RepeatedStudySpec

Version = Literal["final", "v2"]
Net = Literal["resnet", "net3", "net2"]
Probe = Literal["linear_probe", "mlp_probe", "k_nearest_neighbours"]
Sweep = Literal["widths", "samples", "alphas"]
OUTPUTS: dict[Version, int] = {"final": 15, "v2": 8}
"""k, the number of outputs of the target."""
NETS: tuple[Net, ...] = ("resnet", "net3", "net2")
SWEEPS: tuple[Sweep, ...] = ("widths", "samples", "alphas")
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


def rates(*values: float) -> tuple[float, ...]:
    """Candidates of one setting."""
    return values


def threshold(outputs: int, alpha: float) -> float:
    """k alpha^2 = E |alpha G(F)|^2, the error of a predictor that equals F and ignores G.

    >>> [round(threshold(outputs, 0.3), 12) for outputs in OUTPUTS.values()]
    [1.35, 0.72]
    """
    return outputs * alpha**2


class BeyondKernelsStudySpec(RepeatedStudySpec):
    """The target H = F + alpha G(F), the nets, kernels and features that learn it, and the sweeps."""

    implementation: ClassVar[str] = "ib_analysis.studies.beyond_kernels.study:BeyondKernelsStudy"
    drawn_by: ClassVar[str] = "ib_analysis.figures.studies.beyond_kernels"
    reads_images: ClassVar[bool] = False
    seeds: tuple[Seed, ...] = Field(
        (0, 1, 2, 3, 4), min_length=1, description="each seed draws its own data and weights"
    )
    sweep_seeds: int = Field(
        3,
        ge=1,
        description="number of leading seeds that take part in the sweeps; the ResNet over widths and the kernels "
        "at the reference size use all seeds",
    )
    version: Version = Field(
        "final",
        description="version of the paper that defines the target: final (15 outputs) or v2 (8 outputs)",
    )
    inputs: int = Field(30, ge=30, description="d, length of a vector of signs")
    alpha: float = Field(0.3, gt=0, description="weight of G(F) in the target")
    samples: int = Field(1000, ge=2, description="N, number of training vectors")
    width: int = Field(200, ge=1, description="m, hidden units of a layer")
    widths: tuple[Count, ...] = Field((50, 200, 500), description="widths of the sweep")
    widest_dense: int = Field(
        200,
        ge=1,
        description="largest width of the three-layer net without shortcut, whose second layer has width^2 weights",
    )
    sample_sizes: tuple[Count, ...] = Field((500, 1000, 2000), description="values of N of the sweep")
    alphas: tuple[Positive, ...] = Field((0.1, 0.2, 0.3), description="values of alpha of the sweep")
    validation: int = Field(1000, ge=2, description="vectors for the selection of settings")
    test: int = Field(2000, ge=2, description="vectors of the reported errors")
    epochs: int = Field(
        800, ge=2, description="epochs of every training; the rate is divided by 10 after half of them"
    )
    batch_size: int = Field(50, ge=1, description="vectors per step")
    momentum: float = Field(0.9, ge=0, lt=1, description="momentum of stochastic gradient descent")
    learning_rates: dict[Net, Annotated[tuple[Positive, ...], Field(min_length=1)]] = Field(
        {"resnet": rates(0.2, 0.5), "net3": rates(0.2, 0.5), "net2": rates(0.2, 0.5)},
        description="candidates for each net, selected on validation vectors",
    )
    weight_decays: dict[Net, Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(min_length=1)]] = (
        Field(
            {"resnet": rates(5e-4, 1e-3), "net3": rates(5e-3, 1e-2), "net2": rates(1e-3, 2e-3)},
            description="candidates for each net, selected on validation vectors",
        )
    )
    ridges: tuple[Positive, ...] = Field(
        (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0),
        min_length=1,
        description="candidates for the ridge, in units of the mean of k(x, x), selected on validation vectors",
    )
    probes: tuple[Probe, ...] = Field(
        ("linear_probe", "mlp_probe"), description="estimators of the information of a layer about F and G(F)"
    )
    probed: tuple[Count, ...] = Field(
        (1, 8), min_length=1, description="indices i of the probed F_i; of G only G_1 is probed"
    )
    probe_vectors: int = Field(2000, ge=200, description="fresh vectors for the probes")
    probe_epochs: tuple[Seed, ...] = Field(
        (0, 5, 10, 20, 50, 100, 800), description="epochs at which the layers of the ResNet are probed"
    )
    probe_steps: int = Field(1500, ge=1, description="largest number of steps of the MLP probe")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.sweep_seeds > len(self.seeds):
            raise ValueError(f"sweep_seeds is {self.sweep_seeds}, but there are only {len(self.seeds)} seeds")
        for swept, name in (("widths", "width"), ("sample_sizes", "samples"), ("alphas", "alpha")):
            if getattr(self, name) not in getattr(self, swept):
                raise ValueError(
                    f"{swept} is {list(getattr(self, swept))}: {name} {getattr(self, name)} must be in it"
                )
            if len(set(getattr(self, swept))) < len(getattr(self, swept)):
                raise ValueError(f"{swept} is {list(getattr(self, swept))}: name each value once")
        if self.width > self.widest_dense:
            raise ValueError(f"width is {self.width}: it must not exceed widest_dense {self.widest_dense}")
        if max((0, *self.probe_epochs)) > self.epochs:
            raise ValueError(
                f"probe_epochs is {list(self.probe_epochs)}: the training ends at epoch {self.epochs}"
            )
        if max(self.probed) > self.outputs:
            raise ValueError(
                f"probed is {list(self.probed)}: F has {self.outputs} coordinates, counted from 1"
            )
        if set(self.learning_rates) != set(NETS) or set(self.weight_decays) != set(NETS):
            raise ValueError(f"learning_rates and weight_decays must each name {', '.join(NETS)}")
        return self

    @property
    def outputs(self) -> int:
        """k, the number of outputs of the target."""
        return OUTPUTS[self.version]

    @property
    def pieces(self) -> tuple[str, ...]:
        """One piece for each seed of the ResNet at the reference size; then one for each sweep and family."""
        swept: dict[str, tuple[Sweep, ...]] = {
            "resnet": SWEEPS,
            "net3": ("widths", "samples"),
            "net2": ("widths", "samples"),
            "kernels": SWEEPS,
        }
        return (
            *(f"resnet-seed{seed}" for seed in self.seeds),
            *(f"{family}-{sweep}" for family, sweeps in swept.items() for sweep in sweeps),
        )
