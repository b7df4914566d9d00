"""Held-out images choose the rate of each kind of network, and the end of the tried rates is told."""

from dataclasses import dataclass

import pytest

from ib_analysis.studies.learning_rate import (
    chosen_learning_rates,
    end_of_the_tried,
    learns_at_some_rate,
    rate_beyond,
)


@dataclass(frozen=True)
class Network:
    """A network of one kind, at one rate."""

    kind: str
    learning_rate: float
    validation_accuracy: float | None


def by_kind(network):
    return network.kind


def networks(kind, accuracies):
    return [Network(kind, rate, value) for rate, values in accuracies.items() for value in values]


def test_each_kind_has_the_rate_of_the_best_mean_and_a_diverged_network_counts_as_nothing():
    """By the mean: the best single network of b is at 1, where the other has diverged."""
    tried = networks("a", {0.1: (0.5, 0.7), 0.3: (0.65, 0.65)})
    tried += networks("b", {0.1: (0.6, 0.6), 1.0: (0.99, None)})
    assert chosen_learning_rates(tried, by_kind) == {"a": 0.3, "b": 0.1}


def test_the_first_of_the_table_wins_ties():
    assert chosen_learning_rates(networks("a", {0.3: (0.5,), 0.1: (0.5,)}), by_kind) == {"a": 0.3}


@pytest.mark.parametrize(
    ("best", "end"), [(0.03, 0.03), (0.1, None), (0.3, 0.3)], ids=["smallest", "inner", "largest"]
)
def test_the_end_of_the_tried_rates_is_told(best, end):
    tried = networks("a", {rate: (0.9 if rate == best else 0.5,) for rate in (0.3, 0.03, 0.1)})
    tried += networks("b", {3.0: (0.9,), 1.0: (0.1,)})  # rates of another kind are no ends of this one
    assert end_of_the_tried(tried, by_kind, "a") == end


def test_one_rate_has_no_end():
    assert end_of_the_tried(networks("a", {0.3: (0.5, 0.6)}), by_kind, "a") is None


@pytest.mark.parametrize(
    ("best", "following"), [(0.3, 0.9), (0.1, None), (0.03, 0.009)], ids=["largest", "inner", "smallest"]
)
def test_the_next_rate_lies_beyond_the_best_end_as_far_as_the_last_two_are_apart(best, following):
    tried = networks("a", {rate: (0.9 if rate == best else 0.5,) for rate in (0.3, 0.1, 0.03)})
    assert rate_beyond([*tried, *networks("b", {1.0: (0.1,), 9.0: (0.9,)})], by_kind, "a") == following


def test_the_next_rate_is_smaller_if_every_network_diverged():
    assert rate_beyond(networks("a", {0.1: (None, None), 1.0: (None, None)}), by_kind, "a") == 0.01


def test_one_rate_is_what_was_asked_for():
    assert rate_beyond(networks("a", {0.1: (None,)}), by_kind, "a") is None


def test_of_a_rate_that_alone_was_asked_for_it_is_told_that_nothing_learned_there():
    assert end_of_the_tried(networks("a", {0.1: (None, None)}), by_kind, "a") == 0.1


CHANCE = 0.11
"""Accuracy of the most frequent of ten labels, and what a network that learned has beyond it."""


@pytest.mark.parametrize(
    ("tried", "following"),
    [
        ({0.3: (0.1,), 0.1: (0.1,), 0.03: (0.1,)}, 0.009),
        ({0.3: (None,), 0.1: (0.105,), 0.03: (0.1,)}, 0.009),
        ({0.1: (None,), 0.03: (0.1,), 0.009: (0.1,)}, 0.0027),
        ({0.3: (None,), 0.1: (0.1,), 0.03: (0.1,), 0.009: (0.1,)}, None),
        ({0.3: (0.4,), 0.1: (0.1,), 0.03: (0.1,), 0.009: (0.1,)}, 0.9),
    ],
    ids=["dead alike", "best by chance inside", "a tie inside", "too small to move", "one that learns"],
)
def test_a_rate_at_which_nothing_learns_is_not_the_best(tried, following):
    """Networks that call all images by one label are as good as each other, wherever their rates lie."""
    found = networks("a", tried)
    assert rate_beyond(found, by_kind, "a", CHANCE) == following
    assert learns_at_some_rate(found, by_kind, "a", CHANCE) == (0.4 in {v for (v,) in tried.values()})


def test_where_a_small_rate_lost_a_network_smaller_ones_may_do():
    tried = {0.3: (None, None), 0.1: (0.1, 0.1), 0.03: (0.1, 0.1), 0.009: (0.1, None)}
    assert end_of_the_tried(networks("a", tried), by_kind, "a", CHANCE) == 0.009


@pytest.mark.parametrize("rates", [(0.1, 0.3, 0.03), (0.3, 0.1, 0.03)], ids=["unsorted", "sorted"])
def test_if_all_diverged_the_smallest_rate_is_the_end(rates):
    assert end_of_the_tried(networks("a", dict.fromkeys(rates, (None, None))), by_kind, "a") == 0.03


def test_a_rate_that_was_tried_is_not_tried_again():
    assert rate_beyond(networks("a", {0.1: (0.5,), 0.102: (0.6,)}), by_kind, "a") is None
