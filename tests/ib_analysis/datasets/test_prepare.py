import errno
import json
import os
import tracemalloc

import numpy as np
import pytest

from decoders.training.disk import DiskError
from ib_analysis.datasets.dataset import PARTS, Header
from ib_analysis.datasets.digits import Digits
from ib_analysis.datasets.prepare import _reserve, open_dataset, prepare_dataset
from ib_analysis.datasets.source import Block, Source
from ib_analysis.datasets.specs.cifar import Cifar10Spec, Cifar100Spec
from ib_analysis.datasets.specs.cinic10 import Cinic10Spec
from ib_analysis.datasets.specs.digits import DigitsSpec
from ib_analysis.datasets.specs.image_folder import ImageFolderSpec
from ib_analysis.datasets.specs.known_information import KnownInformationSpec
from ib_analysis.datasets.specs.source import Shares
from ib_analysis.errors import UserError
from ib_analysis.scratch import locked
from ib_analysis.spec import Described

FILES = ("header.json", "images.npy", "labels.npy")


def random_images(n, seed=0, shape=(3, 4, 5)):
    return np.random.default_rng(seed).integers(0, 256, (n, *shape)).astype(np.uint8)


@pytest.fixture
def prepared(tmp_path):
    prepare_dataset(Digits(DigitsSpec()), DigitsSpec(), tmp_path / "digits")
    return tmp_path / "digits"


def pairs(images, labels):
    return sorted((x.tobytes(), int(y)) for x, y in zip(images, labels))


SPECS = {
    "digits": lambda request: DigitsSpec(),
    "independent": lambda request: KnownInformationSpec(source="independent", count=600),
    "markov": lambda request: KnownInformationSpec(source="markov", count=600, levels=4, scale=0.3),
    "rectangles": lambda request: KnownInformationSpec(source="rectangles", count=2000, duplicates="drop"),
    "cifar10": lambda request: Cifar10Spec(folder=str(request.getfixturevalue("mini_cifar10"))),
    "cifar100": lambda request: Cifar100Spec(folder=str(request.getfixturevalue("mini_cifar100"))),
    "cinic10": lambda request: Cinic10Spec(folder=str(request.getfixturevalue("mini_cinic10"))),
    "image_folder": lambda request: ImageFolderSpec(folder=str(request.getfixturevalue("image_tree"))),
}


@pytest.fixture(params=SPECS)
def spec(request):
    return SPECS[request.param](request)


def test_law_three_disjoint_parts(spec, tmp_path):
    cls, spec = Described(**spec.described()).load()
    source = cls(spec)
    header = prepare_dataset(source, spec, tmp_path / "data")
    dataset = open_dataset(tmp_path / "data")
    assert dataset.header == header
    blocks = list(source.blocks())
    originals = pairs(np.concatenate([b.images for b in blocks]), np.concatenate([b.labels for b in blocks]))
    seen, stored = [], []
    for name in PARTS:
        part = dataset.part(name)
        assert len(part) == header.counts[name] == len(part.images) > 0
        assert set(np.unique(part.labels)) == set(range(len(source.class_names)))
        stored += pairs(part.images, part.labels)
        seen.append({x.tobytes() for x in part.images})
    if spec.duplicates == "drop":
        assert not (seen[0] & seen[1])
        assert not (seen[0] & seen[2])
        assert not (seen[1] & seen[2])
    assert len(stored) == len(originals) - header.duplicates_dropped
    assert not set(stored) - set(originals)


def test_law_the_same_spec_gives_the_same_bytes_and_another_seed_other_parts(spec, tmp_path):
    cls, spec = Described(**spec.described()).load()
    headers = [prepare_dataset(cls(spec), spec, tmp_path / name) for name in ("one", "two")]
    other = spec.model_copy(update={"seed": 1})
    different = prepare_dataset(cls(other), other, tmp_path / "three")
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert headers[0].fingerprint == headers[1].fingerprint != different.fingerprint


def test_cinic_keeps_its_own_parts_and_drops_the_leak(mini_cinic10, tmp_path):
    spec = Cinic10Spec(folder=str(mini_cinic10))
    cls, spec = Described(**spec.described()).load()
    source = cls(spec)
    header = prepare_dataset(source, spec, tmp_path / "cinic")
    assert header.duplicates_dropped == 1
    assert header.counts == {"encoder": 40, "decoder": 40, "evaluation": 39}
    dataset = open_dataset(tmp_path / "cinic")
    for block in list(source.blocks())[:2]:
        part = dataset.part(block.part)
        assert pairs(part.images, part.labels) == pairs(block.images, block.labels)


def test_a_subset_of_native_parts_is_stratified_by_part_and_class(mini_cinic10, tmp_path):
    spec = Cinic10Spec(folder=str(mini_cinic10), images=60)
    cls, spec = Described(**spec.described()).load()
    header = prepare_dataset(cls(spec), spec, tmp_path / "cinic")
    assert header.counts["encoder"] == header.counts["decoder"] == 20
    labels = open_dataset(tmp_path / "cinic").decoder.labels
    assert np.bincount(labels).tolist() == [2] * 10


def test_planted_duplicates_are_dropped_from_later_parts_or_kept(array_source, tmp_path):
    images = random_images(600)
    images[300:] = images[:300]  # each image twice
    source = array_source(images, np.arange(600) % 3)
    kept = prepare_dataset(source, DigitsSpec(duplicates="keep"), tmp_path / "kept")
    assert (sum(kept.counts.values()), kept.duplicates_dropped) == (600, 0)
    dropped = prepare_dataset(source, DigitsSpec(), tmp_path / "dropped")
    # a pair is split over two parts with probability 1 - (.4^2 + .4^2 + .2^2) = .64: 192 +- 8.3
    assert abs(dropped.duplicates_dropped - 192) < 34
    assert sum(dropped.counts.values()) == 600 - dropped.duplicates_dropped
    assert dropped.counts["encoder"] == kept.counts["encoder"]  # the first part loses nothing
    parts = [{x.tobytes() for x in open_dataset(tmp_path / "dropped").part(name).images} for name in PARTS]
    assert len(set.union(*parts)) == sum(map(len, parts)) == 300


def test_a_part_that_duplicates_leave_empty_is_told(array_source, tmp_path):
    source = array_source(np.repeat(random_images(1), 30, axis=0), np.zeros(30, int))
    with pytest.raises(UserError, match=r"decoder part has no images \(18 duplicates"):
        prepare_dataset(source, DigitsSpec(), tmp_path / "data")
    assert list(tmp_path.iterdir()) == []


def test_a_class_too_small_is_told(array_source, tmp_path):
    source = array_source(random_images(32), np.array([0] * 30 + [1] * 2))
    with pytest.raises(UserError, match="class 'class1': 2 images are too few"):
        prepare_dataset(source, DigitsSpec(), tmp_path / "data")


def test_an_empty_source_is_told(array_source, tmp_path):
    with pytest.raises(UserError, match="arrays: holds no image"):
        prepare_dataset(
            array_source(random_images(0), np.zeros(0, int), classes=1), DigitsSpec(), tmp_path / "d"
        )


def test_shares_and_subset_are_obeyed(tmp_path):
    spec = DigitsSpec(images=1000, shares=Shares(encoder=0.5, decoder=0.25, evaluation=0.25), seed=7)
    header = prepare_dataset(Digits(spec), spec, tmp_path / "digits")
    counts = np.array([header.counts[name] for name in PARTS])
    assert counts.sum() == 1000
    assert (np.abs(counts - [500, 250, 250]) <= 10).all()


class ChangingSource(Source):
    """A source that breaks its word on the second pass."""

    name, shape, levels, class_names = "changing", (1, 2, 2), 256, ("a",)

    def __init__(self, counts):
        self.counts = list(counts)

    def blocks(self):
        n, seed = self.counts.pop(0)
        yield Block(random_images(n, seed, self.shape), np.zeros(n, np.int64))


@pytest.mark.parametrize("second", [(30, 1), (29, 0), (31, 0)])
def test_images_that_change_between_the_passes_are_told(tmp_path, second):
    with pytest.raises(UserError, match="changing: the images changed while they were read"):
        prepare_dataset(ChangingSource([(30, 0), second]), DigitsSpec(), tmp_path / "data")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_and_leaves_the_old_data_set(prepared, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    before = {name: (prepared / name).read_bytes() for name in FILES}
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(
        DiskError, match=r"the disk is full \(No space left on device\); make room there and run again"
    ):
        prepare_dataset(Digits(DigitsSpec()), DigitsSpec(seed=1), prepared)
    assert {name: (prepared / name).read_bytes() for name in FILES} == before
    assert [path.name for path in prepared.parent.iterdir()] == ["digits"]


def test_a_reservation_keeps_the_content(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"start")
    _reserve(path, 100_000)
    assert path.stat().st_size == 100_000
    assert path.read_bytes() == b"start" + bytes(99_995)
    assert path.stat().st_blocks * 512 >= 100_000


def test_an_older_data_set_is_replaced_and_its_neighbours_stay(prepared):
    (prepared / "provenance.json").write_text("{}")
    old = open_dataset(prepared)
    first = np.array(old.encoder.images[0])
    header = prepare_dataset(Digits(DigitsSpec()), DigitsSpec(seed=1), prepared)
    assert open_dataset(prepared).header == header != old.header
    assert (prepared / "provenance.json").read_text() == "{}"
    np.testing.assert_array_equal(old.encoder.images[0], first)  # readers of the old files are not disturbed


def test_the_leavings_of_a_killed_run_are_cleared(tmp_path):
    leavings = tmp_path / ".digits.partial"
    leavings.mkdir()
    (leavings / "images.npy").write_bytes(b"half")
    prepare_dataset(Digits(DigitsSpec()), DigitsSpec(), tmp_path / "digits")
    assert [path.name for path in tmp_path.iterdir()] == ["digits"]


def test_two_processes_cannot_prepare_one_data_set_into_each_other(tmp_path):
    with locked(tmp_path / ".digits.partial"), pytest.raises(UserError, match="is in use by process"):
        prepare_dataset(Digits(DigitsSpec()), DigitsSpec(), tmp_path / "digits")
    assert not (tmp_path / "digits").exists()


def test_arrays_are_memory_mapped_and_read_only(prepared):
    dataset = open_dataset(prepared)
    for name in PARTS:
        part = dataset.part(name)
        assert isinstance(part.images, np.memmap)
        assert part.images.dtype == np.uint8
        assert part.labels.dtype == np.int64
        with pytest.raises(ValueError, match="read-only"):
            part.images[0] = 0
        with pytest.raises(ValueError, match="read-only"):
            part.labels[0] = 0


def test_the_fingerprint_depends_on_pixels_labels_levels_and_split(array_source, tmp_path):
    images, labels = random_images(60) % 200, np.arange(60) % 2
    spec = DigitsSpec()

    def fingerprint(images=images, labels=labels, spec=spec, levels=256):
        source = array_source(images, labels)
        source.levels = levels
        return prepare_dataset(source, spec, tmp_path / "data").fingerprint

    pixel, label = images.copy(), labels.copy()
    pixel[7, 0, 0, 0] ^= 1
    label[[0, 1]] = label[[1, 0]]
    shares = DigitsSpec(shares=Shares(encoder=0.4, decoder=0.2, evaluation=0.4))
    found = [
        fingerprint(),
        fingerprint(images=pixel),
        fingerprint(labels=label),
        fingerprint(spec=shares),
        fingerprint(spec=DigitsSpec(seed=1)),
        fingerprint(levels=250),
    ]
    assert len(set(found)) == len(found)
    assert found[0] == fingerprint()


def cut(path, n_bytes):
    path.write_bytes(path.read_bytes()[:n_bytes])


@pytest.mark.parametrize("name", ["images.npy", "labels.npy"])
@pytest.mark.parametrize("n_bytes", [0, 5, 100, 128, 5000, -1])
def test_a_truncated_array_is_named(prepared, name, n_bytes):
    cut(prepared / name, n_bytes)
    with pytest.raises(UserError, match=rf"{name}: is truncated or not an array .*; remove .*digits and run"):
        open_dataset(prepared)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(prepared, name):
    (prepared / name).unlink()
    with pytest.raises(UserError, match=rf"{name}: is missing.*; remove .*digits and run the workflow again"):
        open_dataset(prepared)


def test_a_longer_array_is_named(prepared):
    with (prepared / "labels.npy").open("ab") as file:
        file.write(b"tail")
    with pytest.raises(UserError, match=r"labels.npy: is longer than its array"):
        open_dataset(prepared)


@pytest.mark.parametrize(
    ("name", "foreign"),
    [
        ("images.npy", np.zeros((1797, 8, 8), np.uint8)),
        ("images.npy", np.zeros((1796, 1, 8, 8), np.uint8)),
        ("images.npy", np.zeros((1797, 1, 8, 8), np.float32)),
        ("labels.npy", np.zeros(1797, np.int32)),
        ("labels.npy", np.zeros(5, np.int64)),
    ],
)
def test_an_array_that_does_not_agree_with_the_header_is_named(prepared, name, foreign):
    np.save(prepared / name, foreign)
    with pytest.raises(UserError, match=rf"{name}: does not match header.json"):
        open_dataset(prepared)


@pytest.mark.parametrize("name", ["images.npy", "labels.npy"])
def test_a_flipped_bit_is_named(prepared, name):
    content = bytearray((prepared / name).read_bytes())
    content[-8] ^= 1  # a pixel of another level, a label of another class: nothing else tells it
    (prepared / name).write_bytes(content)
    with pytest.raises(
        UserError, match=rf"{name}: is damaged, its SHA-256 .*; remove .*digits and run the workflow"
    ):
        open_dataset(prepared)


def test_pickled_objects_are_refused(prepared):
    np.save(prepared / "labels.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match=r"labels.npy: is truncated or not an array"):
        open_dataset(prepared)


@pytest.mark.parametrize("label", [-1, 10])
def test_a_label_without_a_class_is_named(prepared, label):
    labels = np.load(prepared / "labels.npy")
    labels[3] = label
    np.save(prepared / "labels.npy", labels)
    with pytest.raises(UserError, match=r"labels.npy: a label has no class"):
        open_dataset(prepared)


@pytest.mark.parametrize(
    "change",
    [
        lambda header: "{",
        lambda header: "[]",
        lambda header: json.dumps({key: value for key, value in header.items() if key != "levels"}),
        lambda header: json.dumps(header | {"unknown": 1}),
        lambda header: json.dumps(header | {"counts": {"encoder": 1797}}),
        lambda header: json.dumps(header | {"counts": {"encoder": 1797, "decoder": 0, "evaluation": 0}}),
    ],
)
def test_a_damaged_header_is_named(prepared, change):
    path = prepared / "header.json"
    path.write_text(change(json.loads(path.read_text())))
    with pytest.raises(UserError, match=r"header.json: .*; remove .*digits and run the workflow again"):
        open_dataset(prepared)


def test_the_header_tells_nothing_of_when(prepared):
    header = Header.model_validate_json((prepared / "header.json").read_bytes())
    assert header.dimensions == 64
    assert set(json.loads((prepared / "header.json").read_text())) == set(Header.model_fields)


class EndlessSource(Source):
    """Images that exist only while their block does."""

    name, shape, levels, class_names = "endless", (3, 32, 32), 256, ("a", "b")

    def __init__(self, n):
        self.n = n

    def blocks(self):
        for start in range(0, self.n, 100):
            images = random_images(100, start, self.shape)
            yield Block(images, np.arange(100, dtype=np.int64) % 2)


def peak_bytes(n, folder):
    source = EndlessSource(n)
    tracemalloc.start()
    prepare_dataset(source, DigitsSpec(), folder)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_images(tmp_path):
    few, many = 3000, 12000  # 9 and 37 MB of pixels
    growth = peak_bytes(many, tmp_path / "many") - peak_bytes(few, tmp_path / "few")
    assert growth < (many - few) * 150  # labels, places and digests; an image has 3072 bytes
