"""Rows become series, whatever they come as."""

import csv
import io
from types import SimpleNamespace

import pytest

from ib_analysis.figures.information.series import (
    bound_sentence,
    ceilings,
    epochs,
    exact,
    images,
    measured,
    over_seeds,
    panels_of,
    spread_sentence,
    taps,
)


def test_values_and_order(rows):
    series = measured(rows, "I(x;h)")
    assert [(s.panel.regime, s.tap) for s in series] == [
        (regime, tap) for regime in ("classifier", "autoencoder") for tap in ("h1", "h2", "logits")
    ]
    assert series[0].epochs == (0, 1, 10, 200)
    assert series[0].bits == pytest.approx([106.56, 108.56, 111.56, 102.56])
    assert series[0].spread_bits == (0.8,) * 4
    assert taps(series) == ["h1", "h2", "logits"]
    assert epochs(series) == [0, 1, 10, 200]
    assert [panel.title for panel in panels_of(series)] == ["net, classifier", "net, autoencoder"]


def test_csv_text_and_objects_give_the_same_series(rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    read = list(csv.DictReader(io.StringIO(text.getvalue())))
    assert measured(read, "I(y;h)") == measured(rows, "I(y;h)")
    assert measured([SimpleNamespace(**row) for row in rows], "I(y;h)") == measured(rows, "I(y;h)")
    assert ceilings(read) == ceilings(rows)


def test_ceilings(rows, known):
    found = ceilings(rows)
    assert found.label_entropy == pytest.approx(3.3219, abs=1e-4)
    assert (found.image_cross_entropy, found.image_entropy) == (118.4, None)
    assert ceilings(known).image_entropy == 334.5


def test_exact_values_are_no_measurements(known):
    assert [s.bits[0] for s in measured(known, "I(x;h)")] == pytest.approx([83.35, 166.7])
    assert [s.bits[0] for s in exact(known, "I(x;h)")] == [84.55, 167.9]


def test_mean_over_seeds_by_hand(rows_of_seeds):
    means = over_seeds(measured(rows_of_seeds, "I(x;h)"))
    assert len(means) == 6
    assert means[0].seed is None
    assert means[0].bits[0] == pytest.approx(106.56 + 0.5)
    assert means[0].spread_bits == pytest.approx([0.5] * 4)  # of 0, 0.5, 1


def test_seeds_are_averaged_where_all_have_the_epoch(rows_of_seeds):
    rows = [r for r in rows_of_seeds if not (r["seed"] == 1 and r["epoch"] == 200)]
    assert over_seeds(measured(rows, "I(x;h)"))[0].epochs == (0, 1, 10)


def test_sentences_say_n_seeds_and_bound(rows, rows_of_seeds):
    assert images(rows) == 599
    assert "n = 599 evaluation images" in spread_sentence(rows)
    assert "3 seeds" in spread_sentence(rows_of_seeds)
    assert "neither a lower nor an upper bound" in bound_sentence(rows)
    assert "I(y;h)" not in bound_sentence(rows, ["I(x;h)"])
    lower = [dict(r, bound="lower") for r in rows if r["quantity"] == "I(x;h)"]
    assert "is a lower bound, since H(x) is known" in bound_sentence(lower)
