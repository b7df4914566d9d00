"""Verdicts with their errors, the image before the label."""

from ib_analysis.report.tables.two_stages import verdict_table


def test_cells(stages):
    table = verdict_table(stages)
    assert [c.name for c in table.columns][:3] == ["regime", "tap", "quantity"]  # one encoder, one seed
    assert table.rows[0] == (
        "classifier", "h1", "I(x;h)", "1", "91.2", "2.31 ± 0.44", "no", "0.004", "5.52 ± 0.61", "yes", "1.0",
        "599",
    )  # fmt: skip
    assert [row[2] for row in table.rows] == ["I(x;h)"] * 3 + ["I(y;h)"]


def test_several_seeds_get_a_column(stages):
    more = (*stages, stages[0].model_copy(update={"seed": 1}))
    assert "seed" in [c.name for c in verdict_table(more).columns]


def test_empty():
    assert verdict_table(()).rows == ()
