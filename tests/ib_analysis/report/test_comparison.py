"""The page of two experiments: both planes, each under its own CE(x), and the differences with their verdicts."""

import pytest

from ib_analysis.information.tables.difference import DifferenceRow
from ib_analysis.report.comparison import (
    ComparisonContent,
    difference_sentence,
    difference_table,
    totals_sentence,
    write_comparison,
)
from ib_analysis.report.content import Illustration
from ib_analysis.report.explorer.block import Explored
from tests.browser.devtools import browser, chromium


def difference(low, high, verdict, tap="h1", quantity="I(x;h)"):
    return DifferenceRow(
        encoder="net", regime="classifier", epoch=10, tap=tap, quantity=quantity, bits=(low + high) / 2,
        stderr_bits=0.5, low_bits=low, high_bits=high, verdict=verdict, scope="3 and 3 networks", n_images=599,
    )  # fmt: skip


@pytest.fixture
def compared(content, drawn):
    other = tuple(
        row.model_copy(update={"bits": 140.0, "nats": 140.0 * 0.6931471805599453})
        if row.quantity == "CE(x)"
        else row
        for row in content.rows
    )
    rows = [difference(1, 3, "more"), difference(-9, -6, "less", "logits"), difference(-1, 1, "undecided")]
    plane = content.figures[0].stem
    return ComparisonContent(
        Explored(content.rows, drawn=drawn, name="wide"),
        Explored(other, drawn=drawn, name="narrow"),
        rows,
        [Illustration("wide: information plane", plane, "As drawn.")],
        ["wide alone has net (autoencoder)."],
    )


def test_the_surest_difference_is_said_with_its_interval(compared):
    assert difference_sentence(compared) == (
        "wide keeps less of the image than narrow, most surely at logits of net (classifier), epoch 10: -7.50 bits "
        "(95 % interval -9.00 to -6.00), over 3 and 3 networks."
    )
    assert totals_sentence(compared) == (
        "Of 3 differences 1 say more, 1 less, and 1 are undecided. CE(x): 118.4 bits, 140.0 bits."
    )


def test_no_difference_is_no_finding(compared):
    label = [difference(1, 3, "more", quantity="I(y;h)"), difference(-1, 1, "undecided")]
    content = ComparisonContent(compared.first, compared.second, label, [], [])
    assert difference_sentence(content) == (
        "At none of 1 equal taps and epochs a difference of I(x;h) between wide and narrow is shown."
    )


def test_the_table_has_every_difference(compared):
    table = difference_table(compared.differences)
    assert [row[3:6] for row in table.rows] == [
        ("I(x;h)", "2.00 ± 0.50", "1.00 to 3.00"),
        ("I(x;h)", "-7.50 ± 0.50", "-9.00 to -6.00"),
        ("I(x;h)", "0.00 ± 0.50", "-1.00 to 1.00"),
    ]


@pytest.mark.skipif(chromium() is None, reason="no Chromium here: .ci/run installs one")
def test_both_planes_are_explored_each_under_its_own_ceiling(compared, tmp_path):
    write_comparison(tmp_path / "comparison.html", compared)
    with browser(chromium()) as page:
        page.open(tmp_path / "comparison.html")
        names = page.run("[...document.querySelectorAll('.panel-name')].map((name) => name.textContent)")
        assert names == [
            f"{e}: net, {r}, seed 0" for e in ("wide", "narrow") for r in ("classifier", "autoencoder")
        ]
        limits = page.run("""[...document.querySelectorAll('.plane')].map((plane) =>
            [...plane.querySelectorAll('text')].map((text) => text.textContent)
                .find((text) => text.startsWith('CE(x)')))""")
        assert limits == ["CE(x) = 118.4 bits"] * 2 + ["CE(x) = 140.0 bits"] * 2
        assert page.errors == []
        assert not [address for address in page.requests if not address.startswith(("data:", "file:"))]
