"""Rival estimators of the information at the same taps and on the same images, by name."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, JsonValue

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


class RivalsSpec(Spec):
    """Rival estimators at every measured point, each with its settings ({} for its defaults)."""

    image: dict[Method, Settings] = Field(default_settings(OF_IMAGE), description="estimators of I(x; h)")
    label: dict[Method, Settings] = Field(default_settings(OF_LABEL), description="estimators of I(y; h)")
    part: Literal["evaluation", "all"] = Field(
        "evaluation",
        description="the images they read; all three parts only where these are a whole universe, for exact counting",
    )
    images: int | None = Field(
        1000, ge=30, description="how many images of it they read (the time grows with its square); null: all"
    )

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
