"""Three forms of one table."""

import csv
import io

import pytest

from ib_analysis.errors import UserError
from ib_analysis.report.tables.table import Column, Table


@pytest.fixture
def table():
    columns = (Column("encoder"), Column("tap"), Column("I(x;h)", "bits", True))
    return Table(columns, (("a&b", "h_1", "3.2 ± 0.1"), ("a&b", "50%", "-1.0 †")))


def test_csv_reads_back(table):
    found = list(csv.reader(io.StringIO(table.to_csv())))
    assert found[0] == ["encoder", "tap", "I(x;h) [bits]"]
    assert [tuple(row) for row in found[1:]] == list(table.rows)


def test_latex_is_booktabs_and_escaped(table):
    text = table.to_latex()
    assert text.splitlines()[0] == r"\begin{tabular}{llr}"
    for rule in (r"\toprule", r"\midrule", r"\bottomrule"):
        assert text.count(rule) == 1
    rows = [[cell.strip() for cell in line.rstrip("\\ ").split(" & ")] for line in text.splitlines()[4:6]]
    assert rows == [["a\\&b", "h\\_1", r"3.2 $\pm$ 0.1"], ["a\\&b", "50\\%", r"-1.0 $\dagger$"]]


def test_backslash_is_escaped_once():
    assert r"\textbackslash{}\{" in Table((Column("x"),), (("\\{",),)).to_latex()


def test_constant_columns_go(table):
    assert [c.name for c in table.without_constant("encoder", "tap").columns] == ["tap", "I(x;h)"]
    assert table.without_constant("encoder").rows[0] == ("h_1", "3.2 ± 0.1")


def test_a_ragged_row_is_refused():
    with pytest.raises(UserError, match="2 cells for 1 columns"):
        Table((Column("x"),), (("1", "2"),))
