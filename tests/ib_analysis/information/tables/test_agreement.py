"""Where estimators agree, on curves whose order is known."""

import math

from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.agreement import Agreement, agreements, own_rows
from ib_analysis.information.tables.information import InformationRow
from ib_analysis.rows import read_rows, write_rows


def row(method, tap, epoch, bits, stderr=0.1, quantity="I(x;h)", bound="none"):
    return InformationRow(
        encoder="net", regime="classifier", seed=0, epoch=epoch, tap=tap, quantity=quantity, nats=bits * math.log(2),
        bits=bits, bits_per_dim=None, stderr_bits=stderr, stderr_images_bits=stderr, stderr_fits_bits=None,
        low_bits=bits - stderr, high_bits=bits + stderr, interval="images", n_fits=1, bound=bound, n_images=99,
        method=method,
    )  # fmt: skip


def curve(method, tap, values, **more):
    return [row(method, tap, epoch, bits, **more) for epoch, bits in enumerate(values)]


ROWS = [
    *curve("decoders", "h1", [10, 14, 13]),
    *curve("decoders", "h2", [5, 6, 7]),
    *curve("opposite", "h1", [-10, -14, -13]),
    *curve("opposite", "h2", [-5, -6, -7]),
    *curve("flat", "h1", [8, 8, 8]),
    *curve("flat", "h2", [8, 8, 8]),
    *curve("noisy", "h1", [10, 14, 13], stderr=3.0),
]


def found(method):
    (one,) = [a for a in agreements(ROWS) if a.method == method]
    return one


def test_the_order_of_the_points():
    assert found("decoders").tau == 1.0
    assert found("opposite").tau == -1.0
    assert found("flat").tau is None  # saturated: it has no order at all
    assert found("noisy").points == 3


def test_rises_and_falls_beyond_their_errors():
    assert (found("decoders").rises, found("decoders").falls) == ("h1 h2", "h1")
    assert (found("flat").rises, found("flat").falls) == ("", "")
    assert (found("noisy").rises, found("noisy").falls) == ("", "")
    assert found("opposite").falls == "h1 h2"


def test_the_own_rows_are_the_informations_at_taps_without_the_truth():
    table = [
        row("difference", "h1", 0, 3.0),
        row("closed form", "h1", 0, 3.1, 0.0, bound="exact"),
        row("mean", "h1", 0, 9.0, quantity="CE(x|h)"),
        row("mean", "", 0, 9.0, quantity="I(x;h)"),
    ]
    (own,) = own_rows(table)
    assert (own.method, own.bits, own.quantity) == ("decoders", 3.0, Quantity.IMAGE_INFORMATION)


def test_the_table_reads_back(tmp_path):
    write_rows(tmp_path / "a.csv", Agreement, agreements(ROWS))
    assert read_rows(tmp_path / "a.csv", Agreement) == tuple(agreements(ROWS))
