import os
import pickle

import numpy as np
import pytest

from ib_analysis.datasets.cifar_batches import class_names, read_batch, read_pickle
from ib_analysis.errors import UserError


def write(path, content, protocol=2):
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


class Runs:
    """A pickle that runs a command when it is loaded carelessly."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_batch_is_read_as_it_was_written(tmp_path, protocol, order):
    data = np.asarray(np.random.default_rng(0).integers(0, 256, (5, 3072)), np.uint8, order=order)
    path = write(tmp_path / "batch", {b"data": data, b"labels": [0, 1, 2, 1, 0]}, protocol)
    images, labels = read_batch(path, "labels", 3)
    np.testing.assert_array_equal(images.reshape(5, 3072), data)
    assert labels.tolist() == [0, 1, 2, 1, 0]
    assert images.shape == (5, 3, 32, 32)


def test_a_pickle_of_python_2_is_read(tmp_path):
    # "S'data'\n" is how Python 2 wrote its strings
    (tmp_path / "meta").write_bytes(b"(dp0\nS'label_names'\np1\n(lp2\nS'cat'\naS'dog'\nas.")
    assert class_names(tmp_path / "meta", "label_names") == ("cat", "dog")


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (os.system, ("touch {}",)),
        (eval, ("open({!r}, 'w')",)),  # noqa: S307 (it must be refused)
        (np.fromfile, ("{}",)),
        (np.load, ("{}",)),
        (getattr, ("{}", "upper")),
    ],
)
def test_a_batch_never_runs_code(tmp_path, function, arguments):
    mark = tmp_path / "mark"
    arguments = tuple(argument.format(str(mark)) for argument in arguments)
    path = write(tmp_path / "batch", {b"data": Runs(function, *arguments), b"labels": []})
    with pytest.raises(UserError, match=r"batch: not a CIFAR batch \(it would run"):
        read_batch(path, "labels", 10)
    assert not mark.exists()


@pytest.mark.parametrize(
    "content",
    [
        {b"labels": [0]},
        {b"data": np.zeros((1, 3072), np.uint8)},
        {b"data": np.zeros((1, 3072), np.float32), b"labels": [0]},
        {b"data": np.array([None, {}], dtype=object), b"labels": [0]},
        {b"data": np.zeros((2, 100), np.uint8), b"labels": [0, 1]},
        {b"data": np.zeros((2, 3072), np.uint8), b"labels": [0]},
        {b"data": np.zeros((2, 3072), np.uint8), b"labels": [0, 10]},
        {b"data": np.zeros((2, 3072), np.uint8), b"labels": [0, -1]},
        {b"data": np.zeros((2, 3072), np.uint8), b"labels": [[0], [1, 2]]},
        {b"data": b"\0" * 3072, b"labels": [0]},
        [1, 2, 3],
    ],
)
def test_a_foreign_or_inconsistent_batch_is_refused(tmp_path, content):
    path = write(tmp_path / "data_batch_1", content)
    with pytest.raises(UserError, match="data_batch_1"):
        read_batch(path, "labels", 10)


@pytest.mark.parametrize("keep", [0, 1, 10, 500])
def test_a_truncated_batch_is_refused(tmp_path, keep):
    path = write(tmp_path / "test_batch", {b"data": np.zeros((2, 3072), np.uint8), b"labels": [0, 1]})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UserError, match=r"test_batch: not a CIFAR batch .* unpack"):
        read_pickle(path)


def test_a_meta_file_without_names_is_refused(tmp_path):
    with pytest.raises(UserError, match="no list 'label_names'"):
        class_names(write(tmp_path / "meta", {b"num_vis": 3}), "label_names")
