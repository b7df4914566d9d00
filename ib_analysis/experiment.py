"""Experiment: one run, validated once, at the top of the Snakefile, before any work.

The experiment hands every stage its slice, and nothing but its slice: a new colour re-trains no decoder.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any, Self, cast

from pydantic import (
    ConfigDict,
    Field,
    PrivateAttr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.spec import CategoricalSpec, FitSpec, check_same_held_out
from ib_analysis.activations.spec import ActivationsSpec
from ib_analysis.datasets.specs.dataset import DatasetSpec
from ib_analysis.encoders.specs.architecture import Architecture
from ib_analysis.encoders.specs.identity import IdentitySpec
from ib_analysis.encoders.specs.kept_rows import KeptRowsSpec
from ib_analysis.encoders.specs.torch_module import complete_section
from ib_analysis.encoders.specs.training import Regime, TrainingSpec
from ib_analysis.errors import UserError
from ib_analysis.mistakes import mistakes
from ib_analysis.point import Network
from ib_analysis.sections.baselines import BaselinesSpec, described_methods
from ib_analysis.sections.calibration import CalibrationSpec, Group, TapSpec
from ib_analysis.sections.consistency import ConsistencySpec
from ib_analysis.sections.controls import ControlsSpec
from ib_analysis.sections.forgetting import ForgettingSpec
from ib_analysis.sections.presets import Preset, with_preset
from ib_analysis.sections.validation import ValidationSpec
from ib_analysis.seen_by_network import Seen
from ib_analysis.spec import Seed, Spec
from ib_analysis.studies.specs.darlow2020 import Darlow2020StudySpec
from ib_analysis.studies.specs.studies import StudiesSpec
from ib_analysis.studies.specs.study import StudySpec
from ib_analysis.variant import MEASUREMENT, Variant

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]
IDENTITY = "identity"
"""The name of the control encoder that forgets nothing."""
ENCODERS_A_FIGURE = 3
"""More than these have figures of their own."""
OF_LABELS = ("calibration", "controls", "baselines", "consistency", "forgetting")
"""Sections that ask something of labels."""
OWN_IMAGES = 2000
"""Images of the encoder part on which every point is evaluated too, where no study says how many."""


def _or_a_mapping(schema: dict[str, Any]) -> None:
    """Adds to the JSON schema of taps the form that maps names to places."""
    mapping = {"additionalProperties": {"type": "string"}, "minProperties": 1, "type": "object"}
    listed = {name: schema.pop(name) for name in ("items", "minItems", "type") if name in schema}
    schema["anyOf"] = [listed, mapping]


class MeasuredEncoder(Spec):
    """An encoder that is measured: what it is, how it is trained, and when and where it is measured."""

    architecture: Architecture = Field(description="the network itself")
    regimes: dict[Regime, TrainingSpec] = Field(
        min_length=1, description="how it is trained, for each regime"
    )
    seeds: tuple[Seed, ...] = Field((0,), min_length=1, description="one network a seed")
    epochs: tuple[int, ...] = Field(min_length=1, description="checkpoints that are measured; 0 is untrained")
    taps: tuple[str, ...] = Field(
        min_length=1,
        description="where h is read; a tap that only one regime has is measured in that regime; of a torch_module: "
        "names of modules, or a mapping of names of your own to them",
        json_schema_extra=_or_a_mapping,
    )
    seen_by_network: Seen | None = Field(
        None,
        description="of a given network: has it learned on the images of the data set? null: unknown. Every table says "
        "it",
    )

    @field_validator("seen_by_network", mode="before")
    @classmethod
    def _as_a_word(cls, given: Any) -> Any:
        """YAML 1.1 reads yes and no as truth values."""
        return {True: "yes", False: "no"}[given] if isinstance(given, bool) else given

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, given: Any) -> Any:
        """The taps of a network of one's own also belong to its architecture, and it has one regime."""
        architecture = given.get("architecture") if isinstance(given, Mapping) else None
        own = isinstance(architecture, Mapping) and architecture.get("kind") == "torch_module"
        return complete_section(given) if own else given

    @model_validator(mode="after")
    def _check(self) -> Self:
        self._check_regimes()
        self._check_taps()
        self._check_epochs()
        if self.seen_by_network is not None and not self.architecture.is_given:
            raise ValueError(
                "seen_by_network: the workflow trains this network on the encoder part alone: leave the key out"
            )
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds: {list(self.seeds)} names a seed twice")
        return self

    def _check_regimes(self) -> None:
        for regime in self.regimes:
            if regime not in self.architecture.regimes:
                raise ValueError(
                    f"regimes: {self.architecture.kind} has no regime {regime!r}; "
                    f"it has {', '.join(self.architecture.regimes)}"
                )

    def _check_taps(self) -> None:
        known = {tap for regime in self.regimes for tap in self.architecture.tap_names(regime)}
        for tap in self.taps:
            if tap not in known:
                names = dict.fromkeys(t for r in self.regimes for t in self.architecture.tap_names(r))
                raise ValueError(
                    f"taps: {self.architecture.kind} has no tap {tap!r}; it has {', '.join(names)}"
                )
        for regime in self.regimes:
            if not self.taps_in(regime):
                raise ValueError(f"taps: none of {', '.join(self.taps)} exists in regime {regime}")

    def _check_epochs(self) -> None:
        if list(self.epochs) != sorted(set(self.epochs)) or self.epochs[0] < 0:
            raise ValueError("epochs: name each epoch once, in rising order, from 0 on")
        if self.architecture.is_given:
            self.architecture.weight_files(self.seeds, self.epochs)
            return
        for regime, training in self.regimes.items():
            if regime == "fixed" and self.epochs[-1] > 0:
                raise ValueError("epochs: a fixed encoder is not trained: it has epoch 0 alone")
            if self.epochs[-1] > training.epochs:
                raise ValueError(
                    f"epochs: {self.epochs[-1]} lies beyond the {training.epochs} epochs that regime {regime} trains"
                )

    @property
    def is_trained(self) -> bool:
        """Whether the workflow trains it."""
        return not self.architecture.is_given and set(self.regimes) != {"fixed"}

    def taps_in(self, regime: Regime) -> tuple[str, ...]:
        """The measured taps that this regime has, in network order."""
        return tuple(tap for tap in self.architecture.tap_names(regime) if tap in self.taps)


class MixtureSpec(Spec):
    """What joins p(x) in the density of x whose cross-entropy is CE(x)."""

    points: int = Field(
        2,
        ge=0,
        description="points that join p(x), each by the mixture of its p(x given h) over the h of the decoder part; "
        "they are chosen, and all weighed, on the held-out share. 0: p(x) alone",
    )
    classes: bool = Field(
        True,
        description="whether the class mixture joins p(x), of a decoder that is told the label; given h it joins every "
        "p(x given h) too, with the class probabilities that h tells",
    )
    nearest: int = Field(
        48,
        ge=1,
        description="terms of such a mixture that are summed for an image: those whose h lie nearest to its own",
    )


def _fits_or_a_preset(schema: dict[str, Any]) -> None:
    """Says in the JSON schema of decoders that a preset takes the place of the fits."""
    fits = schema.pop("required")
    schema["anyOf"] = [{"required": fits}, {"required": ["preset"]}]


class DecodersSpec(Spec):
    """The decoders that measure, and how they are fitted; every point gets the same budget."""

    model_config = ConfigDict(json_schema_extra=_fits_or_a_preset)
    preset: Preset | None = Field(
        None,
        description="a named set of the keys below, which are listed in `ib_analysis/sections/presets.py`; a key that "
        "is written beside it counts more",
    )
    image: PixelCNNPPSpec = Field(
        PixelCNNPPSpec(), description="the decoder of images: p(x) and p(x given h)"
    )
    image_fit: FitSpec = Field(description="how it is fitted; every point gets the same budget")
    pretrained_fit: FitSpec | None = Field(
        None,
        description="fit an unconditional decoder first, from which p(x) and every p(x given h) then start; null: each "
        "from scratch",
    )
    neighbour_fit: FitSpec | None = Field(
        None,
        description="fit of p(x given h) at every measured epoch but the last, from the decoder of the same tap at the "
        "next measured epoch; give it a patience. null: every epoch on its own, by image_fit",
    )
    label: CategoricalSpec = Field(CategoricalSpec(), description="the decoder of labels: p(y given h)")
    label_fit: FitSpec = Field(description="how it is fitted")
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        (0,),
        min_length=1,
        description="every decoder is fitted once a seed; a point is the average of their probabilities, and their "
        "spread its error over fits, which is unknown with one. The first is the seed of image_fit",
    )
    mixture: MixtureSpec = Field(MixtureSpec(), description="the density of x whose cross-entropy is CE(x)")

    @model_validator(mode="before")
    @classmethod
    def _take_preset(cls, given: Any) -> Any:
        return with_preset(given) if isinstance(given, Mapping) else given

    def with_variant(self, variant: Variant) -> Self:
        """The decoders with the one setting changed that the variant changes."""
        if variant.kind == "filters":
            return self.model_copy(
                update={"image": self.image.model_copy(update={"filters": int(variant.value)})}
            )
        names = ("image_fit", "pretrained_fit", "neighbour_fit", "label_fit")
        fits = {name: getattr(self, name) for name in names}
        changed = {name: fit and _vary_fit(fit, variant) for name, fit in fits.items()}
        return self.model_copy(update=changed)

    @property
    def unseen(self) -> float:
        """The share of the decoder part that no fit of images has seen: it chooses the weights of mixtures."""
        fits = (self.pretrained_fit, self.image_fit, self.neighbour_fit)
        return min(fit.holdout for fit in fits if fit is not None)

    @model_validator(mode="after")
    def _labels_hold_out_as_much(self) -> Self:
        if self.label_fit.holdout < self.unseen:
            raise ValueError(
                f"label_fit: its holdout must be at least {self.unseen:g}, that of the fits of images, which chooses "
                "the weights of their mixtures"
            )
        return self

    @model_validator(mode="after")
    def _check_seeds(self) -> Self:
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds: {list(self.seeds)} names a seed twice")
        if self.seeds[0] != self.image_fit.seed:
            raise ValueError(
                f"seeds: {list(self.seeds)} must begin with {self.image_fit.seed}, the seed of image_fit"
            )
        return self

    @model_validator(mode="after")
    def _later_fits_hold_out_the_same(self) -> Self:
        chain = {
            "pretrained_fit": self.pretrained_fit,
            "image_fit": self.image_fit,
            "neighbour_fit": self.neighbour_fit,
        }
        check_same_held_out({name: fit for name, fit in chain.items() if fit is not None})
        return self


def identity_encoder() -> MeasuredEncoder:
    """The control encoder: h is the image itself."""
    return MeasuredEncoder(
        architecture=IdentitySpec(), regimes={"fixed": TrainingSpec(epochs=0)}, epochs=(0,), taps=("image",)
    )


class SamplesSpec(Spec):
    """Which images are drawn from what a layer still knows."""

    images: int = Field(
        8, ge=1, description="evaluation images that are reconstructed, spread over the classes"
    )
    draws: int = Field(2, ge=1, description="samples of each of them")
    shown: int | None = Field(
        None, ge=1, description="how many of the images stand on the sheets, from the first on; null: all"
    )
    unconditional: int = Field(16, ge=1, description="samples of p(x)")
    seed: Seed = Field(0, description="the noise of the samples, the same at every tap and epoch")


class Experiment(Spec):
    """One experiment: results/<name>/ holds all that it makes."""

    name: Name = Field(description="results/<name>/ holds all that it makes: small letters, digits, hyphens")
    title: str = Field("", description="heading of the report")
    dataset: DatasetSpec = Field(description="the images")
    encoders: dict[Name, MeasuredEncoder] = Field(
        min_length=1, description="the encoders that are measured, each by a name of your own"
    )
    activations: ActivationsSpec = Field(ActivationsSpec(), description="how decoders come by h")
    decoders: DecodersSpec = Field(description="the decoders that measure, and their budgets")
    calibration: CalibrationSpec | None = Field(
        None,
        description="codes of the experiment's own images, whose information is counted; what decoders read of them "
        "gives all points their intervals",
    )
    controls: ControlsSpec | None = Field(
        None, description="the measurement repeated where its answer is known, or with one setting changed"
    )
    baselines: BaselinesSpec | None = Field(
        None, description="other estimators at the same taps, on the same images"
    )
    validation: ValidationSpec | None = Field(
        None,
        description="decoders and baseline estimators on sources and channels whose information is known",
    )
    consistency: ConsistencySpec | None = Field(
        None, description="what any information must satisfy, tested on the experiment's own images"
    )
    studies: StudiesSpec = Field(
        StudiesSpec(), description="the further papers' own experiments, a section each"
    )
    samples: SamplesSpec = Field(SamplesSpec(), description="what is drawn")
    forgetting: ForgettingSpec | None = Field(
        None,
        description="what the samples share with their originals, in numbers: class, frequencies, colour",
    )
    _variant: Variant = PrivateAttr(MEASUREMENT)

    @model_validator(mode="after")
    def _check_controls(self) -> Self:
        if self.controls is None:
            return self
        if IDENTITY in self.encoders:
            raise ValueError(f"encoders: the name {IDENTITY!r} belongs to the control; choose another")
        for field, known in (("epochs", self._measured("epochs")), ("taps", self._measured("taps"))):
            for value in getattr(self.controls, field) or ():
                if value not in known:
                    names = ", ".join(map(str, known))
                    raise ValueError(f"controls.{field}: {value!r} is not measured; measured are {names}")
        for field, own in (
            ("decoder_seeds", self.decoders.seeds),
            ("filters", (self.decoders.image.filters,)),
            ("budgets", (1.0,)),
        ):
            for value in getattr(self.controls, field):
                if value in own:
                    raise ValueError(
                        f"controls.{field}: {value} is what the measurement itself has; name others"
                    )
        return self

    @model_validator(mode="after")
    def _check_calibration(self) -> Self:
        if self.calibration is None or (at := self.calibration.at) is None:
            return self
        measured = self.encoders.get(at.encoder)
        if measured is None:
            raise ValueError(
                f"calibration.at: {at.encoder!r} is no encoder; there are {', '.join(self.encoders)}"
            )
        known: dict[str, tuple[Any, ...]] = {
            "regime": tuple(measured.regimes),
            "seed": measured.seeds,
            "epoch": measured.epochs,
            "tap": measured.taps_in(at.regime) if at.regime in measured.regimes else (),
        }
        for field, values in known.items():
            if getattr(at, field) not in values:
                names = ", ".join(map(str, values))
                raise ValueError(
                    f"calibration.at.{field}: {getattr(at, field)!r} is not measured; measured are {names}"
                )
        return self

    @model_validator(mode="after")
    def _check_parts(self) -> Self:
        """Images to train on where a network is trained, and labels where they are needed."""
        trained = [name for name, measured in self.encoders.items() if measured.is_trained]
        shares = None if self.dataset.says_what_was_learned else getattr(self.dataset, "shares", None)
        if shares is not None and shares.encoder == 0 and (trained or self.studies.chosen):
            what = f"encoders.{trained[0]} is" if trained else "the studies are"
            raise ValueError(f"dataset.shares.encoder is 0, and {what} trained on that part: give it a share")
        for name, measured in self.encoders.items():
            if self.dataset.says_what_was_learned and measured.seen_by_network is not None:
                raise ValueError(
                    f"encoders.{name}.seen_by_network: dataset.learned_file says on which images it has learned: leave "
                    "one out"
                )
        if not self.dataset.labelled:
            asked = [f"encoders.{name}" for name in trained]
            asked += [name for name in OF_LABELS if getattr(self, name)]
            if asked or self.studies.chosen:
                raise ValueError(
                    f"dataset.labels_file is null, and {[*asked, 'studies'][0]} needs labels: leave it out"
                )
        return self

    @model_validator(mode="after")
    def _check_rows(self) -> Self:
        """No more rows than an image has, where the configuration says how many that is."""
        height = self.dataset.height
        if height is None:
            return self
        asked = {
            f"encoders.{name}.architecture.rows": measured.architecture.rows[-1]
            for name, measured in self.encoders.items()
            if isinstance(measured.architecture, KeptRowsSpec)
        }
        if self.consistency is not None:
            asked["consistency.rows"] = max(self.consistency.rows or (0,))
            asked["consistency.kept"] = self.consistency.kept or 0
        for field, rows in asked.items():
            if rows > height:
                raise ValueError(f"{field}: {rows} rows of images that have {height}; lower it")
        return self

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        for name in ("marginal", "pretrained", "classes"):
            if name in self.encoders:
                raise ValueError(f"encoders: the name {name!r} belongs to a decoder's folder; choose another")
        return self

    @model_validator(mode="after")
    def _check_studies(self) -> Self:
        for study, spec in self.studies.chosen.items():
            for encoder in spec.encoders:
                if encoder not in self.encoders:
                    names = ", ".join(self.encoders)
                    raise ValueError(
                        f"studies.{study}.encoders: {encoder!r} is no encoder; there are {names}"
                    )
        return self

    @model_validator(mode="after")
    def _check_two_stages(self) -> Self:
        study = self.studies.darlow2020
        if study is None:
            return self
        known = {tap for encoder in study.encoders for tap in self.encoders[encoder].taps}
        for tap in study.early:
            if tap not in known:
                raise ValueError(
                    f"studies.darlow2020.early: {tap!r} is not measured; measured are {_list(known)}"
                )
        for encoder in study.encoders:
            measured = self.encoders[encoder]
            if len(measured.epochs) < 2:
                raise ValueError(
                    f"studies.darlow2020.encoders: {encoder!r} has one epoch; stages need two or more"
                )
            if not set(study.deep) & set(measured.taps):
                raise ValueError(
                    f"studies.darlow2020.deep: {encoder!r} has none of these taps: {_list(study.deep)}"
                )
        if study.without_decay is not None:
            self._check_without_decay(study.encoders[0], study.without_decay)
        return self

    def _check_without_decay(self, first: str, other: str) -> None:
        """The two differ in weight decay alone, of which the second has none."""
        one, two = self.encoders[first], self.encoders[other]
        field = f"studies.darlow2020.without_decay: {other!r}"
        for name in ("architecture", "seeds", "epochs"):
            if getattr(one, name) != getattr(two, name):
                raise ValueError(
                    f"{field} must have the {name} of {first!r}, or more than weight decay differs"
                )
        for regime, training in two.regimes.items():
            if training.weight_decay != 0.0:
                raise ValueError(
                    f"{field} has a weight_decay of {training.weight_decay:g} as {regime}: set 0"
                )
            if (
                regime not in one.regimes
                or one.regimes[regime].model_copy(update={"weight_decay": 0.0}) != training
            ):
                raise ValueError(f"{field} must be trained like {first!r} as {regime}, but for weight_decay")

    def _measured(self, field: str) -> list[Any]:
        return list(
            dict.fromkeys(value for measured in self.encoders.values() for value in getattr(measured, field))
        )

    @property
    def variants(self) -> dict[str, Variant]:
        """Every variant that fits decoders of its own, by name: the measurement, its controls, other seeds."""
        seeds = self.consistency.seeds if self.consistency else ()
        found = (*self.fitted, *self.controlled.values(), *map(self.variant_of_seed, seeds))
        return {variant.name: variant for variant in found}

    @property
    def fitted(self) -> tuple[Variant, ...]:
        """The variants whose decoders make a point together, one a seed; the measurement is the first."""
        return tuple(map(self.variant_of_seed, self.decoders.seeds))

    @property
    def controlled(self) -> dict[str, Variant]:
        """Every control that fits decoders of its own, by name."""
        return {variant.name: variant for variant in (self.controls.variants if self.controls else ())}

    def variant_of_seed(self, seed: int) -> Variant:
        """The variant whose decoders have that seed: the measurement itself, or one that differs in nothing else."""
        own = self.decoders.image_fit.seed
        return MEASUREMENT if seed == own else Variant("decoder-seed", seed)

    @property
    def mixes_classes(self) -> bool:
        """Whether the class mixture joins p(x); without labels there is none."""
        return self.decoders.mixture.classes and self.dataset.labelled

    @property
    def figures_apart(self) -> tuple[str, ...]:
        """Encoders that have figures of their own: all, where there are more than a page can show together."""
        return tuple(self.encoders) if len(self.encoders) > ENCODERS_A_FIGURE else ()

    @property
    def calibrated_at(self) -> TapSpec | None:
        """The point whose h some rungs of the ladder take; None where there is no ladder."""
        if self.calibration is None:
            return None
        network = self.networks[0]
        measured = self.encoders[network.encoder]
        tap = measured.taps_in(cast(Regime, network.regime))[-1]
        last = TapSpec.model_validate(network._asdict() | {"epoch": measured.epochs[-1], "tap": tap})
        return self.calibration.at or last

    @property
    def identity_networks(self) -> list[Network]:
        """The control encoder, where it is asked for."""
        return [Network(IDENTITY, "fixed", 0)] if self.controls and self.controls.identity else []

    def with_variant(self, name: str) -> Self:
        """The experiment as that variant runs it: with its decoders; a control at the controlled epochs and taps."""
        variant = self.variants[name]
        changed: dict[str, Any] = {"decoders": self.decoders.with_variant(variant)}
        if self.controls is not None and name in self.controlled:
            changed["encoders"] = {
                encoder: _restrict(measured, self.controls) for encoder, measured in self.encoders.items()
            }
        varied = self.model_copy(update=changed)
        varied._variant = variant
        return varied

    @property
    def networks(self) -> list[Network]:
        """Every network of the experiment."""
        return [
            Network(name, regime, seed)
            for name, measured in self.encoders.items()
            for regime in measured.regimes
            for seed in measured.seeds
        ]

    def measured(self, encoder: str) -> MeasuredEncoder:
        """The encoder of that name, or the control that forgets nothing."""
        return identity_encoder() if encoder == IDENTITY else self.encoders[encoder]

    def next_epoch(self, encoder: str, epoch: int) -> int | None:
        """The measured epoch after that one; None for the last."""
        return next((later for later in self.measured(encoder).epochs if later > epoch), None)

    def slice_of(self, stage: str, *arguments: str | int) -> dict[str, Any]:
        """The slice of a stage, by the method of its name; empty where all that it needs stands in its inputs."""
        slice_: Callable[..., dict[str, Any]] | None = getattr(self, stage, None)
        return {} if slice_ is None else slice_(*arguments)

    def prepare_dataset(self) -> dict[str, Any]:
        """Slice of stage prepare_dataset; images that are added to a folder or exchanged there change it."""
        return {"dataset": self.dataset.described(), "listing": self.dataset.listing()}

    def train_encoder(self, encoder: str, regime: Regime, seed: int) -> dict[str, Any]:
        """Slice of stage train_encoder."""
        measured = self.measured(encoder)
        return {
            "encoder": encoder,
            "regime": regime,
            "seed": seed,
            "architecture": measured.architecture.described(),
            "training": measured.regimes[regime].model_dump(mode="json"),
            "epochs": list(measured.epochs),
        }

    def weight_files(self, encoder: str, seed: int) -> list[str]:
        """The files of weights of a given network, an epoch each; none for a network that is trained."""
        measured = self.measured(encoder)
        return list(measured.architecture.weight_files((seed,), measured.epochs).values())

    def fit_pretrained(self) -> dict[str, Any]:
        """Slice of stage fit_marginal for the unconditional decoder that all others start from."""
        if self.decoders.pretrained_fit is None:
            raise UserError("decoders.pretrained_fit is null: this experiment pretrains no decoder.")
        return self._unconditional(self.decoders.pretrained_fit)

    def fit_marginal(self) -> dict[str, Any]:
        """Slice of stage fit_marginal."""
        return self._unconditional(self.decoders.image_fit)

    def fit_class_decoder(self) -> dict[str, Any]:
        """Slice of stage fit_class_decoder."""
        return self._unconditional(self.decoders.image_fit)

    def fit_decoders(self, encoder: str, regime: Regime, seed: int, epoch: int) -> dict[str, Any]:
        """Slice of stage fit_decoders."""
        neighbour, image = self.decoders.neighbour_fit, self.decoders.image_fit
        fit = image if neighbour is None or self.next_epoch(encoder, epoch) is None else neighbour
        return {
            "variant": self._variant.name,
            "encoder": encoder,
            "regime": regime,
            "seed": seed,
            "epoch": epoch,
            "taps": self._taps(encoder, regime),
            "architecture": self.measured(encoder).architecture.described(),
            "activations": self.activations.model_dump(mode="json"),
            "image": self.decoders.image.described(),
            "image_fit": fit.model_dump(mode="json"),
            "label": self.decoders.label.described(),
            "label_fit": self.decoders.label_fit.model_dump(mode="json"),
            "pairing": self._variant.pairing,
            "share": self._variant.share,
        }

    def measure_calibration(self, group: Group) -> dict[str, Any]:
        """Slice of stage measure_calibration."""
        spec, at = self.calibration, self.calibrated_at
        if spec is None or at is None:
            raise UserError("calibration is null: this experiment has no ladder.")
        of_codes = {
            name: getattr(spec, name) for name in ("k_means", "noise_units", "signs", "rotations", "seed")
        }
        return of_codes | {
            "variant": self._variant.name,
            "group": group,
            "epoch": at.epoch,
            "tap": at.tap,
            "architecture": self.measured(at.encoder).architecture.described(),
            "precision": self.activations.effective_precision,
            "image": self.decoders.image.described(),
            "image_fit": self.decoders.image_fit.model_dump(mode="json"),
            "label": self.decoders.label.described(),
            "label_fit": self.decoders.label_fit.model_dump(mode="json"),
            "holdout": self.decoders.unseen,
        }

    def mix_marginal(self) -> dict[str, Any]:
        """Slice of stage mix_marginal; without points in the mixture it needs no network."""
        encoders = self.encoders if self.decoders.mixture.points else {}
        return {
            "variants": [variant.name for variant in self.fitted],
            "networks": [
                self._network(encoder, regime, seed)
                for encoder, measured in encoders.items()
                for regime in measured.regimes
                for seed in measured.seeds
            ],
            "decoder": self.decoders.image.described(),
            "holdout": self.decoders.unseen,
        } | self.decoders.mixture.model_dump(mode="json", exclude={"classes"})

    def evaluate_marginal(self) -> dict[str, Any]:
        """Slice of stage evaluate_marginal."""
        return {"variant": self._variant.name, "decoder": self.decoders.image.described()}

    def evaluate_decoders(self, encoder: str, regime: Regime, seed: int) -> dict[str, Any]:
        """Slice of stage evaluate_decoders."""
        return self._network(encoder, regime, seed) | {
            "variant": self._variant.name,
            "decoder": self.decoders.image.described(),
            "label_decoder": self.decoders.label.described(),
            "pairing": self._variant.pairing,
            "share": self._variant.share,
            "holdout": self.decoders.unseen,
            "decoder_seed": self.decoders.image_fit.seed,
        }

    def evaluate_own_images(self, encoder: str, regime: Regime, seed: int) -> dict[str, Any]:
        """Slice of stage evaluate_own_images."""
        return self._network(encoder, regime, seed) | {
            "variant": self._variant.name,
            "decoder": self.decoders.image.described(),
            "label_decoder": self.decoders.label.described(),
            "images": OWN_IMAGES if (study := self.studies.darlow2020) is None else study.own_images,
        }

    def draw_samples(self, encoder: str, regime: Regime, seed: int) -> dict[str, Any]:
        """Slice of stage draw_samples."""
        samples = self.samples
        return self._network(encoder, regime, seed) | {
            "images": samples.images,
            "draws": samples.draws,
            "sampling_seed": samples.seed,
            "decoder": self.decoders.image.described(),
        }

    def plot_samples(self) -> dict[str, Any]:
        """Slice of stage plot_samples."""
        return {"shown": self.samples.shown}

    def train_judge(self) -> dict[str, Any]:
        """Slice of stage train_judge."""
        if self.forgetting is None:
            raise UserError("forgetting is null: this experiment compares no samples with their originals.")
        settings = self.forgetting
        return {
            "judge": settings.judge.described(),
            "training": settings.training.model_dump(mode="json"),
            "seed": settings.seed,
        }

    def draw_marginal(self) -> dict[str, Any]:
        """Slice of stage draw_marginal."""
        return {
            "count": self.samples.unconditional,
            "seed": self.samples.seed,
            "decoder": self.decoders.image.described(),
        }

    def estimate_baselines(self, encoder: str, regime: Regime, seed: int) -> dict[str, Any]:
        """Slice of stage estimate_baselines."""
        if self.baselines is None:
            raise UserError("baselines is null: this experiment has no other estimators.")
        seen = {"seen_by_network": self.seen_by_network(encoder)}
        return self._network(encoder, regime, seed) | seen | self.baselines.by_implementation()

    def validate_case(self, case: str) -> dict[str, Any]:
        """Slice of stage validate_case."""
        if self.validation is None:
            raise UserError("validation is null: this experiment has no cases.")
        return self.validation.of_case(case)

    def measure_consistency(self, test: str) -> dict[str, Any]:
        """Slice of stage measure_consistency."""
        spec = self.consistency
        if spec is None:
            raise UserError("consistency is null: this experiment holds no tests of consistency.")
        of_rows = {name: getattr(spec, name) for name in ("rows", "kept", "fewer", "images")}
        fit = self.decoders.image_fit
        return of_rows | {
            "test": test,
            "seed": fit.seed,
            "decoder": self.decoders.image.described(),
            "fit": fit.model_dump(mode="json"),
            "baselines": described_methods(spec.baselines),
        }

    def seen_by_network(self, encoder: str) -> Seen | None:
        """Whether a given network has learned on the images; None for one that the workflow trains."""
        measured = self.measured(encoder)
        if not measured.architecture.is_given:
            return None
        return "no" if self.dataset.says_what_was_learned else measured.seen_by_network or "unknown"

    def tabulate_information(self) -> dict[str, Any]:
        """Slice of stage tabulate_information."""
        return {
            "seen_by_network": {name: seen for name in self.encoders if (seen := self.seen_by_network(name))}
        }

    def tabulate_controls(self) -> dict[str, Any]:
        """Slice of stage tabulate_controls: what each control is; the numbers stand in its inputs."""
        return {"controls": {name: variant._asdict() for name, variant in self.controlled.items()}}

    def plot_figures(self) -> dict[str, Any]:
        """Slice of stage plot_figures."""
        judged = self.studies.darlow2020
        deep = {} if judged is None else {"deep": {"encoder": judged.encoders[0], "taps": list(judged.deep)}}
        return {"apart": list(self.figures_apart)} | deep

    def write_report(self) -> dict[str, Any]:
        """Slice of stage write_report: the whole experiment, for it says what was run."""
        return {"experiment": self.model_dump(mode="json")} | self.tabulate_information()

    def write_so_far(self) -> dict[str, Any]:
        """Slice of stage write_so_far."""
        return {"title": self.title or self.name}

    def run_study(self, study: str, piece: str) -> dict[str, Any]:
        """Slice of stage run_study."""
        return {"study": self.studies.repeated[study].of_piece(piece).described(), "piece": piece}

    def tabulate_study(self, study: str) -> dict[str, Any]:
        """Slice of stage tabulate_study: the study judges its rows, and its figure is drawn."""
        spec = self.studies.repeated[study]
        return {"study": spec.described(), "drawn_by": spec.drawn()}

    def judge_two_stages(self) -> dict[str, Any]:
        """Slice of stage judge_two_stages."""
        return {"study": self._two_stages().model_dump(mode="json")}

    def _two_stages(self) -> Darlow2020StudySpec:
        if self.studies.darlow2020 is None:
            raise UserError("studies.darlow2020 is null: this experiment does not judge the two stages.")
        return self.studies.darlow2020

    def _of_paper(self, study: str) -> StudySpec:
        if study not in self.studies.chosen:
            raise UserError(f"studies.{study} is null: this experiment does not hold that study.")
        return self.studies.chosen[study]

    def networks_of(self, study: str) -> list[Network]:
        """The networks whose information planes belong to a study."""
        return [network for network in self.networks if network.encoder in self._of_paper(study).encoders]

    def _unconditional(self, fit: FitSpec) -> dict[str, Any]:
        return {
            "variant": self._variant.name,
            "decoder": self.decoders.image.described(),
            "fit": fit.model_dump(mode="json"),
            "share": self._variant.share,
        }

    def _network(self, encoder: str, regime: Regime, seed: int) -> dict[str, Any]:
        """One network and what is read of it; its architecture names the code that computes h."""
        return {
            "encoder": encoder,
            "regime": regime,
            "seed": seed,
            "epochs": list(self.measured(encoder).epochs),
            "taps": self._taps(encoder, regime),
            "architecture": self.measured(encoder).architecture.described(),
            "precision": self.activations.effective_precision,
        }

    def _taps(self, encoder: str, regime: Regime) -> list[str]:
        return list(self.measured(encoder).taps_in(regime))


def _list(names: Collection[str]) -> str:
    return ", ".join(sorted(names))


def _vary_fit(fit: FitSpec, variant: Variant) -> FitSpec:
    if variant.kind == "decoder-seed":
        return fit.model_copy(update={"seed": int(variant.value)})
    if variant.kind == "budget":
        return fit.model_copy(update={"steps": max(1, round(variant.value * fit.steps))})
    return fit


def _restrict(measured: MeasuredEncoder, controls: ControlsSpec) -> MeasuredEncoder:
    """The encoder at the controlled epochs and taps; where it has none of them, at its own last."""
    ends = tuple(dict.fromkeys((measured.epochs[0], measured.epochs[-1])))
    epochs = tuple(e for e in measured.epochs if e in controls.epochs) if controls.epochs else ends
    taps = tuple(t for t in measured.taps if t in controls.taps) if controls.taps else measured.taps
    return measured.model_copy(update={"epochs": epochs or ends[-1:], "taps": taps or measured.taps[-1:]})


def load_experiment(config: Mapping[str, Any]) -> Experiment:
    """The validated experiment; a mistake is one sentence that names the field."""
    try:
        return Experiment.model_validate(config)
    except ValidationError as error:
        raise UserError(
            f"The configuration does not hold: {mistakes(error, config)}. "
            "Every key is explained in workflow/config/README.md."
        ) from None
