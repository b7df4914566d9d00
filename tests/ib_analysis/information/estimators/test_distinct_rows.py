import math

import numpy as np
import pytest

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.distinct_rows import (
    alone,
    alone_warning,
    ceiling_warning,
    codes,
    is_class,
    symbol_and_features,
)
from ib_analysis.information.measurement.quantity import Quantity


def test_codes_literally():
    rows = np.random.default_rng(0).integers(0, 3, (200, 3)).astype(float)
    seen: list[list[float]] = []
    for row in rows.tolist():
        if row not in seen:
            seen.append(row)
    assert codes(rows).tolist() == [seen.index(row) for row in rows.tolist()]
    assert codes(rows.astype(np.int8)).tolist() == codes(rows).tolist()


def test_rows_that_differ_in_the_last_digit_differ():
    assert codes(np.array([[1.0], [np.nextafter(1.0, 2.0)], [1.0]])).tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[0], [1], [1]], True),
        ([[0], [1], [2]], False),  # numbers of images, no class
        ([[0.5], [1], [1]], False),
        ([[0, 0], [1, 1], [1, 1]], False),
    ],
)
def test_what_is_a_class(rows, expected):
    assert is_class(np.array(rows, dtype=float)) is expected


def test_the_side_that_gets_the_noise():
    image, label = np.random.default_rng(0).random((8, 5)), np.array([[0.0], [1.0]] * 4)
    h = np.random.default_rng(1).random((8, 2))
    assert symbol_and_features(h, label, Quantity.LABEL_INFORMATION)[1] is h
    assert symbol_and_features(h, label, Quantity.MUTUAL_INFORMATION)[1] is h
    assert symbol_and_features(image, h, Quantity.IMAGE_INFORMATION)[1] is h
    # h of one binary unit looks like a label, but the quantity says that it is h.
    assert symbol_and_features(image, label, Quantity.IMAGE_INFORMATION)[1] is label


def test_labels_that_are_none_are_refused():
    h = np.random.default_rng(1).random((8, 2))
    with pytest.raises(UserError, match="y must be classes"):
        symbol_and_features(h, h, Quantity.LABEL_INFORMATION)


def test_warnings_come_when_they_should():
    assert alone(np.arange(8)) == 1.0
    assert "log n = 2.079" in alone_warning(np.arange(8))[0]
    assert alone_warning(np.arange(8) // 2) == ()
    assert "ceiling of 2.079" in ceiling_warning(math.log(8), np.arange(8))[0]
    assert ceiling_warning(1.0, np.arange(8)) == ()
    assert ceiling_warning(0.0, np.zeros(8, dtype=int)) == ()
