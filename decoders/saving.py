"""A fitted decoder as one file: weights as safetensors, and its description as JSON in the header."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from safetensors import safe_open
from safetensors.torch import save

from decoders.density import Decoder
from decoders.errors import DecoderFileError
from decoders.spec import ImageTarget, LabelTarget
from decoders.training.atomic_file import write_bytes
from decoders.training.failures import reading

FORMAT = "decoder-2"
_TARGET: TypeAdapter[ImageTarget | LabelTarget] = TypeAdapter(ImageTarget | LabelTarget)


def save_decoder(decoder: Decoder, path: Path) -> None:
    """Write the decoder to `path` atomically; equal decoders give equal bytes.

    Raises:
        DiskError: the operating system refuses the file, for want of room or for another reason.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in decoder.state_dict().items()}
    # A single key, because safetensors writes several keys in an order that differs between processes.
    content = save(tensors, {FORMAT: json.dumps(decoder.description())})
    write_bytes(path, content)


def load_decoder(path: Path) -> Decoder:
    """Load a decoder, on the CPU, in evaluation mode; loading executes no code from the file.

    Raises:
        DecoderFileError: the file is truncated, or not a decoder of this package.
        DiskError: the file is missing, or the operating system refuses it.
    """
    with (
        reading(path, "is truncated or not a decoder file", "delete it and fit the decoder again"),
        safe_open(path, framework="pt") as file,
    ):
        decoder = build_decoder(_description(file))
        decoder.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118 (no mapping)
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


def _description(file: Any) -> dict[str, Any]:
    header: dict[str, str] = file.metadata() or {}
    if FORMAT not in header:
        raise DecoderFileError("it is no decoder of this program")
    description: dict[str, Any] = json.loads(header[FORMAT])
    return description
