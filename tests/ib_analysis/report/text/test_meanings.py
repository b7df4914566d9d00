"""Definitions of what occurs, and of nothing else."""

from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.report.text.meanings import DEFINITIONS, meanings


def test_one_entry_for_each_quantity_and_bound(rows):
    found = {meaning.quantity: meaning.bound for meaning in meanings(rows)}
    assert set(found) == {"H(y)", "CE(x)", "CE(x|h)", "I(x;h)", "CE(y|h)", "I(y;h)"}
    assert found["I(x;h)"].startswith("Estimate. ")
    assert found["I(y;h)"].startswith("Lower bound. ")
    assert found["CE(x)"].startswith("Upper bound. ")


def test_every_quantity_has_a_definition():
    assert set(DEFINITIONS) == set(Quantity)
