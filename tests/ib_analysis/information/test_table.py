import json
import math

import pytest
from pydantic import ValidationError

from ib_analysis.errors import UserError
from ib_analysis.information.estimate import Bound, Estimate
from ib_analysis.information.quantity import Quantity
from ib_analysis.information.table import (
    COLUMNS,
    InformationRow,
    information_row,
    read_information_csv,
    read_information_json,
    write_information,
)

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
    where = {"encoder": "resnet", "regime": "classifier", "seed": 0, "epoch": 10, "tap": "h1"}
    return [
        information_row(estimate(), dimensions=64, **where),
        information_row(estimate(Quantity.LABEL_INFORMATION, 1 / 3, Bound.LOWER), dimensions=64, **where),
        information_row(estimate(Quantity.IMAGE_CROSS_ENTROPY, 1e-17, Bound.UPPER), dimensions=64),
    ]


@pytest.fixture
def paths(tmp_path):
    csv_path, json_path = tmp_path / "information.csv", tmp_path / "information.json"
    write_information(rows(), csv_path, json_path)
    return csv_path, json_path


def test_units():
    image, label, whole = rows()
    assert (image.bits, image.bits_per_dim) == pytest.approx((64.0, 1.0))
    assert image.stderr_bits == pytest.approx(1 / 3)
    assert label.bits_per_dim is None
    assert (whole.epoch, whole.tap) == (None, "")


def test_both_files_read_back_exactly(paths):
    csv_path, json_path = paths
    assert list(read_information_csv(csv_path)) == rows()
    assert list(read_information_json(json_path)) == rows()
    assert csv_path.read_text().splitlines()[0] == HEADER == ",".join(COLUMNS)
    assert all(set(record) == set(COLUMNS) for record in json.loads(json_path.read_text()))
    assert sorted(file.name for file in csv_path.parent.iterdir()) == ["information.csv", "information.json"]


def test_an_empty_table_reads_back(tmp_path):
    write_information([], tmp_path / "a.csv", tmp_path / "a.json")
    assert read_information_csv(tmp_path / "a.csv") == read_information_json(tmp_path / "a.json") == ()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("classifier,0,10", "classifier,zero,10", "line 2: seed"),
        ("64.0", "65.0", "line 2: .* not the bits of"),
        ("I(y;h)", "I(z;h)", "line 3: quantity"),
        ("lower", "tight", "line 3: bound"),
        (",50,", ",0,", "line 2: n_images"),
        (",lower,50", ",lower,50,extra,more", "line 3"),
        ("bits_per_dim", "bits_per_pixel", "does not have the columns"),
        ("0.48", "nan", "line 3"),
    ],
)
def test_a_csv_that_was_meddled_with_is_refused_by_line(paths, old, new, message):
    text = paths[0].read_text()
    assert old in text
    paths[0].write_text(text.replace(old, new, 1))
    with pytest.raises(UserError, match=rf"information\.csv.*{message}"):
        read_information_csv(paths[0])


def test_a_truncated_table_is_refused(paths):
    paths[0].write_text(paths[0].read_text()[:190])
    with pytest.raises(UserError, match=r"information\.csv line"):
        read_information_csv(paths[0])
    paths[1].write_text(paths[1].read_text()[:190])
    with pytest.raises(UserError, match=r"information\.json"):
        read_information_json(paths[1])
    paths[1].write_text('{"rows": []}')
    with pytest.raises(UserError, match="not a list of rows"):
        read_information_json(paths[1])


def test_a_missing_table_is_refused(tmp_path):
    for read in (read_information_csv, read_information_json):
        with pytest.raises(UserError, match="nowhere"):
            read(tmp_path / "nowhere")


def test_bits_per_dim_of_a_label_is_refused():
    content = rows()[1].model_dump() | {"bits_per_dim": 0.1}
    with pytest.raises(ValidationError, match="means nothing"):
        InformationRow(**content)
