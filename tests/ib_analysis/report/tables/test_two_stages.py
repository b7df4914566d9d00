"""Verdicts with their errors, the image before the label."""

from ib_analysis.report.tables.two_stages import verdict_table


def test_cells(stages):
    table = verdict_table(stages)
    assert [c.name for c in table.columns][:4] == ["regime", "tap", "quantity", "verdicts of"]  # one encoder
    assert table.rows[0] == (
        "classifier", "h1", "I(x;h)", "this network, these fits", "2", "1", "91.2", "2.31 ± 0.44", "1.40 to 3.20", "no",
        "5.52 ± 0.61", "4.20 to 9.00", "yes", "0.21", "599",
    )  # fmt: skip
    assert [row[2] for row in table.rows] == ["I(x;h)"] * 3 + ["I(y;h)"]


def test_a_spread_that_is_not_known_is_said_to_be_so(stages):
    lone = stages[0].model_copy(update={"n_fits": 1, "compression_spread_bits": None})
    assert verdict_table((lone,)).rows[0][-2] == "unknown"


def test_empty():
    assert verdict_table(()).rows == ()
