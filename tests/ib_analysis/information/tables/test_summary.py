import math

from ib_analysis.information.measurement.estimate import Bound, Estimate
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.information import information_row
from ib_analysis.information.tables.summary import summary
from ib_analysis.point import Point


def row(quantity, bits, point=None):
    value = bits * math.log(2)
    estimate = Estimate(
        quantity=quantity, value=value, stderr=0.25 * math.log(2), n=9, method="a test", bound=Bound.NONE
    )
    return information_row(estimate, point)


def layer(x, y, encoder="resnet", regime="classifier", seed=0, epoch=0, tap="h1"):
    point = Point(encoder, regime, seed, epoch, tap)
    return [row(Quantity.IMAGE_INFORMATION, x, point), row(Quantity.LABEL_INFORMATION, y, point)]


def test_the_table_literally():
    rows = [
        row(Quantity.IMAGE_CROSS_ENTROPY, 200.0),
        row(Quantity.LABEL_ENTROPY, 3.322),
        *layer(123.456, 1.0),
        *layer(7.0, 3.25, regime="autoencoder", epoch=100, tap="pooled"),
    ]
    assert summary(rows).splitlines() == [
        "regime       epoch  tap           I(x;h) bits, 95 %     I(y;h) bits, 95 %",
        "classifier   0      h1      123.46 [122.88, 124.03]  1.000 [0.423, 1.577]",
        "autoencoder  100    pooled        7.00 [6.42, 7.58]  3.250 [2.673, 3.827]",
        "CE(x) = 200.000 [199.423, 200.577] bits",
        "H(y) = 3.322 [2.745, 3.899] bits",
    ]


def test_several_encoders_and_seeds_get_their_columns():
    one = summary(layer(1, 1) + layer(1, 1, epoch=1))
    several = summary(layer(1, 1) + layer(1, 1, encoder="wide", seed=1))
    assert one.splitlines()[0].split()[:3] == ["regime", "epoch", "tap"]
    assert several.splitlines()[0].split()[:5] == ["encoder", "regime", "seed", "epoch", "tap"]


def test_a_quantity_that_was_not_measured_is_a_dash():
    assert summary(layer(1, 1)[:1]).splitlines()[1].endswith(" -")


def test_no_rows_leave_a_header():
    assert summary([]).splitlines() == ["regime  epoch  tap  I(x;h) bits, 95 %  I(y;h) bits, 95 %"]


def test_a_truth_stands_beside_its_estimate_and_never_in_its_place():
    point = Point("rows", "fixed", 0, 0, "rows2")
    measured = row(Quantity.IMAGE_INFORMATION, 7.0, point)
    truth = row(Quantity.IMAGE_INFORMATION, 8.0, point).model_copy(update={"bound": Bound.EXACT})
    assert "7.00 [6.42, 7.58] (exact 8.00)" in summary([measured, truth])
