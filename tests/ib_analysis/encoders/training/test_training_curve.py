"""The curve as a table beside the checkpoints."""

from ib_analysis.encoders.training.training_curve import CurveRow, curve_path
from ib_analysis.rows import read_rows, write_rows


def test_what_is_written_is_read(tmp_path):
    rows = (
        CurveRow(0, 0.0, 2.5, "accuracy", 0.1, None, 0.25),
        CurveRow(1, 0.1, 1 / 3, "accuracy", 0.7, 0.6, 1.5),
    )
    path = curve_path(tmp_path)
    write_rows(path, CurveRow, rows)
    assert read_rows(path, CurveRow) == rows
    header = path.read_text().splitlines()[0]
    assert header == "epoch,learning_rate,loss,metric,encoder_part,held_out_part,seconds"
    assert [path.name for path in tmp_path.iterdir()] == ["training_curve.csv"]
