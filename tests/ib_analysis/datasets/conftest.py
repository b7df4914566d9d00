"""Miniature archives in the official formats, and a source made of arrays."""

import hashlib
import pickle
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ib_analysis.datasets.cifar10 import Cifar10
from ib_analysis.datasets.cifar100 import Cifar100
from ib_analysis.datasets.cinic10 import CLASSES, Cinic10
from ib_analysis.datasets.source import Block, Source
from ib_analysis.datasets.specs.digits import DigitsSpec


class ArraySource(Source):
    """A source of arrays, cut into blocks of a chosen length."""

    Spec = DigitsSpec

    def __init__(self, images, labels, parts=None, length=7, classes=None):
        self.images, self.labels, self.parts, self.length = images, labels, parts, length
        self.name, self.shape, self.levels = "arrays", images.shape[1:], 256
        self.class_names = tuple(f"class{i}" for i in range(classes or int(labels.max()) + 1))

    def blocks(self):
        for start in range(0, len(self.labels), self.length):
            rows = slice(start, start + self.length)
            yield Block(self.images[rows], self.labels[rows], self.parts and self.parts[start // self.length])


@pytest.fixture
def array_source():
    return ArraySource


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """No test sees the user's own cache."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("IB_ANALYSIS_DATA", str(folder))
    return folder


def _dump(path: Path, content) -> None:
    path.write_bytes(pickle.dumps(content, protocol=2))


def _batch(rng, n, classes, label_key):
    """Keys as Python 2 wrote them, raster planes of red, green and blue."""
    return {
        b"batch_label": b"a batch",
        label_key: [int(label) for label in rng.permutation(np.arange(n) % classes)],
        b"data": rng.integers(0, 256, (n, 3072)).astype(np.uint8),
        b"filenames": [b"%d.png" % i for i in range(n)],
    }


def _md5s(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.md5(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def pack(folder: Path, archive: Path, names=None) -> str:
    """A tar archive of a folder under its own name; its md5."""
    mode = {".gz": "w:gz", ".xz": "w:xz", ".tar": "w"}[archive.suffix]
    options = {"preset": 0} if mode == "w:xz" else {}
    with tarfile.open(archive, mode, **options) as tar:
        for path in names or [folder]:
            tar.add(path, arcname=path.name)
    return hashlib.md5(archive.read_bytes()).hexdigest()


@pytest.fixture
def mini_cifar10(tmp_path, monkeypatch) -> Path:
    """The unpacked folder of a CIFAR-10 of 6 x 60 images, and Cifar10 told of its checksums."""
    folder = tmp_path / "official" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        _dump(folder / name, _batch(rng, 60, 10, b"labels"))
    names = [name.encode() for name in CLASSES]
    _dump(folder / "batches.meta", {b"num_cases_per_batch": 60, b"label_names": names, b"num_vis": 3072})
    monkeypatch.setattr(Cifar10, "official", replace(Cifar10.official, files=_md5s(folder)))
    return folder


@pytest.fixture
def mini_cifar100(tmp_path, monkeypatch) -> Path:
    """The unpacked folder of a CIFAR-100 of 500 + 300 images, and Cifar100 told of its checksums."""
    folder = tmp_path / "official" / "cifar-100-python"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(1)
    for name, n in (("train", 500), ("test", 300)):
        batch = _batch(rng, n, 100, b"fine_labels")
        _dump(folder / name, batch | {b"coarse_labels": [label // 5 for label in batch[b"fine_labels"]]})
    meta = {b"fine_label_names": [b"fine%d" % i for i in range(100)], b"coarse_label_names": [b"c"] * 20}
    _dump(folder / "meta", meta)
    monkeypatch.setattr(Cifar100, "official", replace(Cifar100.official, files=_md5s(folder)))
    return folder


@pytest.fixture
def mini_cinic10(tmp_path, monkeypatch) -> Path:
    """The unpacked folder of a CINIC-10 of 3 x 10 x 4 images; one image of `test` stands in `train` too."""
    folder = tmp_path / "official" / "CINIC-10"
    rng = np.random.default_rng(2)
    for split in ("train", "valid", "test"):
        for name in CLASSES:
            (folder / split / name).mkdir(parents=True)
            for i in range(4):
                pixels = rng.integers(0, 256, (32, 32, 3)).astype(np.uint8)
                Image.fromarray(pixels).save(folder / split / name / f"{i}.png")
    copy = (folder / "train" / "cat" / "2.png").read_bytes()
    (folder / "test" / "cat" / "1.png").write_bytes(copy)
    assert Cinic10.official.folder == folder.name
    monkeypatch.setattr(Cinic10, "per_class", 4)
    return folder


@pytest.fixture
def image_tree(tmp_path) -> Path:
    """A folder of 3 classes of 6 grey and RGB images of 12x16, in several formats."""
    folder = tmp_path / "pictures"
    rng = np.random.default_rng(3)
    for name in ("ant", "bee", "cow"):
        (folder / name).mkdir(parents=True)
        for i, suffix in enumerate((".png", ".bmp", ".tif", ".jpg", ".png", ".gif")):
            pixels = rng.integers(0, 256, (12, 16) if i == 4 else (12, 16, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{i}{suffix}")
    return folder


@pytest.fixture
def packed():
    return pack
