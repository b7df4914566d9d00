"""Checkpoints: the weights of one encoder at one epoch, with the description from which it is rebuilt."""

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from decoders.training.failures import reading
from decoders.training.tensor_file import read_tensors, write_tensors
from ib_analysis.artefacts import sha256
from ib_analysis.encoders.encoder import Encoder, ImageShape
from ib_analysis.encoders.specs.encoder import EncoderSpec
from ib_analysis.errors import UserError
from ib_analysis.spec import Described

KEY = "checkpoint"
REMEDY = "remove it and run the workflow again"


@dataclass(frozen=True)
class Checkpoint:
    """An encoder in evaluation mode, without gradients, on the CPU."""

    encoder: Encoder
    epoch: int
    seed: int
    digest: str
    """SHA-256 of the file."""


def checkpoint_name(epoch: int) -> str:
    """File name of the checkpoint of an epoch.

    >>> checkpoint_name(10)
    'epoch-10.safetensors'
    """
    return f"epoch-{epoch}.safetensors"


def save_checkpoint(encoder: Encoder, path: Path, *, epoch: int, seed: int) -> None:
    """Writes the encoder's state as safetensors, atomically; the metadata holds its description as JSON.

    Raises:
        DiskError: the operating system refuses the file, for want of room or for another reason.
    """
    about = {**encoder.description(), "epoch": epoch, "seed": seed}
    tensors = {name: value.detach().clone() for name, value in encoder.state_dict().items()}
    write_tensors(path, KEY, about, tensors)


def load_checkpoint(path: Path) -> Checkpoint:
    """Builds the encoder that a checkpoint describes, with its weights; executes nothing from the file.

    Raises:
        UserError: the file is missing, truncated, damaged, or not a checkpoint of an encoder; or the user's own network
            that it describes can no longer be built.
    """
    if not path.is_file():
        raise UserError(f"{path} is missing: run the workflow again, it trains the encoder")
    of_file = (path, "is truncated, damaged or not a checkpoint of an encoder", REMEDY, UserError)
    with reading(*of_file):
        found = read_tensors(path, KEY)
        if found is None:
            raise KeyError(KEY)
        about, tensors = found
        build = _builder(about)
        epoch, seed = int(about["epoch"]), int(about["seed"])
    # That a network of the user's own is gone is no fault of the file.
    with nullcontext() if build.spec.is_given else reading(*of_file):
        encoder = build()
    with reading(*of_file):
        encoder.load_state_dict(tensors)
    return Checkpoint(encoder.eval().requires_grad_(False), epoch, seed, sha256(path))


@dataclass(frozen=True)
class _Builder:
    """Builds the encoder that a description names."""

    encoder_class: type[Encoder]
    spec: EncoderSpec
    about: dict[str, Any]

    def __call__(self) -> Encoder:
        image = ImageShape(**self.about["image"])
        return self.encoder_class(self.spec, self.about["regime"], image, self.about["classes"])


def _builder(about: dict[str, Any]) -> _Builder:
    cls, spec = Described(implementation=about["implementation"], spec=about["spec"]).load()
    if not (isinstance(cls, type) and issubclass(cls, Encoder)):
        raise ValueError(f"{about['implementation']} is not an encoder")
    return _Builder(cls, spec, about)
