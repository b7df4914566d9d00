"""What a user may give an estimator: the number of the plain array, or one sentence."""

import warnings
from decimal import Decimal

import numpy as np
import pytest
import torch

import ib_analysis
from ib_analysis.errors import UserError
from ib_analysis.information.estimators.arrays import rows_of_numbers
from ib_analysis.information.estimators.catalogue import ESTIMATORS, estimator

RNG = np.random.default_rng(0)
X = RNG.normal(size=(240, 2))
H = X + RNG.normal(size=(240, 2))
Y = (X[:, 0] + 0.7 * RNG.normal(size=240) > 0).astype(int)
FEW_STEPS = {"steps": 20, "patience": 20}

SAME = {
    "a tensor with a gradient": lambda a: torch.tensor(a, requires_grad=True),
    "a tensor inside a graph": lambda a: torch.tensor(a, requires_grad=True) * 1.0,
    "a transposed tensor": lambda a: torch.tensor(a.T.copy()).T,
    "a conjugate view": lambda a: torch.tensor(a).conj(),
    "a list": lambda a: a.tolist(),
    "a tuple of arrays": lambda a: tuple(a),
    "a list of tensors": lambda a: list(torch.tensor(a)),
    "every second row of a larger array": lambda a: np.repeat(a, 2, axis=0)[::2],
    "columns first": np.asfortranarray,
    "a read-only array": lambda a: np.frombuffer(a.tobytes()).reshape(a.shape),
    "objects": lambda a: a.astype(object),
    "a masked array without a mask": np.ma.masked_array,
    "a matrix": np.matrix,
    "another byte order": lambda a: a.astype(">f8"),
    "more digits": lambda a: a.astype(np.longdouble),
}


@pytest.mark.parametrize("form", SAME)
def test_a_form_of_an_array_is_that_array(form):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)  # of numpy.matrix
        rows = rows_of_numbers(SAME[form](X), "x")
    assert np.array_equal(rows, X)
    assert (rows.dtype, rows.flags.c_contiguous, rows.flags.writeable) == (np.float64, True, True)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (np.arange(12) % 2 == 0, (np.arange(12) + 1) % 2),
        (torch.arange(12) % 2 == 0, (np.arange(12) + 1) % 2),
        (np.arange(12, dtype=np.uint8), np.arange(12)),
        ([Decimal(i) / 4 for i in range(12)], np.arange(12) / 4),
        ([True, 2, 3.5] * 4, np.array([1, 2, 3.5] * 4)),
        (torch.arange(12, dtype=torch.bfloat16), np.arange(12)),
        (np.arange(12, dtype=np.float16), np.arange(12)),
        (np.arange(2**53 - 11, 2**53 + 1), np.arange(2**53 - 11, 2**53 + 1)),
    ],
)
def test_numbers_of_other_types(given, wanted):
    assert rows_of_numbers(given, "x")[:, 0].tolist() == wanted.tolist()


REFUSED = {
    "masked at places": np.ma.masked_array(X, X > 2),
    "is complex": X + 1j,
    "not finite: leave its row": [None] * 20,
    r"no number \(<U32\)": [["a", 1.0]] * 20,
    r"no number \(<U2\)": ["12"] * 20,
    "no number, or": np.array(["12"] * 20, dtype=object),
    r"no number \(datetime64": np.arange(20).astype("datetime64[s]"),
    r"no number \(timedelta64": np.arange(20).astype("timedelta64[s]"),
    r"no number \(\[": np.zeros(20, dtype=[("a", float)]),
    "sparse or quantized": torch.eye(20).to_sparse(),
    "beyond 2\\^53": np.arange(20) + 2**60,
    "beyond 2\\^53, which": (np.arange(20) + 2**60).astype(object),
    "beyond 2\\^53, which float64": np.arange(20, dtype=np.uint64) + np.uint64(2**63),
    "not finite": np.where(X > 2, np.inf, X),
    "not finite: leave": torch.full((20,), torch.nan),
    "not finite: leave its row out": np.full(20, np.longdouble("1e400")),
    "reaches 1.7e": np.full(20, 1.7e308) * np.linspace(-1, 1, 20),
    "alone, whose square": X * 1e-310,
    "varies by less than 1e-12": 1e15 + X,
    "has 1 rows": 3.0,
    "has 1 rows: give": torch.tensor(3.0, requires_grad=True),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_has_no_right_number_is_one_sentence(sentence):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("default", UserWarning)  # torch on sparse tensors
        with pytest.raises(UserError, match=sentence):
            ib_analysis.estimate_information(REFUSED[sentence], REFUSED[sentence])


def estimate(method, x, y):
    settings = {name: steps for name, steps in FEW_STEPS.items() if name in ESTIMATORS[method].settings}
    return estimator(method, **ESTIMATORS[method].baseline, **settings).estimate(x, y)


@pytest.mark.parametrize("method", ESTIMATORS)
def test_no_method_changes_what_it_is_given_or_depends_on_its_form(method):
    a, b = (H, Y) if ESTIMATORS[method].targets == ("label",) else (X, H)
    before = a.copy(), b.copy()
    plain = estimate(method, a, b)
    assert np.array_equal(a, before[0])
    assert np.array_equal(b, before[1])
    assert np.isfinite([plain.value, plain.stderr]).all()
    a.flags.writeable = False
    try:
        other = estimate(method, torch.tensor(a, requires_grad=True), b[::-1][::-1])
    finally:
        a.flags.writeable = True
    assert (other.value, other.stderr) == (plain.value, plain.stderr)


SCALE_FREE = sorted(ESTIMATORS.keys() - {"renyi"})  # one width for all features of a row


@pytest.mark.parametrize("method", SCALE_FREE)
@pytest.mark.parametrize("scale", [2.0**300, 2.0**-300])
def test_the_unit_of_x_does_not_matter_however_large_or_small(method, scale):
    a, b = (H, Y) if ESTIMATORS[method].targets == ("label",) else (X, H)
    assert estimate(method, scale * a, b).value == pytest.approx(
        estimate(method, a, b).value, rel=1e-3, abs=1e-3
    )


@pytest.mark.parametrize(
    "method", ["kernel_density", "kernel_density_upper", "noisy_mixture", "renyi", "ksg"]
)
def test_where_h_is_centred_does_not_matter(method):
    assert estimate(method, X, H + 1e6).value == pytest.approx(estimate(method, X, H).value, rel=1e-4)
