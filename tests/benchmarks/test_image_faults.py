"""A tenth of the odd files in every run of the tests, and that the campaign can find each kind of fault."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.image_faults import PASSED, READ, REFUSED, WRONG, outcomes
from benchmarks.odd_files import odd_files
from ib_analysis.datasets import image_files, image_folder
from ib_analysis.errors import UserError


def kinds_of(odds, folder):
    return {(outcome.odd.name, outcome.mode): outcome.kind for outcome in outcomes(folder, odds)}


@pytest.fixture(scope="module")
def odds():
    return {odd.name: odd for odd in odd_files()}


def test_odd_files_are_read_right_or_refused_in_a_sentence(tmp_path, odds):
    assert len(odds) > 900
    some = list(odds.values())[::10]
    found = [
        (outcome.odd.about, outcome.mode, outcome.kind, outcome.said) for outcome in outcomes(tmp_path, some)
    ]
    assert [outcome for outcome in found if outcome[2] in WRONG] == []
    assert {outcome[2] for outcome in found} == {READ, REFUSED, PASSED}


def test_the_campaign_finds_wrong_pixels_and_wrong_expectations(tmp_path, odds):
    plain, refused, hidden = odds["RGB-5x7.png"], odds["text.png"], odds[".hidden.png"]
    assert plain.pixels is not None
    wrong = [
        replace(plain, name="other.png", pixels=plain.pixels[::-1]),
        replace(plain, name="not-refused.png", right="refused"),
        replace(refused, name="not-read.png", pixels=plain.pixels, right="read"),
        replace(hidden, name=".not-said.png", right="passed over"),
    ]
    expected = ["wrong pixels", "no right outcome", "no right outcome", "no right outcome"]
    assert [kind for (_, mode), kind in kinds_of(wrong, tmp_path).items() if mode == "rgb"] == expected


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (ZeroDivisionError("a bug"), "traceback"),
        (UserError("something is wrong; remove it"), "vague"),
        (UserError("text.png: something is wrong"), "vague"),
    ],
)
def test_the_campaign_finds_tracebacks_and_vague_words(tmp_path, odds, monkeypatch, fault, kind):
    def fail(*_):
        raise fault

    monkeypatch.setattr(image_folder, "read_image", fail)
    assert set(kinds_of([odds["text.png"]], tmp_path).values()) == {kind}


def test_the_campaign_finds_a_hang_and_warnings(tmp_path, odds, monkeypatch):
    read = image_files.read_image
    monkeypatch.setattr("benchmarks.image_faults.SECONDS", 1)

    def warn(*arguments):
        warnings.warn("odd", stacklevel=1)
        return read(*arguments)

    def hang(*_):
        while True:
            np.zeros(1)

    monkeypatch.setattr(image_folder, "read_image", warn)
    assert set(kinds_of([odds["RGB-5x7.png"]], tmp_path).values()) == {"more words than the counts"}
    monkeypatch.setattr(image_folder, "read_image", hang)
    assert set(kinds_of([odds["text.png"]], tmp_path).values()) == {"hang"}
