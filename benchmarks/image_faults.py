"""Odd images in a folder of classes, prepared by the program's own stage: right pixels, or one sentence."""

import contextlib
import io
import json
import re
import shutil
import signal
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.odd_files import odd_files
from benchmarks.odd_images import SIZE, Odd, Pixels, in_grey
from ib_analysis.__main__ import main as command_line

GOOD = 10
"""Sound images of each of the two classes."""
SECONDS = 60
READ, REFUSED, PASSED = "read", "refused", "passed over"
WRONG = ("wrong pixels", "more words than the counts", "no right outcome", "vague", "traceback", "hang")


class HangError(BaseException):
    """No reader may catch it."""


@dataclass(frozen=True)
class Outcome:
    """What came of one odd file in one colour mode, and what was said."""

    odd: Odd
    mode: str
    kind: str
    said: str


def outcomes(folder: Path, odds: Iterable[Odd] | None = None) -> Iterator[Outcome]:
    """The outcome of each odd image, in colour and in grey."""
    with contextlib.chdir(folder):  # a socket needs a short path
        for number, odd in enumerate(odds or odd_files()):
            for mode in ("rgb", "grey"):
                home = folder / f"{number}-{mode}"
                home.mkdir()
                yield _outcome(odd, mode, home)
                shutil.rmtree(home)


def _outcome(odd: Odd, mode: str, home: Path) -> Outcome:
    good = _good_images(odd)
    for name in ("even", "odd"):
        (home / "images" / name).mkdir(parents=True)
    for number, pixels in enumerate(good):
        Image.fromarray(pixels).save(home / "images" / ("even", "odd")[number % 2] / f"good-{number}.png")
    odd.make(home / "images" / "odd" / odd.name)
    code, said = _prepared(home, mode)
    if code is None:
        return Outcome(odd, mode, "hang", said)
    if "Traceback" in said:
        return Outcome(odd, mode, "traceback", said)
    if code:
        return Outcome(odd, mode, _refusal(odd, said), said)
    found = np.load(home / "prepared" / "images.npy")
    kind = _reading(odd, found, [_levels(pixels, None, mode) for pixels in good], mode, said)
    return Outcome(odd, mode, kind, said)


def _good_images(odd: Odd) -> list[Pixels]:
    height, width = SIZE if odd.pixels is None else odd.pixels.shape[:2]
    numbers = np.random.default_rng(1)
    return list(numbers.integers(0, 256, (2 * GOOD, height, width, 3), dtype=np.uint8))


def _prepared(home: Path, mode: str) -> tuple[int | None, str]:
    """Exit code and words of the stage; None where it does not end in time."""
    spec = {"folder": str(home / "images"), "mode": mode, "duplicates": "keep"}
    slice_ = {"dataset": {"implementation": "ib_analysis.datasets.image_folder:ImageFolder", "spec": spec}}
    arguments = ["prepare_dataset", "--out", str(home / "prepared"), "--spec", json.dumps(slice_)]
    said = io.StringIO()
    signal.signal(signal.SIGALRM, _hang)
    signal.alarm(SECONDS)
    code: int | None = None
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), _warnings_to(said):
        try:
            code = command_line(arguments)
        except HangError:
            pass
        except Exception as error:
            code = 1
            print(f"Traceback: {type(error).__name__}: {error}")
        finally:
            signal.alarm(0)
    return code, said.getvalue()


@contextlib.contextmanager
def _warnings_to(said: io.StringIO) -> Iterator[None]:
    """Every warning as a line of what is said."""
    with warnings.catch_warnings(record=True, action="always") as found:
        yield
    said.writelines(f"{warning.category.__name__}: {warning.message}\n" for warning in found)


def _hang(*_: Any) -> None:
    raise HangError


def _refusal(odd: Odd, said: str) -> str:
    """Whether one line says which file and what to do."""
    lines = _without_progress(said)
    if len(lines) != 1 or not lines[0].startswith("ib-analysis: "):
        return "vague"
    shown = [odd.name, repr(odd.name)[1:-1], odd.name.encode("ascii", "backslashreplace").decode()]
    remedy = any(word in lines[0] for word in ("remove", "replace", "rename", "restore", "convert"))
    named = any(name in lines[0] for name in shown)
    if not (named and remedy):
        return "vague"
    return REFUSED if odd.right in ("refused", "either") else "no right outcome"


def _without_progress(said: str) -> list[str]:
    """What is said, but for bars of progress and files that are passed over."""
    lines = [line for line in re.split("[\\r\\n]+", said) if line.strip()]
    return [
        line
        for line in lines
        if not line.startswith("passed over") and not re.match(r"images: \w+: \d+", line)
    ]


def _reading(odd: Odd, found: Any, good: list[Any], mode: str, said: str) -> str:
    """Whether the prepared images are the sound ones and, where it is to be read, the odd one."""
    images = Counter(image.tobytes() for image in found)
    of_good = Counter(image.tobytes() for image in good)
    if images == of_good:
        outcome = "passed over" if "passed over, for they are no images" in said else "hidden"
        return PASSED if odd.right == outcome else "no right outcome"
    if odd.right in ("refused", "passed over", "hidden"):
        return "no right outcome"
    if odd.pixels is None:
        return READ
    right = of_good + Counter([_levels(odd.pixels, odd.grey, mode).tobytes()])
    if images != right:
        return "wrong pixels"
    return READ if len(_without_progress(said)) == 1 else "more words than the counts"


def _levels(pixels: Pixels, grey: Pixels | None, mode: str) -> Any:
    """Levels (C, H, W) as a data set holds them."""
    if mode == "rgb":
        return np.ascontiguousarray(pixels.transpose(2, 0, 1))
    return (in_grey(pixels) if grey is None else grey)[None]


def read_odd_files(folder: Path) -> str:
    """A line of counts; what is wrong is printed before it."""
    folder.mkdir()
    kinds, files = Counter[str](), 0
    for outcome in outcomes(folder):
        files += outcome.mode == "rgb"
        kinds[outcome.kind] += 1
        if outcome.kind in WRONG:
            print(f"  {outcome.odd.about} ({outcome.mode}): {outcome.kind}: {outcome.said.strip()[:300]!a}")
    return (
        f"{files} odd files, each in colour and in grey: {kinds[READ]} read with the right pixels, {kinds[REFUSED]} "
        f"refused in a sentence that names the file, {kinds[PASSED]} passed over as documented, "
        + ", ".join(f"{kinds[kind]} {kind}" for kind in WRONG)
    )
