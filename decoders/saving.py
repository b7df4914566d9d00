"""A fitted decoder as one file: weights as safetensors, its description as JSON in the header, a checksum of both."""

from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from decoders.density import Decoder
from decoders.errors import DecoderFileError
from decoders.spec import ImageTarget, LabelTarget
from decoders.training.failures import reading
from decoders.training.tensor_file import read_tensors, write_tensors

FORMAT = "decoder-3"
_TARGET: TypeAdapter[ImageTarget | LabelTarget] = TypeAdapter(ImageTarget | LabelTarget)


def save_decoder(decoder: Decoder, path: Path) -> None:
    """Write the decoder to `path` atomically; equal decoders give equal bytes.

    Raises:
        DiskError: the operating system refuses the file, for want of room or for another reason.
    """
    write_tensors(path, FORMAT, decoder.description(), decoder.state_dict())


def load_decoder(path: Path) -> Decoder:
    """Load a decoder, on the CPU, in evaluation mode; loading executes no code from the file.

    Raises:
        DecoderFileError: the file is truncated, damaged, or not a decoder of this package.
        DiskError: the file is missing, or the operating system refuses it.
    """
    with reading(path, "is truncated, damaged or not a decoder file", "delete it and fit the decoder again"):
        found = read_tensors(path, FORMAT)
        if found is None:
            raise DecoderFileError("it is no decoder of this program")
        description, weights = found
        decoder = build_decoder(description)
        decoder.load_state_dict(weights)
    return decoder.eval()


def build_decoder(description: dict[str, Any]) -> Decoder:
    """Build a decoder with new weights from `Decoder.description()`.

    Raises:
        DecoderFileError: the implementation is not a decoder of this package.
    """
    module, _, name = description["implementation"].partition(":")
    if module.partition(".")[0] != "decoders":
        raise DecoderFileError(
            f"implementation {module!r} lies outside the package of decoders and is not loaded"
        )
    cls = getattr(import_module(module), name)
    if not (isinstance(cls, type) and issubclass(cls, Decoder)):
        raise DecoderFileError(f"{module}:{name} is not a decoder and is not loaded")
    context = description["context"]
    target = _TARGET.validate_python(description["target"])
    decoder: Decoder = cls(
        cls.Spec(**description["spec"]), target, None if context is None else tuple(context)
    )
    return decoder
