from dataclasses import replace
from datetime import date

from ib_analysis.report.page import render
from ib_analysis.report.tables.papers import checks_table, papers_table
from ib_analysis.studies.seed_interval import SeedInterval
from ib_analysis.studies.verdict import Statement

VERDICT = Statement("beyond_kernels", "risk < 1.35", "0.10-0.29 [paper]", date(2026, 11, 24)).judged(
    SeedInterval(0.27, 0.03, 5), "yes", "the upper end of it lies below"
)
CHECK = Statement(
    "rir", "as many parameters", "no overhead [paper]", date(2026, 11, 25), kind="implementation"
).judged_exactly(1.0, "yes", "counted")


def test_a_claim_is_a_row_with_its_answer_and_reason():
    (row,) = papers_table([VERDICT]).rows
    assert row == (
        "beyond kernels", "risk < 1.35", "0.10-0.29 [paper]", "0.270 ± 0.030 (5 seeds)", "yes", "2026-11-24",
        "95 % interval over 5 seeds 0.1867 to 0.3533; the upper end of it lies below",
    )  # fmt: skip


def test_checks_of_the_implementation_stand_apart_from_claims(content, tmp_path):
    both = (CHECK, VERDICT)
    assert [row[1] for row in papers_table(both).rows] == ["risk < 1.35"]
    assert [row[1] for row in checks_table(both).rows] == ["as many parameters"]
    page = render(replace(content, papers=both), tmp_path)
    claims, checks = page.index("All claims and verdicts"), page.index("Checks of the implementation")
    assert claims < page.index("risk &lt; 1.35") < checks < page.index("as many parameters")
    assert "Checks of the implementation" not in render(replace(content, papers=(VERDICT,)), tmp_path)


def test_the_page_has_the_section_only_where_there_are_claims(content, tmp_path):
    assert 'id="papers"' not in render(content, tmp_path)
    page = render(replace(content, papers=(VERDICT,)), tmp_path)
    assert 'id="papers"' in page
    assert 'class="verdict yes">yes' in page
    assert "risk &lt; 1.35" in page
