"""Counted entropies and informations of codes against known laws: the correction, and the error that must cover it."""

import numpy as np
import pytest

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.code_entropy import code_entropy, shared_information


@pytest.mark.parametrize(
    ("classes", "n"), [(2, 359), (16, 359), (64, 359), (256, 359), (256, 1078), (256, 12_000)]
)
def test_the_interval_of_a_counted_entropy_holds_the_truth(classes, n):
    rng, held, missed = np.random.default_rng(0), [], []
    for _ in range(300):
        p = rng.dirichlet(np.full(classes, 2.0))
        found = code_entropy(rng.choice(classes, size=n, p=p))
        error = found.nats + (p * np.log(p)).sum()
        held.append(abs(error) <= 1.96 * found.stderr_nats)
        missed.append(error)
    assert np.mean(held) > 0.9
    assert abs(np.mean(missed)) < 0.05


def test_counting_alone_would_miss_half_a_bit():
    codes = np.random.default_rng(0).choice(256, size=359)
    assert code_entropy(codes).bias_nats / np.log(2) > 0.4
    assert code_entropy(codes).nats == pytest.approx(np.log(256), abs=0.15)


def test_a_code_that_is_always_the_same_has_no_entropy_and_no_error():
    found = code_entropy(np.zeros(10, dtype=np.int64))
    assert (found.nats, found.stderr_nats, found.classes) == (0.0, 0.0, 1)


def test_one_image_is_refused():
    with pytest.raises(UserError, match="1 images"):
        code_entropy(np.array([3]))


def of_law(rng, classes, n, concentration):
    """I(y; code) of a law of codes and ten labels, in nats, and what is counted on n draws of it."""
    law = rng.dirichlet(np.full(classes, 2.0))[:, None] * rng.dirichlet(
        np.full(10, concentration), size=classes
    )
    law /= law.sum()
    ratio = law / (law.sum(1, keepdims=True) * law.sum(0))
    truth = (law[law > 0] * np.log(ratio[law > 0])).sum()
    drawn = rng.choice(law.size, size=n, p=law.ravel())
    return truth, shared_information(drawn // 10, drawn % 10)


@pytest.mark.parametrize(("classes", "n"), [(64, 1078), (256, 1078), (64, 12_000), (256, 12_000)])
@pytest.mark.parametrize("concentration", [0.05, 0.3, 5.0])
def test_the_interval_of_a_counted_information_holds_the_truth(classes, n, concentration):
    rng, held = np.random.default_rng(0), []
    for _ in range(100):
        truth, found = of_law(rng, classes, n, concentration)
        held.append(abs(found.nats - truth) <= 1.96 * found.stderr_nats)
    assert np.mean(held) >= 0.9


def test_with_most_pairs_seen_once_the_counted_information_is_too_high():
    truth, found = of_law(np.random.default_rng(0), 256, 359, 0.3)
    assert found.nats - truth > 1.96 * found.stderr_nats
