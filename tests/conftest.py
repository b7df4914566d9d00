"""The order of the tests: whole workflows first, so that two workers end at nearly the same time."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Moves the tests of whole workflows, the longest ones, to the front; the order is otherwise unchanged."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/workflow/"))
