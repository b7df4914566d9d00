import pytest
from pydantic import ValidationError

from ib_analysis.information.measurement.estimate import Bound, Estimate
from ib_analysis.information.measurement.quantity import Quantity


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


def test_it_is_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        estimate().value = 2.0
