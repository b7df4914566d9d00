"""What every estimator is given, checked once for all of them."""

import numpy as np
import pytest

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.arrays import rows_of_numbers
from ib_analysis.information.estimators.catalogue import estimator

GOOD = np.arange(20.0)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (["a"] * 20, "x holds what is no number"),
        ([[1.0], [1.0, 2.0]] * 10, "x holds what is no number, or rows of unequal length"),
        (GOOD[:3], "x has 3 rows: give 8 or more"),
        (np.empty((20, 0)), "x has no number in a row"),
        (np.where(GOOD == 3, np.nan, GOOD), "x holds a number that is not finite"),
    ],
)
def test_what_is_no_sample_is_refused_in_a_sentence(values, sentence):
    with pytest.raises(UserError, match=sentence):
        estimator("binning").estimate(values, GOOD)


def test_rows_are_flattened():
    assert rows_of_numbers(np.zeros((9, 2, 3)), "x").shape == (9, 6)
    assert rows_of_numbers(list(range(9)), "x").shape == (9, 1)
