"""A network of the user's own: any torch module, read at the names of its modules."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from ib_analysis.encoders.specs.encoder import EncoderSpec
from ib_analysis.encoders.specs.module_tap import ModuleTap
from ib_analysis.encoders.specs.training import Regime
from ib_analysis.own_modules import OBJECT
from ib_analysis.spec import Spec

Size = Annotated[int, Field(ge=1)]


class NamedTap(Spec):
    """A tap of a network of one's own."""

    name: str = Field(description="its name in tables and files: letters, digits, `_`, `.`, `-`")
    reads: str = Field(
        description="the place: `layer1`, `fc:input`, `relu@2` (second call), `lstm[0]` (item of a tuple), `head[key]`"
    )

    @field_validator("name")
    @classmethod
    def _is_a_file_name(cls, name: str) -> str:
        if not re.fullmatch(r"\w[\w.-]*", name):
            raise ValueError(f"taps: {name!r} is no name of a file: give it one, as in {{code: {name!r}}}")
        return name

    @field_validator("reads")
    @classmethod
    def _is_a_place(cls, reads: str) -> str:
        ModuleTap.parse(reads)
        return reads


class PreprocessSpec(Spec):
    """What the network wants of an image; it happens inside the encoder, so x stays the image of the data set."""

    scale: Literal["unit", "levels"] = Field(
        "unit", description="range of the pixels: unit is 0..1, levels is 0..levels-1"
    )
    grey_to_rgb: bool = Field(False, description="repeat the one channel of a grey image three times")
    resize: tuple[Size, Size] | None = Field(
        None, description="height and width that the network reads, by antialiased bilinear interpolation"
    )
    mean: tuple[float, ...] | None = Field(
        None, description="subtracted from the scaled pixels, a number a channel"
    )
    std: tuple[Annotated[float, Field(gt=0)], ...] | None = Field(
        None, description="divides the pixels after that, a number a channel"
    )


class TorchModuleSpec(EncoderSpec):
    """A network of your own: any torch module, read at the names of its modules.

    It is trained elsewhere, by an objective that the workflow does not know. Its only regime is therefore `fixed`, and
    its epochs are those of the given files.
    """

    implementation: ClassVar[str] = "ib_analysis.encoders.torch_module.encoder:TorchModule"
    regimes: ClassVar[tuple[Regime, ...]] = ("fixed",)
    kind: Literal["torch_module"] = "torch_module"
    build: str = Field(
        description="class or function that builds it, as `my_nets:resnet18`, importable from the working folder",
    )
    arguments: dict[str, Any] = Field({}, description="keyword arguments of `build`")
    preprocess: PreprocessSpec = Field(PreprocessSpec(), description="what the network wants of an image")
    checkpoints: str | dict[int, str] | None = Field(
        None,
        description="weights, as `runs/mine/epoch{epoch}.safetensors`, with `{seed}` for several seeds; or the "
        "file of each epoch, as `{0: first.pt, 90: last.pt}`; null: the weights that `build` gives, as epoch 0",
    )
    deliberate_noise: bool = Field(
        False, description="the network draws noise on purpose: two passes need not give the same h"
    )
    taps: tuple[NamedTap, ...] = Field(
        (), description="filled in from the key `taps` of the encoder; leave it out"
    )

    @field_validator("build")
    @classmethod
    def _names_something(cls, build: str) -> str:
        importable = re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*", build)
        if not importable and not re.fullmatch(rf"{OBJECT}\w+-[0-9a-f]+", build):
            raise ValueError(f"build: {build!r} is no network: write module:name, as my_nets:resnet18")
        return build

    @field_validator("checkpoints")
    @classmethod
    def _known_fields(cls, checkpoints: str | dict[int, str] | None) -> str | dict[int, str] | None:
        fields = re.findall(r"{(.*?)}", checkpoints) if isinstance(checkpoints, str) else []
        unknown = {*fields} - {"epoch", "seed"}
        if unknown:
            raise ValueError(
                f"{checkpoints} holds {{{min(unknown)}}}: only {{epoch}} and {{seed}} are filled in"
            )
        return checkpoints

    @model_validator(mode="after")
    def _each_name_once(self) -> Self:
        names = [tap.name for tap in self.taps]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"taps names {name!r} twice: give each tap a name of its own")
        return self

    def tap_names(self, regime: Regime) -> tuple[str, ...]:
        """Names of the taps in the order of the configuration, which the encoder checks to be that of the network."""
        return tuple(tap.name for tap in self.taps)

    @property
    def is_given(self) -> bool:
        """Always: nothing is trained."""
        return True

    def weight_files(self, seeds: Sequence[int], epochs: Sequence[int]) -> dict[tuple[int, int], str]:
        """The file of every (seed, epoch); none where the weights are those that `build` gives.

        Raises:
            ValueError: two networks or two epochs would have the same weights.
        """
        if self.checkpoints is None:
            if tuple(epochs) != (0,) or len(seeds) > 1:
                raise ValueError(
                    "checkpoints is null, so there is epoch 0 of one seed alone: name the files of weights"
                )
            return {}
        if not isinstance(self.checkpoints, str):
            return self._files_of_epochs(self.checkpoints, seeds, epochs)
        files = {(s, e): self.checkpoints.format(seed=s, epoch=e) for s in seeds for e in epochs}
        if len(set(files.values())) < len(files):
            raise ValueError(
                f"checkpoints: {self.checkpoints} is the same file for several epochs or seeds: write {{epoch}} or "
                "{seed} into it"
            )
        return files

    @staticmethod
    def _files_of_epochs(
        files: Mapping[int, str], seeds: Sequence[int], epochs: Sequence[int]
    ) -> dict[tuple[int, int], str]:
        if len(seeds) > 1:
            raise ValueError(
                "checkpoints names a file an epoch, and there are several seeds: write {seed} into one"
            )
        for epoch in epochs:
            if epoch not in files:
                raise ValueError(
                    f"checkpoints has no file for epoch {epoch}: it has {', '.join(map(str, files))}"
                )
        return {(seeds[0], epoch): files[epoch] for epoch in epochs}


def complete_section(measured: Mapping[str, Any]) -> dict[str, Any]:
    """The encoder section of a configuration, where taps are written as `name: place` and no regime is needed.

    A place in a list that is no name of a file gets one, as `fc-input` for `fc:input`.

    >>> found = complete_section({"architecture": {"kind": "torch_module"}, "taps": {"code": "fc:input"}})
    >>> found["architecture"]["taps"], found["taps"], found["regimes"]
    ([{'name': 'code', 'reads': 'fc:input'}], ['code'], {'fixed': {'epochs': 0}})
    """
    taps = measured.get("taps", ())
    if isinstance(taps, Mapping):
        named = [{"name": name, "reads": place} for name, place in taps.items()]
    else:
        named = [{"name": file_name(tap), "reads": tap} for tap in taps]
    architecture = {"taps": named} | dict(measured["architecture"])
    return (
        {"regimes": {"fixed": {"epochs": 0}}}
        | dict(measured)
        | {"architecture": architecture, "taps": [tap["name"] for tap in named]}
    )


def file_name(place: str) -> str:
    """The name of a tap that is known by its place alone.

    >>> file_name("block.relu@2:input"), file_name("lstm[0]")
    ('block.relu-2-input', 'lstm-0')
    """
    return re.sub(r"[^\w.]+", "-", place).strip("-")
