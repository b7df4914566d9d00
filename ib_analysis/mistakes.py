"""A mistake in a configuration as one sentence: the field by its path, what is wrong, and what to write."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

_OF_A_KEY = "[key]"
"""How pydantic marks a mistake in a key and not in its value."""
_CONTAINERS = ("tuple_type", "list_type", "dict_type", "model_type", "model_attributes_type")
_QUOTES = "put it in quotes"


def mistakes(error: ValidationError, given: Any) -> str:
    """Every mistake with its field, separated by semicolons.

    Args:
        error: what the model says.
        given: what was validated; paths name its keys alone, never the kind that pydantic chose.
    """
    found = [m for m in error.errors() if not _follows_from_another(m, error)]
    return "; ".join(f"{_field(mistake, given)}{_reason(mistake)}" for mistake in found)


def _follows_from_another(mistake: Mapping[str, Any], error: ValidationError) -> bool:
    """Whether a list is too short only because one of its entries is refused."""
    here = mistake["loc"]
    return mistake["type"] == "too_short" and any(
        len(other["loc"]) > len(here) and other["loc"][: len(here)] == here for other in error.errors()
    )


def _field(mistake: Mapping[str, Any], given: Any) -> str:
    """The path of a field as the user wrote it, with a colon; empty for the whole, whose sentences name the field.

    >>> _field({"loc": ("dataset", "digits", "size"), "type": "extra_forbidden"}, {"dataset": {"size": 3}})
    'dataset.size: '
    """
    location = mistake["loc"]
    if location and location[-1] == _OF_A_KEY:
        location = location[:-2]
    names, node = [], given
    for place, part in enumerate(location, start=1):
        last = place == len(location)
        inside = isinstance(node, Mapping) and part in node
        inside |= isinstance(node, list | tuple) and isinstance(part, int) and part < len(node)
        if inside or (last and mistake["type"] == "missing"):
            names.append(str(part))
        node = node[part] if inside else node
    if mistake["type"] in ("union_tag_invalid", "union_tag_not_found"):
        names.append(mistake["ctx"]["discriminator"].strip("'"))
    return ".".join(names) + ": " * bool(names)


def _reason(mistake: Mapping[str, Any]) -> str:
    """What is wrong and what to write; pydantic's own words where they say that."""
    what, given = mistake["type"], mistake["input"]
    if mistake["loc"] and mistake["loc"][-1] == _OF_A_KEY:
        return f"the key {_shown(given)}: {_reason({**mistake, 'loc': ()})}"
    fixed = {"extra_forbidden": "there is no such key", "missing": "this key is missing"}
    fixed["union_tag_not_found"] = fixed["missing"]
    if what in fixed:
        return fixed[what]
    if what in ("string_type", "invalid_key"):
        return _no_text(given)
    if what in _CONTAINERS:
        return _no_container(what, given)
    if what in ("literal_error", "union_tag_invalid"):
        return _none_of(mistake)
    if what == "string_pattern_mismatch":
        return _no_name(given)
    if what == "int_from_float" or (what.startswith("int_") and isinstance(given, str)):
        return f"it must be a whole number, not {_shown(given)}: write its digits, such as 1000"
    if what == "too_short":
        return "it is empty: name at least one" if not given else "too few are named: " + mistake["msg"]
    if what.startswith("bool_"):
        return f"it must be true or false, not {_shown(given)}"
    return str(mistake["msg"]).removeprefix("Value error, ").replace("Input should be", "it must be")


def _no_text(given: Any) -> str:
    """What YAML makes of a word without quotes.

    >>> _no_text(2024)
    'YAML reads 2024 as a number, and a text is wanted: put it in quotes, "2024"'
    """
    if given is None:
        return "it is empty, and a text is wanted"
    if isinstance(given, bool):
        words = "on, yes and true" if given else "off, no and false"
        return f"YAML reads {words} as the truth value {_shown(given)}, and a text is wanted: {_QUOTES}"
    if isinstance(given, date):
        return f'YAML reads {given} as a date, and a text is wanted: {_QUOTES}, "{given}"'
    if isinstance(given, int | float):
        return f'YAML reads {given} as a number, and a text is wanted: {_QUOTES}, "{given}"'
    return f"a text is wanted, not {_shown(given)}"


def _no_container(what: str, given: Any) -> str:
    if what in ("tuple_type", "list_type"):
        return f"a list is wanted: write [{_shown(given)}]" if _is_plain(given) else "a list is wanted"
    if given is None:
        return "it is empty: write its keys below it, or remove it"
    return f"it holds keys of its own, which {_shown(given)} is not"


def _none_of(mistake: Mapping[str, Any]) -> str:
    """The words that are known, and the one that was probably meant."""
    given, context = mistake["input"], mistake["ctx"]
    if "tag" in context:
        given = given[context["discriminator"].strip("'")]
    words = re.findall(r"'([^']*)'", context.get("expected_tags") or context["expected"])
    near = get_close_matches(given, words, n=1) if isinstance(given, str) else []
    meant = f" (did you mean {near[0]}?)" if near else ""
    hint = "" if isinstance(given, str) else f"; where YAML reads a word as something else, {_QUOTES}"
    return f"{_shown(given)} is none of {', '.join(words) or context['expected']}{meant}{hint}"


def _no_name(given: str) -> str:
    """A name that becomes a folder, and one near it that may.

    >>> _no_name("My_Run")
    "'My_Run' becomes the name of a folder: use small letters, digits and hyphens, such as my-run"
    """
    near = re.sub(r"[^a-z0-9]+", "-", given.lower()).strip("-") or "run-1"
    return (
        f"{_shown(given)} becomes the name of a folder: use small letters, digits and hyphens, such as {near}"
    )


def _is_plain(given: Any) -> bool:
    return isinstance(given, str | int | float)


def _shown(given: Any) -> str:
    """A value as YAML has it, cut where it is long."""
    names = {None: "nothing", True: "true", False: "false"}
    if given is None or isinstance(given, bool):
        return names[given]
    if isinstance(given, Mapping):
        return "a section of keys"
    if isinstance(given, Sequence) and not isinstance(given, str):
        return "a list"
    text = repr(given) if isinstance(given, str) else str(given)
    return text if len(text) <= 60 else f"{text[:57]}..."
