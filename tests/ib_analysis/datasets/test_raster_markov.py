import itertools

import numpy as np
import pytest

from ib_analysis.datasets.discretized_logistic import entropy_nats
from ib_analysis.datasets.raster_markov import RasterMarkov, stationary_law
from ib_analysis.errors import UserError
from ib_analysis.units import bits


@pytest.mark.parametrize(
    ("correlation", "scale", "h1", "hr", "total"),
    [(0.9, 5, 6.4263, 5.2081, 334.54), (0.5, 10, 6.4266, 6.2075, 397.50)],
)
def test_reference_entropies_of_the_field(correlation, scale, h1, hr, total):
    law = RasterMarkov(8, 256, correlation, scale)
    known = {name: bits(nats) for name, nats in law.known(0.0).items()}
    assert bits(entropy_nats(law.stationary).item()) == pytest.approx(h1, abs=6e-5)
    assert (known["H(x)"] - known["I(x;rows1)"]) / 56 == pytest.approx(hr, abs=6e-5)
    assert known["H(x)"] == pytest.approx(total, abs=6e-3)
    assert known["I(x;rows8)"] == pytest.approx(known["H(x)"], abs=1e-9)


def test_information_of_kept_rows():
    known = RasterMarkov(8, 256, 0.9, 5.0).known(0.11)
    assert bits(known["I(x;rows1)"]) == pytest.approx(42.88, abs=6e-3)
    assert bits(known["I(x;rows2)"]) == pytest.approx(84.55, abs=6e-3)
    h2 = -(0.11 * np.log2(0.11) + 0.89 * np.log2(0.89))
    assert bits(known["H(y)"]) == pytest.approx(1, abs=1e-12)
    assert bits(known["I(y;x)"]) == pytest.approx(1 - h2, abs=1e-12)
    assert all(known[f"I(y;rows{t})"] == known["I(y;x)"] for t in range(1, 9))


@pytest.mark.parametrize(("scale", "per_dim"), [(5, 5.20812), (20, 7.18726)])
def test_no_correlation_is_independent_pixels(scale, per_dim):
    known = RasterMarkov(6, 256, 0.0, scale).known(0.0)
    assert bits(known["H(x)"]) / 36 == pytest.approx(per_dim, abs=6e-6)
    assert bits(known["I(x;rows4)"]) / 24 == pytest.approx(per_dim, abs=6e-6)


def entropy(weights):
    weights = np.array(weights)
    return -(weights[weights > 0] * np.log(weights[weights > 0])).sum()


@pytest.mark.parametrize("levels", [2, 3, 4])
@pytest.mark.parametrize("correlation", [0.0, 0.7])
@pytest.mark.parametrize("noise", [0.0, 0.2, 0.5])
def test_every_known_quantity_by_enumeration(levels, correlation, noise):
    law = RasterMarkov(2, levels, correlation, 0.6)
    images = np.array(list(itertools.product(range(levels), repeat=4)), np.uint8).reshape(-1, 1, 2, 2)
    p, label = np.exp(law.log_probability(images)), law.label(images)
    assert p.sum() == pytest.approx(1, abs=1e-12)
    known = law.known(noise)
    expected = {"H(x)": entropy(p)}
    joint = np.stack([p * np.where(label == y, 1 - noise, noise) for y in (0, 1)])
    expected["H(y)"] = entropy(joint.sum(1))
    expected["I(y;x)"] = expected["H(y)"] + entropy(p) - entropy(joint.ravel())
    for t in (1, 2):
        _, group = np.unique(images[:, 0, :t].reshape(len(images), -1), axis=0, return_inverse=True)
        rows = np.stack([np.bincount(group, weights) for weights in joint])
        expected[f"I(x;rows{t})"] = entropy(rows.sum(0))
        expected[f"I(y;rows{t})"] = expected["H(y)"] + entropy(rows.sum(0)) - entropy(rows.ravel())
    assert known == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("levels", "correlation", "scale"),
    [(256, 0.9, 5.0), (256, 0.5, 10.0), (17, 0.8, 1.0), (2, 0.5, 0.5), (256, 0.0, 20.0)],
)
def test_mean_surprise_of_samples_is_the_entropy(levels, correlation, scale):
    law = RasterMarkov(8, levels, correlation, scale)
    surprise = -law.log_probability(law.draw(4000, np.random.default_rng(1)))
    stderr = surprise.std(ddof=1) / np.sqrt(len(surprise))
    assert abs(surprise.mean() - law.known(0.0)["H(x)"]) < 4 * stderr


def test_every_pixel_has_the_stationary_law():
    law = RasterMarkov(4, 16, 0.9, 1.0)
    x = law.draw(20_000, np.random.default_rng(2)).reshape(-1, 16)
    spread = np.sqrt(law.stationary * (1 - law.stationary) / len(x))
    for pixel in (0, 1, 15):
        share = np.bincount(x[:, pixel], minlength=16) / len(x)
        assert (np.abs(share - law.stationary) < 4.5 * spread + 1e-9).all()


@pytest.mark.parametrize(
    ("levels", "correlation", "scale"), [(256, 0.9, 5.0), (17, 0.99, 0.3), (256, 0.0, 0.01)]
)
def test_the_stationary_law_is_stationary(levels, correlation, scale):
    law = RasterMarkov(8, levels, correlation, scale)
    np.testing.assert_allclose(law.stationary @ law.transition, law.stationary, atol=1e-14)
    np.testing.assert_allclose(law.stationary, law.stationary[::-1], rtol=1e-8)


def test_a_chain_that_never_moves_is_refused():
    with pytest.raises(ZeroDivisionError):
        stationary_law(np.eye(3))
    with pytest.raises(UserError, match=r"scale: 0.0001 levels are too few"):
        RasterMarkov(8, 256, 0.9, 1e-4).known(0.0)
