from dataclasses import dataclass, replace
from datetime import date

import pytest

from decoders.training.disk import DiskError
from ib_analysis.errors import UserError
from ib_analysis.rows import read_rows, write_rows
from ib_analysis.spec import Spec
from ib_analysis.studies.seed_interval import SeedInterval
from ib_analysis.studies.verdict import Statement, Verdict, verdicts_text


class Row(Spec):
    arm: str
    seed: int
    accuracy: float | None
    diverged: bool = False


ROWS = (Row(arm="", seed=0, accuracy=1 / 3), Row(arm='a "b", c', seed=1, accuracy=None, diverged=True))


def test_rows_read_back_exactly(tmp_path):
    write_rows(tmp_path / "t.csv", Row, ROWS)
    assert read_rows(tmp_path / "t.csv", Row) == ROWS


def test_a_wrong_value_is_named_with_its_line(tmp_path):
    write_rows(tmp_path / "t.csv", Row, ROWS)
    text = (tmp_path / "t.csv").read_text().replace("0.3333333333333333", "much")
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(
        UserError, match=r"t\.csv line 2, column accuracy: .*remove it and run the workflow again"
    ):
        read_rows(tmp_path / "t.csv", Row)


def test_other_columns_and_a_missing_file_are_one_sentence(tmp_path):
    (tmp_path / "t.csv").write_text("arm,seed\n")
    with pytest.raises(UserError, match="does not have the columns arm, seed, accuracy, diverged"):
        read_rows(tmp_path / "t.csv", Row)
    with pytest.raises(DiskError, match=r"absent\.csv: does not exist"):
        read_rows(tmp_path / "absent.csv", Row)


@dataclass(frozen=True)
class Step:
    step: int
    loss: float | None


def test_a_dataclass_is_a_row_too(tmp_path):
    steps = (Step(0, None), Step(1, 1e-17))
    write_rows(tmp_path / "s.csv", Step, steps)
    assert read_rows(tmp_path / "s.csv", Step) == steps


def test_a_row_that_lost_its_last_cells_is_refused(tmp_path):
    write_rows(tmp_path / "s.csv", Step, (Step(7, None),))
    (tmp_path / "s.csv").write_text("step,loss\n7\n")
    with pytest.raises(UserError, match=r"s\.csv line 2 has 1 cells for 2 columns"):
        read_rows(tmp_path / "s.csv", Step)


def test_verdicts_say_answer_value_and_reason():
    slope = Statement("stable", "slope [nats per block]", "0.6931 [derived]", date(2026, 11, 24))
    found = slope.judged(SeedInterval(0.69, None, 1), "yes", "within 2 %")
    first, second = verdicts_text([found]).splitlines()
    assert first.split() == [
        "yes",
        "stable",
        "slope",
        "[nats",
        "per",
        "block]",
        "here:",
        "0.69",
        "(1",
        "seed)",
    ]
    assert second.strip() == "one seed, which decides nothing; within 2 %"


def test_checks_of_the_implementation_are_printed_last_and_named():
    check = Statement("rir", "as many parameters", "", date(2026, 11, 25), kind="implementation")
    claim = replace(check, claim="more accurate", kind="claim")
    told = verdicts_text([check.judged_exactly(1.0, "yes", "counted"), claim.unmeasured("no seed")])
    assert told.index("rir             more accurate") < told.index("check of the implementation: as many")


def test_a_verdict_reads_back_with_its_kind_and_the_day_of_its_rule(tmp_path):
    check = Statement("rir", "as many parameters", "", date(2026, 11, 25), kind="implementation")
    found = (check.judged_exactly(1.0, "yes", "counted"), replace(check, kind="claim").unmeasured("no seed"))
    write_rows(tmp_path / "v.csv", Verdict, found)
    assert read_rows(tmp_path / "v.csv", Verdict) == found
    header, first, _ = (tmp_path / "v.csv").read_text().splitlines()
    assert {"kind", "rule_written"} <= set(header.split(","))
    assert "2026-11-25" in first.split(",")


def test_a_verdict_without_a_value_is_a_dash():
    found = Statement("rir", "c", "", date(2026, 11, 24)).unmeasured("w")
    assert "here: -" in verdicts_text([found])
