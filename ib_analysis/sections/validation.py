"""Validation: decoders and baseline estimators on sources and channels whose information is known."""

from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.spec import CategoricalSpec, FitSpec, check_same_held_out
from ib_analysis.channels.case_table import CASES, EVERY_CASE, FRESH_CASES
from ib_analysis.sections.baselines import Methods, baseline_settings, described_methods
from ib_analysis.spec import Seed, Spec

CaseName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]
BASELINES = (
    "binning",
    "kernel_density_upper",
    "ksg",
    "gaussian",
    "renyi",
    "infonce",
    "smile",
)


class ValidationSpec(Spec):
    """Cases with known information, and the decoders and baselines that are tested on them."""

    cases: tuple[CaseName, ...] | None = Field(
        None, min_length=1, description="known cases of ib_analysis/channels/case_table.py; null: all"
    )
    fresh: bool = Field(
        False,
        description="judge the fresh cases of that table in place of `cases`, which then give them their intervals",
    )
    decoder: PixelCNNPPSpec = Field(description="the decoder of images, the same in every case")
    pretrained_fit: FitSpec = Field(
        description="fit of the unconditional decoder that p(x) and p(x given h) start from; batches of images of "
        "16x16 are half as large, of 32x32 a quarter"
    )
    image_fit: FitSpec = Field(
        description="fit of p(x) and of p(x given h) from there, with equal numbers of steps"
    )
    label: CategoricalSpec = Field(CategoricalSpec(), description="the decoder of labels")
    label_fit: FitSpec = Field(description="fit of p(y given h)")
    baselines: Methods = Field(
        baseline_settings(BASELINES), description="baseline estimators of I(x; h), each with its settings"
    )
    images: int = Field(
        1000, ge=30, description="largest number of evaluation images that the baselines read"
    )
    seed: Seed = Field(0, description="of the images that are drawn")

    @field_validator("cases")
    @classmethod
    def _known(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for name in names or ():
            if name not in CASES:
                raise ValueError(f"there is no case {name!r}; there are {', '.join(CASES)}")
        if names and len(set(names)) < len(names):
            raise ValueError(f"{list(names)} names a case twice")
        return names

    @model_validator(mode="after")
    def _later_fits_hold_out_the_same(self) -> Self:
        check_same_held_out({"pretrained_fit": self.pretrained_fit, "image_fit": self.image_fit})
        return self

    @property
    def calibrating(self) -> tuple[str, ...]:
        """The names of the cases that give the intervals."""
        return tuple(CASES) if self.cases is None else self.cases

    @property
    def judged(self) -> tuple[str, ...]:
        """The names of the cases of the table."""
        return tuple(FRESH_CASES) if self.fresh else self.calibrating

    @property
    def chosen(self) -> tuple[str, ...]:
        """The names of all cases that are measured."""
        return tuple(dict.fromkeys((*self.judged, *self.calibrating)))

    def of_case(self, case: str) -> dict[str, Any]:
        """The slice of one case: its decoders, its fits and its baselines."""
        described = EVERY_CASE[case]
        code = sorted(described.law.implementations | described.channel.implementations)
        return {
            "case": case,
            "made_of": [{"implementation": place, "spec": {}} for place in code],
            "decoder": self.decoder.described(),
            "pretrained_fit": self.pretrained_fit.model_dump(mode="json"),
            "image_fit": self.image_fit.model_dump(mode="json"),
            "label": self.label.described(),
            "label_fit": self.label_fit.model_dump(mode="json"),
            "baselines": described_methods(self.baselines),
            "images": self.images,
            "seed": self.seed,
        }
