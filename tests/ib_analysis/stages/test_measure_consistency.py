"""The questions are the right ones: exact information over a whole universe of pairs of images passes every test."""

from collections import Counter
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest

from decoders.spec import FitSpec
from decoders.training.batches import divide
from ib_analysis.errors import UserError
from ib_analysis.information.inference.consistency import Measured
from ib_analysis.stages.measure_consistency import Spec, _BaselineEstimator, _Decoders, _Plan, halves

UNIVERSE = np.array(list(product(range(2), repeat=4)), np.uint8).reshape(16, 1, 4, 1)


class Oracle:
    """I(target; h) = H(target) + H(h) - H(target, h), by counting all pairs of all images of 4 binary rows."""

    def __call__(self, question):
        a, b = np.repeat(UNIVERSE, 16, 0), np.tile(UNIVERSE, (16, 1, 1, 1))
        target, h = question.target(a, b).reshape(256, -1), question.h(a, b).reshape(256, -1)
        both = np.concatenate([target, h], axis=1)
        return Measured(entropy(target) + entropy(h) - entropy(both), 0.0, 256)

    def of_two(self, both, one):
        return self(both), self(one)


def entropy(rows):
    counts = np.array(list(Counter(map(bytes, np.ascontiguousarray(rows, np.float32))).values()))
    return float(-(counts / counts.sum() * np.log(counts / counts.sum())).sum())


def slice_of(test, rows=None, **changes):
    return Spec(
        test=test, seed=0, rows=rows, kept=None, fewer=None, images=100, baselines={},
        decoder={"implementation": "decoders.x:X", "spec": {}}, fit=FitSpec(steps=1, holdout=0.25), **changes,
    )  # fmt: skip


def rows_of(test):
    data = SimpleNamespace(header=SimpleNamespace(height=4, levels=2))
    return list(_Plan(slice_of(test), data).rows("oracle", Oracle()))


def test_margins_are_shares_of_all_rows_whichever_are_asked_for():
    data = SimpleNamespace(header=SimpleNamespace(height=4, levels=2))
    rows = list(_Plan(slice_of("baseline", rows=(0, 2)), data).rows("oracle", Oracle()))
    assert [row.reference_bits for row in rows] == pytest.approx([4.0] * len(rows))
    assert [row.rows for row in rows if row.test == "monotonicity"] == [2, 4]


def test_the_error_over_pairs_allows_for_images_that_stand_in_two():
    """A pair's share is a sum: the mean over all pairs varies by sqrt 2 times what the estimator reports."""
    rng, n, means, reported = np.random.default_rng(0), 64, [], []
    for _ in range(400):
        images = rng.normal(size=(n, 1, 2, 1)).astype(np.float32)

        def estimate(x, h, quantity):
            shares = x.sum(axis=1) / np.sqrt(2)
            return SimpleNamespace(value=shares.mean(), stderr=shares.std(ddof=1) / np.sqrt(n), n=n)

        baseline = _BaselineEstimator(SimpleNamespace(estimate=estimate), SimpleNamespace(images=images))
        question = SimpleNamespace(target=lambda a, b: np.concatenate([a, b], 1), h=lambda a, b: a)
        two, _ = baseline.of_two(question, question)
        means.append(two.nats)
        reported.append(two.stderr_nats)
    assert np.mean(reported) == pytest.approx(np.std(means), rel=0.1)


def test_every_row_adds_what_it_holds():
    rows = rows_of("baseline")
    assert {row.verdict for row in rows} == {"consistent"}
    steps = [row for row in rows if row.test == "monotonicity"]
    assert [row.rows for row in steps] == [1, 2, 3, 4]
    assert [row.measured_bits for row in steps] == pytest.approx([1, 2, 3, 4])
    independent = [row for row in rows if row.test == "independence"]
    assert [(row.rows, row.statistic) for row in independent] == [
        (0, 0.0),
        (2, pytest.approx(0.0, abs=1e-12)),
    ]


def test_a_method_that_refuses_an_h_that_never_varies_is_asked_the_rest():
    class Refusing(Oracle):
        def __call__(self, question):
            if question.name == "rows0":
                raise UserError("it tells nothing")
            return super().__call__(question)

    data = SimpleNamespace(header=SimpleNamespace(height=4, levels=2))
    rows = list(_Plan(slice_of("baseline"), data).rows("refusing", Refusing()))
    assert [(row.test, row.rows) for row in rows] == [
        ("independence", 2),
        *(("monotonicity", t) for t in (2, 3, 4)),
    ]


@pytest.mark.parametrize(
    ("test", "expected"), [("symmetry", 1.0), ("data_processing", 1.0), ("additivity", 2.0)]
)
def test_ratios_are_those_of_the_truth(test, expected):
    (row,) = rows_of(test)
    assert row.statistic == pytest.approx(expected)
    assert row.verdict == "consistent"


def test_no_image_that_is_fitted_to_is_paired_with_one_that_is_held_out():
    measuring = object.__new__(_Decoders)
    measuring.slice_ = slice_of("additivity")
    measuring.data = SimpleNamespace(decoder=range(40))
    partners = measuring._partners
    fitted, held = divide(40, 0.25)
    assert set(partners[held]) == set(held)
    assert set(partners[fitted]) == set(fitted)
    assert (partners != np.arange(40)).all()


def test_pairs_of_evaluation_images_share_none():
    left, right = halves(7)
    assert (left.tolist(), right.tolist()) == ([0, 1, 2], [3, 4, 5])


def test_rows_that_there_are_not_are_refused():
    data = SimpleNamespace(header=SimpleNamespace(height=4, levels=2))
    with pytest.raises(UserError, match="6 rows of images of 4"):
        _Plan(slice_of("baseline").model_copy(update={"kept": 6}), data)
    with pytest.raises(UserError, match="leaves none"):
        _Plan(slice_of("baseline").model_copy(update={"fewer": 2}), data)
