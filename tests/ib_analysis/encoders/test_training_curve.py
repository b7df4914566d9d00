"""The curve as CSV, both ways."""

import pytest

from ib_analysis.encoders.training_curve import CurveRow, TrainingCurve, read_curve, write_curve
from ib_analysis.errors import UserError


def test_what_is_written_is_read(tmp_path):
    rows = (
        CurveRow(0, 0.0, 2.5, "accuracy", 0.1, None, 0.25),
        CurveRow(1, 0.1, 1 / 3, "accuracy", 0.7, 0.6, 1.5),
    )
    write_curve(tmp_path / "curve.csv", TrainingCurve(rows))
    assert read_curve(tmp_path / "curve.csv").rows == rows
    header = (tmp_path / "curve.csv").read_text().splitlines()[0]
    assert header == "epoch,learning_rate,loss,metric,encoder_part,held_out_part,seconds"
    assert [path.name for path in tmp_path.iterdir()] == ["curve.csv"]


def test_a_fixed_encoder_has_a_curve_without_rows(tmp_path):
    write_curve(tmp_path / "curve.csv", TrainingCurve(()))
    assert read_curve(tmp_path / "curve.csv").rows == ()


def test_another_file_is_refused_by_name(tmp_path):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match=r"other\.csv"):
        read_curve(tmp_path / "other.csv")
    with pytest.raises(UserError, match="missing"):
        read_curve(tmp_path / "none.csv")
