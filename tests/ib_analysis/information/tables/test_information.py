import math

import pytest
from pydantic import ValidationError

from ib_analysis.errors import UserError
from ib_analysis.information.measurement.estimate import Bound, Estimate
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.information import (
    InformationRow,
    information_row,
)
from ib_analysis.point import Point
from ib_analysis.rows import columns, read_rows, write_rows

HEADER = (
    "encoder,regime,seed,epoch,tap,quantity,nats,bits,bits_per_dim,stderr_bits,bound,n_images,method,band_bits,"
    "warnings"
)

SIXTY_FOUR_BITS = 64 * math.log(2)


def estimate(quantity=Quantity.IMAGE_INFORMATION, value=SIXTY_FOUR_BITS, bound=Bound.NONE):
    return Estimate(
        quantity=quantity, value=value, stderr=math.log(2) / 3, n=50, method='a, "test"', bound=bound
    )


def rows():
    point = Point("resnet", "classifier", 0, 10, "h1")
    return [
        information_row(estimate(), point, dimensions=64),
        information_row(estimate(Quantity.LABEL_INFORMATION, 1 / 3, Bound.LOWER), point, dimensions=64),
        information_row(estimate(Quantity.IMAGE_CROSS_ENTROPY, 1e-17, Bound.UPPER), dimensions=64),
    ]


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "information.csv"
    write_rows(path, InformationRow, rows())
    return path


def test_units():
    image, label, whole = rows()
    assert (image.bits, image.bits_per_dim) == pytest.approx((64.0, 1.0))
    assert image.stderr_bits == pytest.approx(1 / 3)
    assert label.bits_per_dim is None
    assert (whole.epoch, whole.tap, whole.point) == (None, "", None)
    assert image.point == label.point == Point("resnet", "classifier", 0, 10, "h1")


def test_the_table_reads_back_exactly(table):
    assert list(read_rows(table, InformationRow)) == rows()
    assert table.read_text().splitlines()[0] == HEADER == ",".join(columns(InformationRow))
    assert [file.name for file in table.parent.iterdir()] == ["information.csv"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("classifier,0,10", "classifier,zero,10", "line 2, column seed"),
        ("64.0", "65.0", "line 2: .* not the bits of"),
        ("I(y;h)", "I(z;h)", "line 3, column quantity"),
        ("lower", "tight", "line 3, column bound"),
        (",50,", ",0,", "line 2, column n_images"),
        (",lower,50", ",lower,50,extra,more", "line 3 has 17 cells for 15 columns"),
        ("bits_per_dim", "bits_per_pixel", "does not have the columns"),
        ("0.48", "nan", "line 3"),
    ],
)
def test_a_table_that_was_changed_by_hand_is_refused_by_line_and_column(table, old, new, message):
    text = table.read_text()
    assert old in text
    table.write_text(text.replace(old, new, 1))
    with pytest.raises(UserError, match=rf"information\.csv.*{message}.*run the workflow again"):
        read_rows(table, InformationRow)


def test_a_truncated_table_is_refused(table):
    table.write_text(table.read_text()[:190])
    with pytest.raises(UserError, match=r"information\.csv line 2 has \d+ cells for 15 columns"):
        read_rows(table, InformationRow)


def test_bits_per_dim_of_a_label_is_refused():
    content = rows()[1].model_dump() | {"bits_per_dim": 0.1}
    with pytest.raises(ValidationError, match="means nothing"):
        InformationRow(**content)
