"""Names that a user chose, drawn as written: no letter of them is an instruction to matplotlib.

Every text that is no word of the project goes through `as_written`.
"""

import sys
import textwrap
from collections.abc import Iterable
from functools import cache
from typing import Any

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

FAMILY = "DejaVu Sans"
PLACEHOLDERS = "Last Resort"
"""A font that comes with matplotlib and has a frame for every letter of Unicode, and no letter."""
INCHES_A_LETTER = 0.065
"""Mean width of a letter of DejaVu Sans at 8 points; letters of full width, as of Chinese, take twice that."""


def as_written(text: str) -> dict[str, Any]:
    """Properties of matplotlib's Text under which `text` is drawn as written.

    `$`, `^`, `_` and braces are letters. Letters that DejaVu Sans lacks come from other installed fonts; where none has
    them, a sentence says so once and a box stands in their place.
    """
    return {"parse_math": False, "fontfamily": [FAMILY, *_further_families(frozenset(text))]}


def wrapped(text: str, inches: float) -> str:
    """A name in lines that fit a width at 8 points, broken between words where there are any.

    >>> wrapped("cat", 0.5), wrapped("golden retriever", 0.6)
    ('cat', 'golden\\nretriever')
    """
    wide = any(ord(letter) >= 0x1100 for letter in text)
    letters = max(3, int(inches / (INCHES_A_LETTER * (2 if wide else 1))))
    return text if len(text) <= letters else "\n".join(textwrap.wrap(text, letters))


@cache
def _further_families(letters: frozenset[str]) -> tuple[str, ...]:
    """Installed families that have the letters that DejaVu Sans lacks, as few as possible."""
    missing = {letter for letter in letters if letter.isprintable()} - _letters_of(
        font_manager.findfont(FAMILY)
    )
    families = []
    for font in font_manager.fontManager.ttflist if missing else ():
        if PLACEHOLDERS in font.name:
            continue
        if covered := missing & _letters_of(font.fname):
            families.append(font.name)
            missing -= covered
        if not missing:
            break
    if missing:
        _say_missing(missing)
    return tuple(families)


@cache
def _letters_of(path: str) -> frozenset[str]:
    """The letters of a font; none where the file cannot be read."""
    try:
        return frozenset(map(chr, FT2Font(path).get_charmap()))
    except (OSError, RuntimeError):
        return frozenset()


def _say_missing(letters: Iterable[str]) -> None:
    shown = " ".join(f"U+{ord(letter):04X}" for letter in sorted(letters)[:5])
    print(
        f"No installed font has the letters {shown}: figures show boxes in their place. Install a font that has them, "
        "such as Noto Sans, and make the figures again.",
        file=sys.stderr,
    )
