"""The files of a configuration and what the command line changes in them, as one mapping."""

import copy
import json
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from decoders.training.failures import reading
from ib_analysis.errors import UserError

_MERGE = "tag:yaml.org,2002:merge"


def demand_unique_keys(path: Path) -> None:
    """Refuse a file of JSON or YAML in which a mapping names a key twice: a reader keeps the last one silently.

    A key that overrides one of a merged anchor (`<<: *name`) is no second one. A file that is neither JSON nor YAML
    passes: its reader says so.

    Raises:
        UserError: a key stands twice, or the file is no text in UTF-8.
    """
    with reading(path, "is no text in UTF-8", "save it in that encoding.", UserError):
        text = path.read_text(encoding="utf-8")
    try:
        json.loads(text, object_pairs_hook=lambda pairs: _demand_once(path, [key for key, _ in pairs]))
    except ValueError:
        _demand_once_in_yaml(path, text)


def _demand_once(path: Path, keys: list[str]) -> None:
    for key in keys:
        if keys.count(key) > 1:
            raise UserError(
                f"The configuration does not hold: {path}: the key {key!r} stands twice in one section; rename or "
                "remove one of them."
            )


def _demand_once_in_yaml(path: Path, text: str) -> None:
    try:
        loader = yaml.SafeLoader(text)
    except yaml.YAMLError:  # a character that YAML does not know
        return
    try:
        root = loader.get_single_node()
        pending, seen = [("", root)], set()
        while pending:
            place, node = pending.pop()
            if node is None or id(node) in seen:  # an alias leads to a node that was looked at
                continue
            seen.add(id(node))
            if isinstance(node, yaml.SequenceNode):
                pending += [(place, item) for item in node.value]
            elif isinstance(node, yaml.MappingNode):
                pending += _sections(path, place, node, loader)
    except yaml.YAMLError:
        return
    finally:
        loader.dispose()


def _sections(
    path: Path, place: str, node: yaml.MappingNode, loader: yaml.SafeLoader
) -> list[tuple[str, yaml.Node]]:
    """The values of a mapping, each with its path."""
    first: dict[Hashable, int] = {}
    below = []
    for key, value in node.value:
        line = key.start_mark.line + 1
        name = loader.construct_object(key, deep=True)  # 0x1 and 1 are one key, as they are to the reader
        if key.tag != _MERGE and isinstance(name, Hashable):
            if name in first:
                raise UserError(
                    f"The configuration does not hold: {path}: {place}{key.value} stands twice, in lines "
                    f"{first[name]} and {line}; rename or remove one of them."
                )
            first[name] = line
        below.append((f"{place}{key.value}.", value))
    return below


def merged(layers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Later layers over earlier ones, key by key; a section of another `kind` takes the place of the whole section.

    >>> merged([{"d": {"kind": "digits", "images": 9}}, {"d": {"images": 5}}])
    {'d': {'kind': 'digits', 'images': 5}}
    >>> merged([{"d": {"kind": "markov", "levels": 4}}, {"d": {"kind": "digits"}}])
    {'d': {'kind': 'digits'}}
    """
    whole: dict[str, Any] = {}
    for layer in layers:
        whole = _over(whole, layer)
    return whole


def _over(below: Any, above: Any) -> Any:
    if not isinstance(above, Mapping):
        return copy.deepcopy(above)
    if not isinstance(below, Mapping) or above.get("kind", below.get("kind")) != below.get("kind"):
        below = {}
    return {**below, **{key: _over(below.get(key), value) for key, value in above.items()}}
