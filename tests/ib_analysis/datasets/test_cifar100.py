import pickle

import numpy as np
import pytest

from ib_analysis.datasets.cifar100 import Cifar100
from ib_analysis.datasets.specs.cifar import Cifar100Spec
from ib_analysis.errors import UserError


def test_train_then_test_with_fine_labels(mini_cifar100):
    source = Cifar100(Cifar100Spec(folder=str(mini_cifar100)))
    blocks = list(source.blocks())
    parts = [pickle.loads((mini_cifar100 / name).read_bytes()) for name in ("train", "test")]  # noqa: S301
    images = np.concatenate([block.images for block in blocks])
    labels = np.concatenate([block.labels for block in blocks])
    np.testing.assert_array_equal(images.reshape(800, -1), np.concatenate([part[b"data"] for part in parts]))
    np.testing.assert_array_equal(labels, np.concatenate([part[b"fine_labels"] for part in parts]))
    assert source.class_names == tuple(f"fine{i}" for i in range(100))


def test_a_folder_of_pictures_in_the_place_of_a_batch_is_explained(mini_cifar100):
    (mini_cifar100 / "train").unlink()
    (mini_cifar100 / "train" / "apple").mkdir(parents=True)
    with pytest.raises(UserError, match=r"train: is a folder, .*cifar-100-python.tar.gz.*kind: image_folder"):
        Cifar100(Cifar100Spec(folder=str(mini_cifar100)))
