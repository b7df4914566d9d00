"""The digest of a source follows its code; a kept digest saves the tree, and what is damaged is not read."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from ib_analysis import syntax_digests
from ib_analysis.syntax_digests import keep_digests, syntax_digest, without_docstrings


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file of kept digests of its own."""
    monkeypatch.setattr(syntax_digests, "KEPT", tmp_path / "kept" / "digests.txt")
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    forget()
    yield syntax_digests.KEPT
    forget()


def forget() -> None:
    """Begin as a process does."""
    syntax_digests._known.cache_clear()


def source(folder: Path, text: str = "x = 1\n") -> Path:
    path = folder / "module.py"
    path.write_text(text)
    return path


def refuse_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syntax_digests, "syntax_tree", lambda text: pytest.fail("a tree was made"))


def test_comments_and_docstrings_change_nothing_and_code_changes_the_tree():
    def tree(source: str) -> str:
        return ast.dump(without_docstrings(ast.parse(source)))

    plain = "def f(x):\n    return x + 1\n"
    commented = '"""A module."""\ndef f(x):\n    """Adds one."""\n    # why\n    return x + 1\n'
    assert tree(plain) == tree(commented)
    assert tree(plain) != tree(plain.replace("1", "2"))


def test_the_digest_of_a_source_is_the_same_under_every_python(tmp_path):
    """So results may be copied between machines: Python 3.11, 3.12 and 3.13 give this tree."""
    source = tmp_path / "module.py"
    source.write_text(
        "class A(B):\n    def f(self, x: int = 1) -> None:\n        return [y async for y in x]\n"
    )
    assert syntax_digest(source)[:16] == "f3f39e988fc85138"


def test_a_later_process_makes_no_tree_of_a_source_that_it_knows(tmp_path, monkeypatch):
    digest = syntax_digest(source(tmp_path))
    keep_digests()
    forget()
    refuse_trees(monkeypatch)
    assert syntax_digest(source(tmp_path)) == digest


def test_an_edited_source_has_a_tree_of_its_own(tmp_path):
    before = syntax_digest(source(tmp_path))
    keep_digests()
    forget()
    assert syntax_digest(source(tmp_path, "x = 2\n")) != before
    assert syntax_digest(source(tmp_path, "x = 1  # why\n")) == before


@pytest.mark.parametrize(
    "damage", [lambda text: text[:-3], lambda text: text.replace("a", "b"), lambda text: "", lambda text: "é"]
)
def test_damaged_digests_are_made_again(tmp_path, kept, damage):
    digest = syntax_digest(source(tmp_path))
    keep_digests()
    whole = kept.read_text()
    kept.write_text(damage(whole))
    forget()
    assert syntax_digest(source(tmp_path)) == digest
    keep_digests()
    assert kept.read_text() == whole


def test_digests_of_two_processes_are_kept(tmp_path, kept):
    syntax_digest(source(tmp_path))  # this process has read before the other writes
    mine = dict(syntax_digests._known())
    forget()
    syntax_digest(source(tmp_path, "y = 1\n"))
    keep_digests()
    syntax_digests._known().clear()
    syntax_digests._known().update(mine)
    keep_digests()
    assert len(kept.read_text().splitlines()) == 3


def test_a_folder_that_cannot_be_written_is_no_mistake(tmp_path, kept):
    kept.parent.write_text("a file in its place")
    syntax_digest(source(tmp_path))
    keep_digests()


def test_kept_digests_do_not_grow_without_end_and_serve_after_that(tmp_path, kept, monkeypatch):
    monkeypatch.setattr(syntax_digests, "MOST_KEPT", 3)
    for number in range(8):
        forget()
        syntax_digest(source(tmp_path, f"x = {number}\n"))
        keep_digests()
    assert len(kept.read_text().splitlines()) <= 5
    forget()
    refuse_trees(monkeypatch)
    syntax_digest(source(tmp_path, "x = 7\n"))


def test_what_looks_like_a_field_of_a_tree_in_a_text_counts(tmp_path):
    assert syntax_digest(source(tmp_path, "x = 'a, type_params=[]'\n")) != syntax_digest(
        source(tmp_path, "x = 'a'\n")
    )
