"""Held-out and fitted rows are those of a fit, and never the same."""

import numpy as np

from decoders.training.batches import divide
from ib_analysis.information.measurement import parts
from ib_analysis.information.measurement.parts import Parts, rows_of_decoder_part, stacked


def test_the_rows_are_those_that_a_fit_holds_out_and_fits():
    held, fitted = rows_of_decoder_part(200, 0.1)
    of_fit, of_holdout = divide(200, 0.1)
    assert np.array_equal(held, of_holdout)
    assert set(fitted) == set(of_fit)
    assert (np.diff(fitted) > 0).all()


def test_no_more_fitted_rows_than_are_needed(monkeypatch):
    monkeypatch.setattr(parts, "MOST_FITTED", 50)
    held, fitted = rows_of_decoder_part(200, 0.1)
    assert len(fitted) == 50
    assert not set(held) & set(fitted)


def test_the_sample_was_fitted_by_a_fit_that_holds_out_more_as_well(monkeypatch):
    monkeypatch.setattr(parts, "MOST_FITTED", 100)
    _, fitted = rows_of_decoder_part(200, 0.05)
    of_larger, _ = divide(200, 0.4)
    assert set(fitted) <= set(of_larger)


def test_a_function_meets_each_kind_with_its_own_kind():
    a, b = Parts(*map(np.array, ([1.0], [2.0], [3.0]))), Parts(*map(np.array, ([10.0], [20.0], [30.0])))
    assert [float(v[0]) for v in a.map(lambda x, y: x + y, b)] == [11.0, 22.0, 33.0]
    assert stacked([a, b]).fitted.tolist() == [[3.0], [30.0]]
