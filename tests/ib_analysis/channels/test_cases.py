"""The validation cases: wide enough, exact, and the same at every draw."""

import re

import numpy as np
import pytest

from ib_analysis.channels.case_table import CASES as DESCRIBED
from ib_analysis.channels.case_table import EVERY_CASE, FRESH_CASES
from ib_analysis.channels.cases import validation_case
from ib_analysis.errors import UserError
from ib_analysis.units import bits

CASES = tuple(map(validation_case, DESCRIBED))
FRESH = tuple(map(validation_case, FRESH_CASES))
by_case = pytest.mark.parametrize("case", [*CASES, *FRESH], ids=lambda case: case.name)


@by_case
def test_a_case_draws_pairs_and_knows_their_information(case):
    images, h, labels = case.draw(24, seed=5)
    assert images.shape == (24, *case.law.shape)
    assert images.dtype == np.uint8
    assert len(h) == len(labels) == 24
    assert h.dtype == np.float32
    assert np.isfinite(h).all()
    assert np.isfinite(case.law.log_probability(images)).all()
    for again, first in zip(case.draw(24, seed=5), (images, h, labels)):
        np.testing.assert_array_equal(again, first)
    truth, entropy, label = case.information, case.entropy, case.label_information
    assert -1e-9 <= label.nats <= truth.nats + 4 * truth.stderr + 1e-9
    assert truth.nats <= entropy.nats + 4 * (truth.stderr + entropy.stderr) + 1e-9
    assert truth.stderr <= 0.01 * truth.nats
    assert case.sizes.fitting > case.sizes.evaluation > 0


@pytest.mark.parametrize(
    "case", [case for case in (*CASES, *FRESH) if case.law.dimensions >= 16], ids=lambda case: case.name
)
def test_another_seed_draws_other_images(case):
    assert (case.draw(60, seed=0).images != case.draw(60, seed=1).images).any()


def test_the_family_is_wide():
    information = [bits(case.information.nats) for case in CASES]
    assert len({case.name for case in CASES}) == len(CASES) >= 20
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", case.name) for case in CASES)
    assert {case.law.shape[0] for case in CASES} == {1, 3}
    assert {case.law.shape[1] for case in CASES} == {8, 16, 32}
    assert {case.law.levels for case in CASES} == {2, 3, 4, 8, 16, 32, 64, 256}
    assert min(information) == 0
    assert max(information) > 3000
    for low, high in [(0.01, 1), (1, 5), (5, 20), (20, 100), (100, 300), (300, 1500), (1500, 4000)]:
        assert any(low <= value < high for value in information), (low, high)
    assert len({type(case.law) for case in CASES}) == 6
    assert len({type(case.channel) for case in CASES}) == 10


def test_fresh_cases_are_none_of_the_known_ones():
    """Two families and three codes are new, and each case has a source or a code that no known case has."""
    assert len(EVERY_CASE) == len(CASES) + len(FRESH)
    laws, channels = zip(*DESCRIBED.values(), strict=True)
    assert all(case.law not in laws or case.channel not in channels for case in FRESH_CASES.values())
    assert len({case.family for case in FRESH} - {case.family for case in CASES}) == 2
    assert len({type(case.channel) for case in FRESH} - {type(case.channel) for case in CASES}) == 3
    information = sorted(bits(case.information.nats) for case in FRESH)
    assert 0.5 < information[0] < 1.0
    assert 300 < information[-1] < 310


@pytest.mark.parametrize(
    ("name", "expected_bits"),
    [
        ("markov-8-rows1", 42.88),
        ("logistic-8-rows4", 32 * 5.20812),
        ("rectangles-8-identity", 10.340),
        ("rectangles-8-low-bits-quantized", 10.340),
        ("factors-8-class", 2.0),
        ("markov-8-identity-shuffled", 0.0),
        ("uniform-16-erasure", 256.0),
        ("uniform-rgb-16-rows8", 3072.0),
        ("binary-8-parity", 1.0),
        ("templates-rgb-16-rows6", 146.0),
        ("factors-16-place-texture", 2 * np.log2(9) + 2),
    ],
)
def test_reference_values_of_cases(name, expected_bits):
    assert bits(validation_case(name).information.nats) == pytest.approx(expected_bits, abs=6e-3)


def test_a_case_that_does_not_exist_is_a_sentence():
    with pytest.raises(
        UserError, match="markov-9: there is no such validation case; choose from still-8-identity"
    ):
        validation_case("markov-9")
