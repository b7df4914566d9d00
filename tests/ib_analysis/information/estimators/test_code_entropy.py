"""Counted entropies of codes against laws that are known: the correction, and the error that must cover it."""

import numpy as np
import pytest

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.code_entropy import code_entropy


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
