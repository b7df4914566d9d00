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


def read_choices(model: type[BaseModel], given: Any) -> Any:
    """What is given, with a word like "8" as the number 8 where that is one of the values to choose from.

    Snakemake's `--config 'dataset={size: 8}'` gives words, which pydantic takes for numbers but not for choices.
    """
    if not isinstance(given, Mapping):
        return given
    read = dict(given)
    for name in read.keys() & model.model_fields.keys():
        choices = {
            str(kind): kind for kind in _kinds(model.model_fields[name].annotation) if type(kind) is int
        }
        value = read[name]
        if isinstance(value, list | tuple):
            read[name] = [choices.get(one, one) if isinstance(one, str) else one for one in value]
        elif isinstance(value, str):
            read[name] = choices.get(value, value)
    return read


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
        return read_choices(cls, refuse_truth_values(cls, given))
