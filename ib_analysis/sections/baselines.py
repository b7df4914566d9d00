"""Baseline estimators of the information at the same taps and on the same images, by name."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, JsonValue, WithJsonSchema, model_validator

from ib_analysis.device_name import check_device
from ib_analysis.errors import UserError
from ib_analysis.information.estimators.catalogue import ESTIMATORS, check_name, estimator, unknown_setting
from ib_analysis.point import Target
from ib_analysis.spec import Spec

Method = Annotated[
    str, AfterValidator(check_name), WithJsonSchema({"type": "string", "enum": list(ESTIMATORS)})
]
Settings = dict[str, JsonValue]


def baseline_settings(methods: Iterable[str]) -> dict[Method, Settings]:
    """The methods with their settings as baselines."""
    return {method: dict(ESTIMATORS[method].baseline) for method in methods}


def methods_of(target: Target) -> dict[Method, Settings]:
    """The default methods for the information about that target, with their settings."""
    return baseline_settings(name for name, listed in ESTIMATORS.items() if target in listed.targets)


def check_settings(methods: dict[Method, Settings]) -> dict[Method, Settings]:
    """Return the methods. A class is imported only where a setting differs from that of the catalogue.

    Raises:
        ValueError: a method does not have one of its settings, or refuses it.
    """
    for method, settings in methods.items():
        if sentence := unknown_setting(method, settings):
            raise ValueError(sentence)
        try:
            _check_values(method, settings)
        except UserError as error:
            raise ValueError(f"{method}: {str(error).removesuffix('.')}") from None
    return methods


def _check_values(method: str, settings: Settings) -> None:
    if settings in ({}, ESTIMATORS[method].baseline):
        return
    seed = settings.get("seed", 0)
    if not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise UserError(f"seed is {seed}: it must be a whole number from 0 to 2^63 - 1.")
    check_device(str(settings.get("device", "cpu")))
    estimator(method, **settings)


Methods = Annotated[dict[Method, Settings], AfterValidator(check_settings)]
"""Methods by name, each with its settings ({} for its defaults)."""


class BaselinesSpec(Spec):
    """Baseline estimators at every measured point, each with its settings ({} for its defaults)."""

    image: Methods = Field(methods_of("image"), description="estimators of I(x; h)")
    label: Methods = Field(methods_of("label"), description="estimators of I(y; h)")
    part: Literal["evaluation", "all"] = Field(
        "evaluation",
        description="the images that they read; all: the three parts of a whole universe, for exact counting",
    )
    images: int | None = Field(
        1000,
        ge=30,
        description="number of images that they read, in time that grows with its square; null: all",
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
        """The section as JSON, with the implementation of each method."""
        return {
            "image": described_methods(self.image),
            "label": described_methods(self.label),
            "part": self.part,
            "images": self.images,
        }


def described_methods(methods: Mapping[Method, Settings]) -> dict[str, Any]:
    """Settings and implementation of each method."""
    return {
        name: {"implementation": ESTIMATORS[name].implementation, "spec": settings}
        for name, settings in methods.items()
    }
