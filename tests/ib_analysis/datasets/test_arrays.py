"""Images and labels in NumPy files: read without a pickle; learned images are the encoder part."""

import numpy as np
import pytest

from ib_analysis.datasets.arrays import Arrays
from ib_analysis.datasets.prepare import open_dataset, prepare_dataset
from ib_analysis.datasets.specs.arrays import ArraysSpec
from ib_analysis.datasets.specs.source import Shares
from ib_analysis.errors import UserError

N = 80
SHARES = {"encoder": 0.0, "decoder": 0.75, "evaluation": 0.25}


@pytest.fixture
def saved(tmp_path):
    """Saves arrays and gives their spec."""

    def save(**arrays):
        for name, array in arrays.items():
            np.save(tmp_path / f"{name}.npy", array)
        files = {f"{name}_file": str(tmp_path / f"{name}.npy") for name in arrays}
        return ArraysSpec(shares=SHARES, **files)

    return save


def images(n=N):
    return np.random.default_rng(0).integers(0, 256, (n, 1, 4, 4)).astype(np.uint8)


def test_every_value_of_a_label_is_a_class_and_no_image_is_for_an_encoder(saved, tmp_path):
    labels = np.where(np.arange(N) % 2, 7, -1)
    spec = saved(images=images(), labels=labels)
    header = prepare_dataset(Arrays(spec), spec, tmp_path / "out")
    assert header.class_names == ("-1", "7")
    assert header.counts == {"encoder": 0, "decoder": 60, "evaluation": 20}
    data = open_dataset(tmp_path / "out")
    row = int(np.flatnonzero((images() == data.evaluation.images[0]).all((1, 2, 3)))[0])
    assert header.class_names[data.evaluation.labels[0]] == str(labels[row])


def test_learned_images_are_the_encoder_part_and_the_shares_divide_the_others(saved, tmp_path):
    learned = np.arange(0, N, 4)
    spec = saved(images=images(), labels=np.arange(N) % 2, learned=learned)
    halves = spec.model_copy(update={"shares": Shares(encoder=0.5, decoder=0.25, evaluation=0.25)})
    for drawn, decoder in ((spec, 45), (halves, 30)):
        header = prepare_dataset(Arrays(drawn), drawn, tmp_path / "out")
        assert header.counts == {"encoder": 20, "decoder": decoder, "evaluation": 60 - decoder}
    data = open_dataset(tmp_path / "out")
    assert {*map(bytes, data.encoder.images)} == {*map(bytes, images()[learned])}
    assert np.bincount(data.decoder.labels).tolist() == [10, 20]  # each class by the shares


def test_a_copy_of_a_learned_image_is_no_new_image(saved, tmp_path):
    copied = images()
    copied[1] = copied[0]
    spec = saved(images=copied, labels=np.arange(N) // 40, learned=np.array([0, 5]))
    header = prepare_dataset(Arrays(spec), spec, tmp_path / "out")
    assert header.duplicates_dropped == 1
    data = open_dataset(tmp_path / "out")
    for part in (data.decoder, data.evaluation):
        assert bytes(copied[0]) not in {*map(bytes, part.images)}


def test_another_file_in_the_place_of_the_images_is_another_listing(saved):
    spec = saved(images=images())
    before = spec.listing()
    assert saved(images=images(N + 1)).listing() != before
    assert ArraysSpec(images_file="nowhere.npy").listing() is None


def test_other_learned_images_are_another_data_set(saved, tmp_path):
    prints = set()
    for start in (0, 1):
        spec = saved(images=images(), labels=np.arange(N) % 2, learned=np.arange(start, N, 4))
        prints.add(prepare_dataset(Arrays(spec), spec, tmp_path / "out").fingerprint)
    spec = saved(images=images(), labels=np.arange(N) % 2)
    prints.add(prepare_dataset(Arrays(spec), spec, tmp_path / "out").fingerprint)
    assert len(prints) == 3


def test_without_labels_there_is_one_target(saved, tmp_path):
    spec = saved(images=images())
    header = prepare_dataset(Arrays(spec), spec, tmp_path / "out")
    assert header.targets == ("image",)


def test_a_file_that_needs_a_pickle_is_refused(saved):
    spec = saved(images=np.array([{"an": "object"}], dtype=object))
    with pytest.raises(UserError, match=r"images.npy is no array .* without a pickle"):
        Arrays(spec)


def test_a_missing_file_and_a_text_are_named(tmp_path):
    with pytest.raises(UserError, match=r"none.npy is missing"):
        Arrays(ArraysSpec(images_file=str(tmp_path / "none.npy")))
    (tmp_path / "text.npy").write_text("images")
    with pytest.raises(UserError, match=r"text.npy is no array"):
        Arrays(ArraysSpec(images_file=str(tmp_path / "text.npy")))
