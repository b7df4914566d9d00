"""Mixtures are densities: they sum to 1, bound the entropy, and leave no room for a term that was chosen by looking."""

import itertools

import numpy as np
import pytest
from scipy.optimize import minimize

from decoders.errors import FitError
from decoders.mixture import (
    averaged,
    choose_components,
    fit_mixture,
    mixed,
    mixture_weights,
    nearest,
    partial_mixture,
    partial_mixtures_of_classes,
)


def random_laws(count, letters, seed=0):
    """Normalised laws on an alphabet, (count, letters)."""
    return np.random.default_rng(seed).dirichlet(np.full(letters, 0.3), size=count)


def test_a_mixture_and_an_average_sum_to_one_over_an_alphabet():
    nats = -np.log(random_laws(4, 50))
    weights = np.array([0.1, 0.2, 0.3, 0.4])
    np.testing.assert_allclose(np.exp(-mixed(nats, weights)).sum(), 1.0)
    np.testing.assert_allclose(np.exp(-averaged(nats)).sum(), 1.0)


def test_the_average_of_probabilities_is_never_worse_than_the_mean_of_nats():
    nats = np.random.default_rng(0).normal(100.0, 10.0, size=(3, 1000))
    assert (averaged(nats) <= nats.mean(axis=0) + 1e-9).all()
    np.testing.assert_allclose(averaged(nats[:1]), nats[0])


def test_hundreds_of_nats_do_not_underflow():
    nats = np.array([[5000.0], [5000.0 + np.log(3.0)]])
    np.testing.assert_allclose(mixed(nats, np.array([0.5, 0.5])), 5000.0 - np.log(0.5 + 0.5 / 3.0))


def test_a_component_without_probability_costs_its_weight_alone():
    np.testing.assert_allclose(mixed(np.array([[np.inf], [1.0]]), np.array([0.25, 0.75])), 1.0 - np.log(0.75))


@pytest.mark.parametrize("terms", [1, 3, 10])
def test_some_terms_whoever_chose_them_never_beat_the_whole_mixture(terms):
    """The choice here is the greediest that there is: the terms that like this very letter best."""
    laws = random_laws(20, 40)
    nats = -np.log(laws)
    best = np.sort(nats, axis=0)[:terms]
    whole = -np.log(laws.mean(axis=0))
    partial = partial_mixture(best, count=20)
    assert (partial >= whole - 1e-12).all()
    assert np.exp(-partial).sum() <= 1.0 + 1e-12
    np.testing.assert_allclose(partial_mixture(nats, count=20), whole)


def test_a_partial_mixture_that_divides_by_its_own_terms_would_be_no_density():
    """What the count is for: dividing by the chosen terms gives probabilities that add up to more than 1."""
    nats = -np.log(random_laws(20, 40))
    best = np.sort(nats, axis=0)[:3]
    assert np.exp(-partial_mixture(best, count=3)).sum() > 1.5


def test_mixtures_of_classes_make_the_whole_with_the_shares_of_the_classes():
    laws, classes = random_laws(12, 30), np.array([0, 1, 1, 2] * 3)
    counts = np.bincount(classes, minlength=4).astype(float)
    table = np.repeat(classes[:, None], 30, axis=1)
    found = partial_mixtures_of_classes(-np.log(laws), table, np.repeat(counts[:, None], 30, axis=1))
    assert found.shape == (4, 30)
    np.testing.assert_allclose(np.exp(-found[:3]).sum(axis=1), 1.0)
    assert np.isinf(found[3]).all()
    np.testing.assert_allclose(mixed(found, counts / 12), partial_mixture(-np.log(laws), 12))


def test_terms_of_a_class_that_are_left_out_keep_an_upper_bound():
    laws, classes = random_laws(12, 30), np.repeat(np.array([0, 1] * 6)[:, None], 30, axis=1)
    counts = np.full((2, 30), 6.0)
    whole = partial_mixtures_of_classes(-np.log(laws), classes, counts)
    some = partial_mixtures_of_classes(-np.log(laws[:5]), classes[:5], counts)
    assert (some >= whole).all()


def test_nearest_is_the_literal_sort_of_standardised_distances():
    rng = np.random.default_rng(0)
    h, others = rng.normal(size=(7, 2, 3)).astype("f4"), rng.normal(size=(40, 2, 3)).astype("f4")
    others[:, 0, 0] *= 1000.0
    h[:, 0, 0] *= 1000.0
    others[:, 1, 1] = 5.0  # a unit that does not vary
    chosen = nearest(h, others, 4, block=3)
    a, b = h.reshape(7, -1), others.reshape(40, -1)
    varies = b.std(0) > 0
    scale = b.std(0)[varies]
    for i in range(7):
        distances = (((a[i, varies] - b[:, varies]) / scale) ** 2).sum(axis=1)
        assert set(chosen[:, i]) == set(np.argsort(distances)[:4])


def test_nearest_never_chooses_the_example_itself():
    h = np.random.default_rng(0).normal(size=(30, 5)).astype("f4")
    own = np.arange(30)
    assert (nearest(h, h, 1) == own).all()
    chosen = nearest(h, h, 29, own=own)
    assert not (chosen == own).any()


def test_weights_are_the_maximum_of_the_penalised_likelihood():
    """Against a general optimiser: EM must find the same weights."""
    rng = np.random.default_rng(1)
    nats = rng.normal(100.0, 3.0, size=(4, 60)) + np.array([[0.0], [1.0], [2.0], [8.0]])
    found = mixture_weights(nats)

    def minus(logits):
        w = np.exp(logits - np.logaddexp.reduce(logits))
        return mixed(nats, w).sum() - 0.25 * np.log(w).sum()

    best = minimize(minus, np.zeros(4), method="BFGS", options={"gtol": 1e-8})
    expected = np.exp(best.x - np.logaddexp.reduce(best.x))
    np.testing.assert_allclose(found, expected, atol=2e-3)
    assert minus(np.log(found)) <= best.fun + 1e-4


def test_weights_recover_those_of_the_law_that_drew_the_examples():
    rng = np.random.default_rng(2)
    laws, truth = random_laws(3, 200, seed=3), np.array([0.6, 0.3, 0.1])
    letters = rng.choice(200, size=20_000, p=truth @ laws)
    np.testing.assert_allclose(mixture_weights(-np.log(laws[:, letters] + 1e-300)), truth, atol=0.02)


def test_no_weight_is_zero_but_without_pseudo_examples_it_would_be():
    nats = np.array([[1.0] * 20, [60.0] * 20])
    assert mixture_weights(nats)[1] == pytest.approx(0.5 / 21)
    assert mixture_weights(nats, pseudo_examples=0.0)[1] < 1e-12


def test_a_fitted_mixture_is_chosen_on_held_out_examples_and_judged_on_others():
    """A component that knows the held-out examples by heart gets the weight, and pays on the others."""
    rng = np.random.default_rng(0)
    honest = rng.normal(100.0, 5.0, size=300)
    holdout = {"honest": honest[:100], "cheat": honest[:100] - 20.0}
    evaluation = {"honest": honest[100:], "cheat": honest[100:] + 20.0}
    found = fit_mixture(holdout, evaluation)
    assert found.weights["cheat"] > 0.99
    assert found.nats.mean() > honest[100:].mean() + 4.0
    assert found.holdout_nats.mean() < honest[:100].mean() - 19.0


def test_a_mixture_bounds_the_entropy_from_above_and_lies_below_its_best_component():
    rng = np.random.default_rng(4)
    truth = rng.dirichlet(np.full(60, 1.0))
    entropy = -(truth * np.log(truth)).sum()
    laws = np.stack([rng.dirichlet(truth * 50.0 + 0.01) for _ in range(4)])
    holdout, evaluation = rng.choice(60, size=2000, p=truth), rng.choice(60, size=200_000, p=truth)
    nats = -np.log(laws)
    found = fit_mixture(
        {str(k): row[holdout] for k, row in enumerate(nats)},
        {str(k): row[evaluation] for k, row in enumerate(nats)},
    )
    best = min(row[evaluation].mean() for row in nats)
    assert entropy < found.nats.mean() < best


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: mixed(np.zeros((2, 3)), np.array([0.5, 0.6])), "adding up to 1"),
        (lambda: mixed(np.zeros((2, 3)), np.array([1.0])), "one for each"),
        (lambda: partial_mixture(np.zeros((5, 2)), 4), "each counts once"),
        (
            lambda: partial_mixtures_of_classes(np.zeros((2, 1)), np.zeros((2, 1), int), np.ones((1, 1))),
            "each counts once",
        ),
        (lambda: nearest(np.zeros((2, 1)), np.zeros((3, 1)), 4), "1 to 3"),
        (lambda: mixture_weights(np.array([[np.inf]])), "finite"),
        (lambda: fit_mixture({}, {}), "none"),
        (lambda: fit_mixture({"a": np.zeros(2)}, {"b": np.zeros(2)}), "give the same"),
    ],
)
def test_mistakes_are_one_sentence(call, word):
    with pytest.raises(FitError, match=word):
        call()


def test_no_two_laws_of_the_alphabet_make_a_mixture_below_the_better_one_everywhere():
    """A guard of the sign: a mixture lies between its components, letter by letter."""
    for a, b in itertools.pairwise(random_laws(6, 25, seed=9)):
        nats = -np.log(np.stack([a, b]) + 1e-12)
        both = mixed(nats, np.array([0.5, 0.5]))
        assert (both >= nats.min(axis=0) - 1e-9).all()
        assert (both <= nats.max(axis=0) + 1e-9).all()


def test_chosen_components_are_those_that_explain_what_the_others_do_not():
    """Two kinds of examples: a twin of what is there is not chosen, nor is noise, but what knows the other kind is."""
    rng = np.random.default_rng(0)
    first = np.arange(80) < 50
    noise = rng.normal(0.0, 0.05, size=(4, 80))
    base = np.where(first, 10.0, 20.0)[None] + noise[:1]
    candidates = {
        "twin": base[0] + noise[1],
        "other kind": np.where(first, 20.0, 10.0) + noise[2],
        "bad": np.full(80, 25.0) + noise[3],
    }
    assert choose_components(base, candidates, 2) == ("other kind",)
    assert choose_components(base, candidates, 0) == ()
    assert choose_components(base, {"bad": candidates["bad"]}, 1) == ()
