import numpy as np
from sklearn.datasets import load_digits

from ib_analysis.datasets.digits import Digits
from ib_analysis.datasets.specs.digits import DigitsSpec


def test_the_digits_are_those_of_scikit_learn():
    blocks = list(Digits(DigitsSpec()).blocks())
    images = np.concatenate([block.images for block in blocks])
    labels = np.concatenate([block.labels for block in blocks])
    assert images.shape == (1797, *Digits.shape)
    assert images.dtype == np.uint8
    assert labels.dtype == np.int64
    assert images.max() == Digits.levels - 1
    np.testing.assert_array_equal(images[:, 0], load_digits().images)
    np.testing.assert_array_equal(labels, load_digits().target)
