from dataclasses import replace

from ib_analysis.report.page import render
from ib_analysis.report.tables.papers import papers_table
from ib_analysis.studies.verdict import Verdict

VERDICT = Verdict(
    study="beyond_kernels", claim="risk < 1.35", paper_value="0.10-0.29 [paper]", our_value=0.27, stderr=0.03,
    n_seeds=5, reproduced="yes", why="the upper end of the 95 % interval lies below",
)  # fmt: skip


def test_a_claim_is_a_row_with_its_answer_and_reason():
    (row,) = papers_table([VERDICT]).rows
    assert row == (
        "beyond kernels", "risk < 1.35", "0.10-0.29 [paper]", "0.270 ± 0.030 (5 seeds)", "yes",
        "the upper end of the 95 % interval lies below",
    )  # fmt: skip


def test_the_page_has_the_section_only_where_there_are_claims(content, tmp_path):
    assert 'id="papers"' not in render(content, tmp_path)
    page = render(replace(content, papers=(VERDICT,)), tmp_path)
    assert 'id="papers"' in page
    assert 'class="verdict yes">yes' in page
    assert "risk &lt; 1.35" in page
