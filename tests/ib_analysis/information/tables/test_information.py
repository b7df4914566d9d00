import math

import pytest
from pydantic import ValidationError
from scipy import stats

from ib_analysis.errors import UserError
from ib_analysis.information.inference.repeated_fits import FitSpread
from ib_analysis.information.measurement.estimate import Bound, Estimate
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.information import (
    InformationRow,
    information_row,
)
from ib_analysis.point import Point
from ib_analysis.rows import columns, read_rows, write_rows

HEADER = (
    "encoder,regime,seed,epoch,tap,quantity,nats,bits,bits_per_dim,stderr_bits,stderr_images_bits,"
    "stderr_fits_bits,low_bits,high_bits,interval,n_fits,bound,n_images,method,raw_bits,"
    "fitted_bits,weight,band_bits,warnings,seen_by_network"
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
        (",lower,50", ",lower,50,extra,more", "line 3 has 27 cells for 25 columns"),
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
    table.write_text(table.read_text()[:240])
    with pytest.raises(UserError, match=r"information\.csv line 2 has \d+ cells for 25 columns"):
        read_rows(table, InformationRow)


def test_bits_per_dim_of_a_label_is_refused():
    content = rows()[1].model_dump() | {"bits_per_dim": 0.1}
    with pytest.raises(ValidationError, match="means nothing"):
        InformationRow(**content)


def test_the_error_holds_images_and_fits_and_the_interval_their_degrees():
    spread = FitSpread((0.5 * math.log(2)) ** 2, 8.0)
    row = information_row(estimate(), n_fits=2, spread=spread)
    images, fits = 1 / 3, 0.5 / math.sqrt(2)
    assert row.stderr_images_bits == pytest.approx(images)
    assert row.stderr_fits_bits == pytest.approx(fits)
    assert row.stderr_bits == pytest.approx(math.hypot(images, fits))
    degrees = (images**2 + fits**2) ** 2 / (images**4 / 49 + fits**4 / 8)
    reach = stats.t.ppf(0.975, degrees) * row.stderr_bits
    assert (row.low_bits, row.high_bits) == pytest.approx((64 - reach, 64 + reach))
    assert (row.interval, row.n_fits) == ("images and fits", 2)


def test_one_fit_leaves_its_own_error_unknown_and_says_so():
    row = information_row(estimate(), n_fits=1)
    assert (row.stderr_fits_bits, row.interval, row.n_fits) == (None, "images", 1)
    assert row.high_bits - row.bits == pytest.approx(stats.t.ppf(0.975, 49) / 3)


def test_a_number_without_error_has_an_interval_without_width():
    exact = estimate(bound=Bound.EXACT).model_copy(update={"stderr": 0.0})
    row = information_row(exact)
    assert (row.low_bits, row.high_bits, row.interval, row.n_fits) == (row.bits, row.bits, "exact", None)
