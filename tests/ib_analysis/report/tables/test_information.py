"""Every point in one row, with bound, n and flags."""

from ib_analysis.information.measurement.estimate import Bound
from ib_analysis.report.tables.information import dataset_table, information_table


def heads(table):
    return [column.head for column in table.columns]


def test_one_row_a_point(rows):
    table = information_table(rows)
    assert len(table.rows) == 8
    assert heads(table) == [
        "regime", "epoch", "tap", "I(x;h), estimate [bits]", "I(y;h), lower bound [bits]",
        "CE(x|h), upper bound [bits]", "CE(y|h), upper bound [bits]", "I(x;h) per dimension [bits/dim]",
        "95 % of I(x;h) [bits]", "95 % of I(y;h) [bits]", "n [images]",
    ]  # fmt: skip
    assert table.rows[0] == (
        "classifier", "0", "h1", "91.17 ± 0.83", "1.240 ± 0.042", "27.26 ± 0.52", "2.082 ± 0.031", "1.4245",
        "89.51 to 92.83", "1.156 to 1.324", "599",
    )  # fmt: skip


def test_a_decoder_that_was_still_improving_is_flagged(rows, fits):
    table = information_table(rows, fits)
    flagged = [(row[1], row[2], row[3]) for row in table.rows if "†" in row[3]]
    assert flagged == [("10", "logits", "55.67 ± 0.83 †")]
    assert sum(cell.endswith("†") for row in table.rows for cell in row) == 2  # I(x;h) and CE(x|h)
    assert "still improving" in table.note
    assert "†" not in information_table(rows).note


def test_exact_values_stand_beside(rows):
    truth = next(row for row in rows if row.quantity == "I(x;h)" and row.epoch == 0)
    exact = truth.model_copy(update={"bound": Bound.EXACT, "bits": 92.0, "stderr_bits": 0.0})
    table = information_table((*rows, exact))
    at = heads(table).index("exact I(x;h) [bits]")
    assert table.rows[0][at] == "92.0"
    assert table.rows[0][3] == "91.17 ± 0.83"
    assert table.rows[1][at] == ""


def test_the_data_set_alone(rows):
    table = dataset_table(rows)
    assert table.rows == (
        ("H(y)", "3.32", "", "exact", "599", "closed form"),
        ("CE(x)", "118.43 ± 0.71", "1.8505", "upper", "599", "pixelcnn_pp"),
    )


def test_a_number_with_a_warning_is_marked(rows):
    assert "§" not in information_table(rows).note
    at = next(i for i, row in enumerate(rows) if row.quantity == "I(x;h)")
    doubted = rows[at].model_copy(update={"warnings": "Few images."})
    table = information_table((*rows[:at], doubted, *rows[at + 1 :]))
    assert table.rows[0][3] == "91.17 ± 0.83 §"
    assert "Cochran" in table.note
