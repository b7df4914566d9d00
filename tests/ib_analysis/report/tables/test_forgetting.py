"""The numbers beside a sheet are those of its own points, in its own order, under those of two other images."""

from dataclasses import replace

import pytest

from ib_analysis.forgetting.table import ForgettingRow
from ib_analysis.point import Network
from ib_analysis.report.page import render
from ib_analysis.report.tables.forgetting import forgetting_table

NETWORK = Network("net", "classifier", 0)


def row(measure, value, relative, epoch, tap="h1", low=None, high=None):
    agreement = measure == "class agreement"
    return ForgettingRow(
        encoder="net", regime="classifier", seed=0, epoch=epoch, tap=tap, measure=measure, low_cycles=low,
        high_cycles=high, value=value, stderr=0.05, original=0.97 if agreement else 0.0,
        same_class=0.96 if agreement else 0.06, any_image=0.1, relative_same_class=2 * relative,
        relative_same_class_stderr=0.1, relative_any_image=relative, relative_any_image_stderr=0.04, n_images=8,
        n_draws=2,
    )  # fmt: skip


@pytest.fixture
def compared():
    return [
        row(measure, value, relative / (2 if epoch else 1), epoch, tap, low, high)
        for epoch in (10, 0)
        for tap in ("h1", "logits")
        for measure, value, relative, low, high in (
            ("class agreement", 0.5 if epoch else 0.25, 5.0, None, None),
            ("squared error", 0.05, 0.8 if tap == "h1" else 0.9, None, None),
            ("frequency", 0.02, 0.2, None, 1.0),
            ("frequency", 0.03, 0.6, 1.0, None),
        )
    ]


def test_a_sheet_of_epochs_has_its_epochs_then_the_two_other_images(compared):
    table = forgetting_table(compared, [NETWORK.at(epoch, "h1") for epoch in (0, 10)])
    assert [column.name for column in table.columns] == [
        "draws", "class told", "squared error", "0 to 1 cycles", "from 1 cycles",
    ]  # fmt: skip
    assert table.rows == (
        ("epoch 0", "25 ± 5 %", "0.80 ± 0.04", "0.20 ± 0.04", "0.60 ± 0.04"),
        ("epoch 10", "50 ± 5 %", "0.40 ± 0.04", "0.10 ± 0.04", "0.30 ± 0.04"),
        ("another image of its class", "96 %", "0.60", "0.60", "0.60"),
        ("any other image", "10 %", "1", "1", "1"),
    )
    assert "n = 8 originals, 2 draws of each" in table.note


def test_a_sheet_of_taps_has_its_taps(compared):
    table = forgetting_table(compared, [NETWORK.at(10, tap) for tap in ("h1", "logits")])
    assert [cells[:3] for cells in table.rows[:2]] == [
        ("h1", "50 ± 5 %", "0.40 ± 0.04"),
        ("logits", "50 ± 5 %", "0.45 ± 0.04"),
    ]


def test_colour_images_have_their_columns(compared):
    coloured = [*compared, row("lightness", 0.1, 0.3, 0), row("colour", 0.1, 0.7, 0)]
    table = forgetting_table(coloured, [NETWORK.at(0, "h1")])
    assert [column.name for column in table.columns][-2:] == ["of lightness", "of colour"]
    assert table.rows[0][-2:] == ("0.30 ± 0.04", "0.70 ± 0.04")


def test_samples_that_were_not_compared_have_no_table(compared):
    assert not forgetting_table(compared, [NETWORK.at(5, "h1")]).rows
    assert not forgetting_table([], [NETWORK.at(0, "h1")]).rows


def test_the_table_stands_below_its_sheet_on_the_page(compared, content, tmp_path):
    text = render(replace(content, forgetting=tuple(compared)), tmp_path)
    section = text[text.index('<section id="samples"') : text.index('<section id="trust"')]
    assert section.index("Rows are epochs.") < section.index("50 ± 5 %")
    assert "another image of its class" in section
    assert "another image of its class" not in render(content, tmp_path)
