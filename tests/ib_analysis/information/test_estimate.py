import json

import pytest
from pydantic import ValidationError

from ib_analysis.errors import UserError
from ib_analysis.information.estimate import Bound, Estimate
from ib_analysis.information.quantity import Quantity


def estimate(**changes):
    fields = {
        "quantity": Quantity.IMAGE_INFORMATION,
        "value": 1 / 3,
        "stderr": 0.01,
        "n": 100,
        "method": "a test",
        "bound": Bound.NONE,
        "warnings": ("one", "two"),
    }
    return Estimate(**{**fields, **changes})


def test_json_both_ways():
    first = estimate()
    assert Estimate.from_json(first.to_json()) == first
    content = json.loads(first.to_json())
    assert (content["unit"], content["bound"], content["quantity"]) == ("nats", "none", "I(x;h)")


@pytest.mark.parametrize("bound", list(Bound))
def test_every_bound_has_a_sentence(bound):
    assert bound.sentence.endswith(".")
    assert len({other.sentence for other in Bound}) == len(Bound)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"value": float("nan")}, "value"),
        ({"value": float("inf")}, "value"),
        ({"stderr": -0.1}, "stderr"),
        ({"n": 0}, "n"),
        ({"bound": "tight"}, "bound"),
        ({"unit": "bits"}, "unit"),
        ({"quantity": "I(z;h)"}, "quantity"),
        ({"method": ""}, "method"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_bad_values_are_refused_by_name(changes, named):
    with pytest.raises(ValidationError, match=named):
        estimate(**changes)


@pytest.mark.parametrize("text", ["", "[]", '{"value": 1}', "{"])
def test_foreign_json_is_one_sentence(text):
    with pytest.raises(UserError, match="not an estimate"):
        Estimate.from_json(text)


def test_it_is_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        estimate().value = 2.0
