"""Base of what a user may write, without torch."""

from collections.abc import Mapping
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, model_validator


def refuse_truth_values(model: type[BaseModel], given: Any) -> Any:
    """What is given, unchanged; pydantic would take true for 1 where a number is wanted.

    Raises:
        ValueError: a truth value in the place of a number.
    """
    for name, field in model.model_fields.items():
        value = given.get(name) if isinstance(given, Mapping) else None
        found = [v for v in (value if isinstance(value, list | tuple) else [value]) if isinstance(v, bool)]
        if found and _kinds(field.annotation) <= {int, float, type(None)}:
            raise ValueError(f"{name}: it must be a number, not {str(found[0]).lower()}")
    return given


def _kinds(annotation: Any) -> set[Any]:
    """The types that an annotation is made of: those of the entries of a tuple, of a union, under constraints."""
    parts = get_args(annotation)
    if get_origin(annotation) is Annotated:
        parts = parts[:1]
    return set().union(*map(_kinds, parts)) - {...} if parts else {annotation}


class Settings(BaseModel):
    """What a user may write: frozen, without unknown keys, infinite numbers, or truth values in place of numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _numbers_are_numbers(cls, given: Any) -> Any:
        return refuse_truth_values(cls, given)
