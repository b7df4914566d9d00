"""Rival estimators of the information at the same taps and on the same images, by name."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, JsonValue, model_validator

from ib_analysis.spec import Spec

Method = Literal[
    "counting",
    "counting_sample",
    "binning",
    "adaptive_binning",
    "kernel_density",
    "kernel_density_upper",
    "kernel_density_lower",
    "noisy_mixture",
    "compressed_noise",
    "ksg",
    "ross",
    "gaussian",
    "renyi",
    "infonce",
    "nwj",
    "mine",
    "smile",
    "linear_probe",
    "mlp_probe",
    "k_nearest_neighbours",
]
Settings = dict[str, JsonValue]
ROOM = "ib_analysis.information.estimators"
IMPLEMENTATIONS: dict[Method, str] = {
    "counting": f"{ROOM}.counting:Counting",
    "counting_sample": f"{ROOM}.counting:CountingSample",
    "binning": f"{ROOM}.binning:Binning",
    "adaptive_binning": f"{ROOM}.adaptive_binning:AdaptiveBinning",
    "kernel_density": f"{ROOM}.kernel_density:KernelDensity",
    "kernel_density_upper": f"{ROOM}.kernel_density:KernelDensityUpper",
    "kernel_density_lower": f"{ROOM}.kernel_density:KernelDensityLower",
    "noisy_mixture": f"{ROOM}.noisy_mixture:NoisyMixture",
    "compressed_noise": f"{ROOM}.compressed_noise:CompressedNoise",
    "ksg": f"{ROOM}.ksg:KSG",
    "ross": f"{ROOM}.ross:Ross",
    "gaussian": f"{ROOM}.gaussian:Gaussian",
    "renyi": f"{ROOM}.renyi:Renyi",
    "infonce": f"{ROOM}.infonce:InfoNCE",
    "nwj": f"{ROOM}.nwj:NWJ",
    "mine": f"{ROOM}.mine:MINE",
    "smile": f"{ROOM}.smile:SMILE",
    "linear_probe": f"{ROOM}.linear_probe:LinearProbe",
    "mlp_probe": f"{ROOM}.mlp_probe:MLPProbe",
    "k_nearest_neighbours": f"{ROOM}.k_nearest_neighbours:KNearestNeighbours",
}
"""Where each method lives: named, not imported, for the configuration imports neither numpy nor torch."""
_CRITIC = (
    "critic",
    "hidden",
    "steps",
    "patience",
    "batch",
    "learning_rate",
    "weight_decay",
    "seed",
    "device",
)
SETTINGS: dict[str, tuple[str, ...]] = {
    "counting": (),
    "counting_sample": ("correction",),
    "binning": ("bins", "low", "high"),
    "adaptive_binning": ("bins",),
    "kernel_density": ("noise",),
    "kernel_density_upper": ("noise",),
    "kernel_density_lower": ("noise",),
    "noisy_mixture": ("noise", "draws", "universe", "seed"),
    "compressed_noise": ("x_components", "h_components", "noise", "k", "splits", "seed"),
    "ksg": ("k", "splits", "seed"),
    "ross": ("k", "splits", "seed"),
    "gaussian": ("shrinkage", "directions", "folds", "seed"),
    "renyi": ("alpha", "x_width", "y_width"),
    "infonce": _CRITIC,
    "nwj": _CRITIC,
    "mine": (*_CRITIC, "running_rate"),
    "smile": (*_CRITIC, "clip"),
    "linear_probe": ("seed", "penalties", "most_steps"),
    "mlp_probe": ("seed", "hidden", "steps", "patience", "batch", "learning_rate", "weight_decay", "device"),
    "k_nearest_neighbours": ("seed", "neighbours"),
}
"""What each method lets be set, so that a typo is found before anything runs; defaults and ranges are its own."""
OF_IMAGE: tuple[Method, ...] = (
    "binning",
    "adaptive_binning",
    "kernel_density_upper",
    "kernel_density_lower",
    "ksg",
    "gaussian",
    "renyi",
    "noisy_mixture",
    "compressed_noise",
    "infonce",
    "nwj",
    "smile",
    "mine",
)
OF_LABEL: tuple[Method, ...] = (
    "binning",
    "adaptive_binning",
    "kernel_density_upper",
    "kernel_density_lower",
    "ross",
    "renyi",
    "noisy_mixture",
    "infonce",
    "linear_probe",
    "mlp_probe",
    "k_nearest_neighbours",
)


def default_settings(methods: tuple[Method, ...]) -> dict[Method, Settings]:
    """No settings but one: images have more sub-pixels than there are rows, so that a covariance must be shrunk."""
    return {method: {"shrinkage": None} if method == "gaussian" else {} for method in methods}


def check_settings(methods: dict[Method, Settings]) -> dict[Method, Settings]:
    """The methods as they are, or a ValueError at a setting that one of them has not."""
    for method, settings in methods.items():
        if sentence := misnamed_setting(method, settings):
            raise ValueError(sentence)
    return methods


def misnamed_setting(method: str, settings: Mapping[str, Any]) -> str:
    """What to say of the first setting that the method has not; empty where it has all.

    >>> misnamed_setting("ksg", {"k": 5}), misnamed_setting("counting", {"bins": 3})
    ('', "counting has no setting 'bins': it has no settings")
    """
    known = SETTINGS[method]
    has = f"its settings are {', '.join(known)}" if known else "it has no settings"
    return next((f"{method} has no setting {name!r}: {has}" for name in settings if name not in known), "")


Methods = Annotated[dict[Method, Settings], AfterValidator(check_settings)]
"""Methods by name, each with its settings ({} for its defaults)."""


class RivalsSpec(Spec):
    """Rival estimators at every measured point, each with its settings ({} for its defaults)."""

    image: Methods = Field(default_settings(OF_IMAGE), description="estimators of I(x; h)")
    label: Methods = Field(default_settings(OF_LABEL), description="estimators of I(y; h)")
    part: Literal["evaluation", "all"] = Field(
        "evaluation",
        description="the images they read; all three parts only where these are a whole universe, for exact counting",
    )
    images: int | None = Field(
        1000, ge=30, description="how many images of it they read (the time grows with its square); null: all"
    )

    @model_validator(mode="after")
    def _all_means_all(self) -> Self:
        if self.part == "all" and self.images is not None:
            raise ValueError(
                f"images is {self.images}, but the first images of part: all are those that the network learned from: "
                "say images: null"
            )
        if self.part != "all" and "counting" in (*self.image, *self.label):
            raise ValueError(
                "counting is exact for a whole universe alone: say part: all, or take counting_sample"
            )
        return self

    def by_implementation(self) -> dict[str, Any]:
        """Each method with its settings and the implementation it names."""
        return {
            "image": described_methods(self.image),
            "label": described_methods(self.label),
            "part": self.part,
            "images": self.images,
        }


def described_methods(methods: Mapping[Method, Settings]) -> dict[str, Any]:
    """Each method's settings together with the implementation it names."""
    return {
        name: {"implementation": IMPLEMENTATIONS[name], "spec": settings}
        for name, settings in methods.items()
    }
