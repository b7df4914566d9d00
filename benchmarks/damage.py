"""Every kind of file that the laboratory reads, and what its reader says of a damaged one."""

import hashlib
import pickle
import random
import struct
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from decoders.categorical import Categorical
from decoders.checksum import append_checksum, has_its_checksum
from decoders.errors import DecoderError
from decoders.saving import load_decoder, save_decoder
from decoders.spec import CategoricalSpec, LabelTarget
from decoders.training.disk import DiskError
from decoders.training.saved_state import SavedState
from decoders.training.validation import HistoryRow
from ib_analysis.activations.store import ActivationStore, StoreWriter
from ib_analysis.artefacts import read_json, verified, write_json, write_record
from ib_analysis.datasets.cifar_batches import class_names, read_batch
from ib_analysis.datasets.image_files import read_image
from ib_analysis.datasets.known_information import KnownInformation
from ib_analysis.datasets.prepare import HEADER, IMAGES, LABELS, open_dataset, prepare_dataset
from ib_analysis.datasets.specs.known_information import KnownInformationSpec
from ib_analysis.encoders.checkpoint import load_checkpoint, save_checkpoint
from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.resnet import ResNet
from ib_analysis.encoders.specs.resnet import ResNetSpec
from ib_analysis.encoders.torch_module.weights_file import read_weights
from ib_analysis.errors import UserError
from ib_analysis.figures.samples import Samples, read_samples, write_samples
from ib_analysis.information.measurement.evaluation import (
    Evaluation,
    MarginalEvaluation,
    PointNats,
    read_evaluation,
    read_marginal_evaluation,
    write_evaluation,
    write_marginal_evaluation,
)
from ib_analysis.information.measurement.parts import Parts
from ib_analysis.point import Network
from ib_analysis.rows import read_rows, write_rows

SENTENCES = (UserError, DecoderError, DiskError)
REFUSED, SAME, SILENT, TRACEBACK = "refused", "same", "silent", "traceback"


@dataclass(frozen=True)
class Kind:
    """One kind of file: how it is made, how the program reads it, and how long its header is.

    `read` returns the content, or raises; None is a reader that found the file unusable and does without it. `of_user`
    marks files that a user gives, which have no checksum of ours.
    """

    name: str
    make: Callable[[Path], None]
    read: Callable[[Path], Any]
    header: Callable[[bytes], int] = len
    of_user: bool = False


@dataclass(frozen=True)
class Outcomes:
    """How many damaged copies of a kind had each outcome, and the first traceback."""

    kind: Kind
    counts: Counter[str]
    first: str = ""


def kinds() -> list[Kind]:
    """Every kind of file that is read."""
    return [
        Kind("checkpoint", _make_checkpoint, _read_checkpoint, _header_of_safetensors),
        Kind("decoder", _make_decoder, _read_decoder, _header_of_safetensors),
        Kind("nats", _make_nats, _read_nats),
        Kind("nats of p(x)", _make_marginal, lambda path: _plain(vars(read_marginal_evaluation(path)))),
        Kind("samples", _make_samples, lambda path: _plain(vars(read_samples(path)))),
        Kind(HEADER, _make_dataset, _read_dataset),
        Kind(IMAGES, _make_dataset, _read_dataset, _header_of_npy),
        Kind(LABELS, _make_dataset, _read_dataset, _header_of_npy),
        Kind("header.json of activations", _make_store, _read_store),
        Kind("h.npy of activations", _make_store, _read_store, _header_of_npy),
        Kind("state of a training", _make_state, lambda path: _plain(SavedState(path, "run").read())),
        Kind(
            "table",
            _make_table,
            lambda path: [tuple(vars(row).items()) for row in read_rows(path, HistoryRow)],
        ),
        Kind("json", lambda path: write_json(path, {"a": [1, "b", None]}), read_json),
        Kind("compiled code", _make_library, _read_library),
        Kind("weights.pt of a user", _make_weights, lambda path: _plain(read_weights(path)), of_user=True),
        Kind(
            "weights.safetensors of a user",
            lambda path: save_file({"w": torch.arange(24.0)}, path),
            lambda path: _plain(read_weights(path)),
            _header_of_safetensors,
            of_user=True,
        ),
        Kind("CIFAR batch", _make_batch, _read_batch, lambda _: 120, of_user=True),
        Kind("CIFAR names", _make_names, lambda path: class_names(path, "label_names"), of_user=True),
        *(
            Kind(f"image.{form}", _make_image, lambda path: read_image(path, "rgb").tobytes(), of_user=True)
            for form in ("png", "jpg", "bmp", "gif", "tif")
        ),
    ]


def path_of(kind: Kind, folder: Path) -> Path:
    """Where a file of that kind lies; the name of the kind ends with that of the file where a reader demands it."""
    last = kind.name.split(" of ")[0].replace(" ", "-")
    return folder / (last if "." in last else f"{last}.file")


def make(kind: Kind, folder: Path) -> Path:
    """A sound file with the record that its stage writes beside it."""
    folder.mkdir(parents=True)
    path = path_of(kind, folder)
    kind.make(path)
    write_record(path, {"spec": {}, "inputs": {}})
    return path


def flips(kind: Kind, folder: Path, positions: Iterator[int]) -> Outcomes:
    """The outcome of each flipped bit, one at a time."""
    path = make(kind, folder)
    sound = path.read_bytes()

    def damaged() -> Iterator[bytes]:
        for bit in positions:
            content = bytearray(sound)
            content[bit // 8 % len(sound)] ^= 1 << bit % 8
            yield bytes(content)

    return _outcomes(kind, path, damaged())


def cuts(kind: Kind, folder: Path, count: int, seed: int) -> Outcomes:
    """The outcome of each truncation to a random length."""
    path = make(kind, folder)
    sound, draws = path.read_bytes(), random.Random(seed)
    lengths = [draws.randrange(len(sound)) for _ in range(count)]
    return _outcomes(kind, path, (sound[:length] for length in lengths))


def bits_of_header(kind: Kind, folder: Path) -> int:
    """Number of bits of the header of a file of that kind."""
    return 8 * kind.header(make(kind, folder).read_bytes())


def random_bits(count: int, seed: int) -> Iterator[int]:
    """Random positions, to be taken modulo the length of the file."""
    draws = random.Random(seed)
    return (draws.getrandbits(40) for _ in range(count))


def _outcomes(kind: Kind, path: Path, contents: Iterator[bytes]) -> Outcomes:
    right, counts, first = kind.read(path), Counter[str](), ""
    sound = path.read_bytes()
    for content in contents:
        path.write_bytes(content)
        outcome, said = _outcome(kind, path, right)
        counts[outcome] += 1
        first = first or said
    path.write_bytes(sound)
    return Outcomes(kind, counts, first)


def _outcome(kind: Kind, path: Path, right: Any) -> tuple[str, str]:
    """What the reader says, and, where it says nothing, what the door before it says."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = kind.read(path)
        if found is None:
            return REFUSED, ""
        if not kind.of_user:
            verified(path)
    except SENTENCES:
        return REFUSED, ""
    except Exception as error:
        return TRACEBACK, f"{type(error).__name__}: {error}"
    return (SAME if found == right else SILENT), ""


def _plain(content: Any) -> Any:
    """Content that compares by value: arrays and tensors as their type, shape and a digest of their bytes."""
    if isinstance(content, torch.Tensor):
        content = content.detach().numpy()
    if isinstance(content, np.ndarray):
        return str(content.dtype), content.shape, hashlib.sha256(content.tobytes()).hexdigest()
    if isinstance(content, dict):
        return {str(key): _plain(value) for key, value in content.items()}
    return [_plain(value) for value in content] if isinstance(content, list | tuple) else repr(content)


def _header_of_safetensors(content: bytes) -> int:
    return 8 + int(struct.unpack("<Q", content[:8])[0])


def _header_of_npy(content: bytes) -> int:
    return 10 + int(struct.unpack("<H", content[8:10])[0])


NETWORK = Network("net", "classifier", 0)
POINT = NETWORK.at(0, "h1")
NUMBERS = np.random.default_rng(0)


def _make_checkpoint(path: Path) -> None:
    torch.manual_seed(0)
    image = ImageShape(channels=1, height=8, width=8, levels=17)
    encoder = ResNet(ResNetSpec(blocks=(1,), widths=(2,), bottleneck=2), "classifier", image, 3)
    save_checkpoint(encoder, path, epoch=2, seed=1)


def _read_checkpoint(path: Path) -> Any:
    found = load_checkpoint(path)
    return _plain([found.epoch, found.seed, found.encoder.description(), dict(found.encoder.state_dict())])


def _make_decoder(path: Path) -> None:
    torch.manual_seed(0)
    save_decoder(Categorical(CategoricalSpec(hidden=3), LabelTarget(classes=3), (4,)), path)


def _read_decoder(path: Path) -> Any:
    decoder = load_decoder(path)
    return _plain([decoder.description(), dict(decoder.state_dict())])


def _make_nats(path: Path) -> None:
    with path.open("wb"):
        pass
    image, label = (Parts(*(NUMBERS.normal(size=count) for count in (9, 4, 5))) for _ in range(2))
    classes = Parts(*(NUMBERS.normal(size=(count, 3)) for count in (9, 4, 5)))
    nats = {POINT: PointNats(image, classes, label)}
    write_evaluation(path.with_suffix(".npz"), Evaluation("measurement", NETWORK, nats))
    path.with_suffix(".npz").replace(path)


def _read_nats(path: Path) -> Any:
    found = read_evaluation(path)
    of_points = {
        tuple(point): [list(parts) for parts in vars(nats).values()] for point, nats in found.points.items()
    }
    return _plain([found.variant, tuple(found.network), of_points])


def _make_marginal(path: Path) -> None:
    write_marginal_evaluation(
        path.with_suffix(".npz"), MarginalEvaluation("measurement", NUMBERS.normal(size=9))
    )
    path.with_suffix(".npz").replace(path)


def _make_samples(path: Path) -> None:
    images = NUMBERS.integers(0, 17, (2, 1, 4, 4)).astype(np.uint8)
    drawn = {POINT: images[None]}
    samples = Samples(NETWORK, 17, np.arange(2), images, ("a", "b"), drawn)
    write_samples(path.with_suffix(".npz"), samples)
    path.with_suffix(".npz").replace(path)


def _make_dataset(path: Path) -> None:
    spec = KnownInformationSpec(count=40, size=4, levels=4, scale=0.5)
    prepare_dataset(KnownInformation(spec), spec, path.parent)


def _read_dataset(path: Path) -> Any:
    data = open_dataset(path.parent)
    parts = [[part.name, part.images, part.labels] for part in (data.encoder, data.decoder, data.evaluation)]
    return _plain([data.header.model_dump(), *parts])


STORE = {"fingerprint": "f", "part": "decoder", "checkpoint_digest": "c"}


def _make_store(path: Path) -> None:
    shapes = {"h": (3,)}
    writer = StoreWriter(path.parent / "store", count=8, shapes=shapes, **STORE)  # type: ignore[arg-type]
    with writer:
        writer.append({"h": torch.from_numpy(NUMBERS.normal(size=(8, 3))).float()})
    for file in (path.parent / "store").iterdir():
        file.replace(path.parent / file.name)


def _read_store(path: Path) -> Any:
    store = ActivationStore.open(path.parent, **STORE)  # type: ignore[arg-type]
    return _plain([store.header.model_dump(), dict(store.arrays)])


def _make_state(path: Path) -> None:
    SavedState(path, "run").write({"step": 3, "weights": {"w": torch.arange(12.0)}, "history": [1.0, None]})


def _make_table(path: Path) -> None:
    rows = [HistoryRow(step, 0.5 * step, None if step == 0 else 1.25, 2.0, 0.125, 1e-3) for step in range(5)]
    write_rows(path, HistoryRow, rows)


def _make_library(path: Path) -> None:
    path.write_bytes(NUMBERS.bytes(500))
    append_checksum(path)


def _read_library(path: Path) -> Any:
    return path.read_bytes() if has_its_checksum(path) else None


def _make_weights(path: Path) -> None:
    torch.save({"state_dict": {"w": torch.arange(24.0)}}, path)


def _make_batch(path: Path) -> None:
    data = NUMBERS.integers(0, 256, (2, 3072)).astype(np.uint8)
    path.write_bytes(pickle.dumps({b"data": data, b"labels": [0, 2]}, protocol=2))


def _read_batch(path: Path) -> Any:
    images, labels = read_batch(path, "labels", 3)
    return _plain([images, labels])


def _make_names(path: Path) -> None:
    path.write_bytes(pickle.dumps({b"label_names": [b"cat", b"dog"]}, protocol=2))


def _make_image(path: Path) -> None:
    Image.fromarray(NUMBERS.integers(0, 256, (9, 8, 3), dtype=np.uint8)).save(path)
