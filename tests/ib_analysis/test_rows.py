from dataclasses import dataclass

import pytest

from decoders.training.disk import DiskError
from ib_analysis.errors import UserError
from ib_analysis.rows import read_rows, write_rows
from ib_analysis.spec import Spec
from ib_analysis.studies.verdict import Verdict, verdicts_text


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
    found = Verdict(
        study="stable", claim="slope [nats per block]", paper_value="0.6931 [derived]", our_value=0.69,
        stderr=None, n_seeds=3, reproduced="yes", why="within 2 %",
    )  # fmt: skip
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
        "(3",
        "seeds)",
    ]
    assert second.strip() == "within 2 %"


def test_a_verdict_without_a_value_is_a_dash():
    found = Verdict(
        study="rir",
        claim="c",
        paper_value="",
        our_value=None,
        stderr=None,
        n_seeds=0,
        reproduced="unclear",
        why="w",
    )
    assert "here: -" in verdicts_text([found])
