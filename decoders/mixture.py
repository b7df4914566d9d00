"""Densities that are mixtures of fitted densities, from the nats that their components give to each example.

A mixture of normalised densities with weights that add up to 1 is a normalised density, so that the mean of its
-log q over examples that chose neither components nor weights bounds their entropy from above, in expectation.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from decoders.errors import FitError

Nats = NDArray[np.float64]
# Of the examples that decide on the weights, so many are added in equal shares: no weight ends at 0, where a single
# evaluation example that this component alone explains would cost without limit.
PSEUDO_EXAMPLES = 1.0
# Weights that move by less than this in a step of EM move a cross-entropy by less than is ever printed.
TOLERANCE = 1e-6
MOST_STEPS = 10_000


def mixed(nats: Nats, weights: Nats) -> Nats:
    """-log sum_k w_k q_k(x_i), from -log q_k(x_i).

    Args:
        nats: shape (components, examples); infinite where a component gives an example no probability.
        weights: shape (components,), none negative, adding up to 1.

    Returns:
        Nats, shape (examples,).

    Raises:
        FitError: weights that are none.

    >>> mixed(np.log([[2.0, 4.0], [2.0, 2.0]]), np.array([0.5, 0.5])).round(4).tolist()
    [0.6931, 0.9808]
    """
    w = np.asarray(weights, dtype=np.float64)
    if w.shape != nats.shape[:1] or (w < 0.0).any() or abs(w.sum() - 1.0) > 1e-6:
        raise FitError(
            f"weights {w.round(4).tolist()} of {len(nats)} components: give one for each, adding up to 1"
        )
    used = w > 0.0
    found: Nats = -np.logaddexp.reduce(np.log(w[used])[:, None] - nats[used], axis=0)
    return found


def averaged(nats: Nats) -> Nats:
    """-log of the mean of the members' probabilities: never above the mean of their nats (Jensen).

    Args:
        nats: -log q_k(x_i) of repeated fits of one decoder, shape (members, examples).

    >>> averaged(np.log([[2.0], [4.0]])).round(4).tolist() == np.log([8 / 3]).round(4).tolist()
    True
    """
    return mixed(nats, np.full(len(nats), 1.0 / len(nats)))


def partial_mixture(nats: Nats, count: int) -> Nats:
    """-log of 1/N times the sum of some of the N terms of the mixture 1/N sum_j q(x | h_j): at least its -log.

    The terms left out are not negative, so the result is never below the nats of the whole mixture, which is a
    normalised density as long as its h_j were fixed without the example. That holds whatever chose the terms: they may
    be chosen by the example's own h. Terms that lie near are nearly the whole sum, and a few dozen do for thousands.

    Args:
        nats: -log q(x_i | h_j) of the terms that were computed for example i, shape (terms, examples).
        count: N, all terms of the mixture, each of another example than i.

    Raises:
        FitError: more terms than there are.

    >>> partial_mixture(np.log([[2.0], [2.0]]), count=4).round(4).tolist() == np.log([4.0]).round(4).tolist()
    True
    """
    if len(nats) > count:
        raise FitError(f"{len(nats)} terms of a mixture that has {count}: each counts once")
    found: Nats = np.log(count) - np.logaddexp.reduce(-nats, axis=0)
    return found


def partial_mixtures_of_classes(nats: Nats, classes: NDArray[np.int64], counts: Nats) -> Nats:
    """-log of the mixtures 1/N_c sum_j q(x | h_j), each over the h_j of one class, from some of their terms.

    With the shares N_c / N they make the mixture over all h_j. A class of which no term was computed gives infinity.

    Args:
        nats: -log q(x_i | h_j) of the terms that were computed for example i, shape (terms, examples).
        classes: of those h_j, shape (terms, examples).
        counts: N_c, all terms of each class that example i has, shape (classes, examples).

    Returns:
        Shape (classes, examples).

    Raises:
        FitError: more terms of a class than there are.

    >>> found = partial_mixtures_of_classes(np.zeros((2, 1)), np.array([[0], [0]]), np.array([[2.0], [5.0]]))
    >>> found.tolist()
    [[0.0], [inf]]
    """
    found = np.full(counts.shape, np.inf)
    for c in range(len(counts)):
        own = classes == c
        if (own.sum(axis=0) > counts[c]).any():
            raise FitError(f"more terms of class {c} than there are: each counts once")
        with np.errstate(divide="ignore", invalid="ignore"):
            summed = np.logaddexp.reduce(np.where(own, -nats, -np.inf), axis=0)
            found[c] = np.log(counts[c]) - summed
    found[np.isnan(found)] = np.inf
    return found


def nearest(
    h: NDArray[np.float32],
    others: NDArray[np.float32],
    count: int,
    *,
    own: NDArray[np.int64] | None = None,
    block: int = 256,
) -> NDArray[np.int64]:
    """Rows of the `count` others whose h lies nearest to each h, in standardised units; shape (count, examples).

    Units are divided by their deviation over the others, and those that do not vary are left out: a decoder
    standardises h, too.

    Args:
        h: shape (examples, ...).
        others: shape (N, ...), of the examples that the mixture is made of.
        count: how many, at most N (N - 1 with `own`).
        own: for examples that are among the others, the row of each, which is never chosen for it.
        block: examples whose distances are in memory at a time.

    Raises:
        FitError: more are asked for than there are.
    """
    there = len(others) - (own is not None)
    if not 1 <= count <= there:
        raise FitError(f"the {count} nearest of {there} examples are asked for: ask for 1 to {there}")
    a, b = _standardised(h, others)
    squares = (b**2).sum(axis=1)
    chosen = np.empty((count, len(a)), dtype=np.int64)
    for start in range(0, len(a), block):
        rows = slice(start, start + block)
        distances = squares - 2.0 * (a[rows] @ b.T)  # less |h|^2, which is the same for all others
        if own is not None:
            distances[np.arange(len(distances)), own[rows]] = np.inf
        chosen[:, rows] = np.argpartition(distances, count - 1, axis=1)[:, :count].T
    return chosen


def _standardised(
    h: NDArray[np.float32], others: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    a, b = h.reshape(len(h), -1), others.reshape(len(others), -1)
    mean, deviation = b.mean(axis=0), b.std(axis=0)
    varies = deviation > 0.0
    scale = deviation[varies]
    return (a[:, varies] - mean[varies]) / scale, (b[:, varies] - mean[varies]) / scale


def mixture_weights(nats: Nats, *, pseudo_examples: float = PSEUDO_EXAMPLES) -> Nats:
    """Weights of the mixture that gives held-out examples the largest probability, by EM.

    w_k <- (a / K + sum_i r_ik) / (a + n), r_ik = w_k q_k(x_i) / sum_j w_j q_j(x_i), with `a` pseudo-examples (a
    Dirichlet prior). The likelihood is concave in w, so that EM from equal weights finds its maximum. With a > 0 no
    weight is 0.

    Args:
        nats: -log q_k(x_i), shape (components, examples), of examples that no component was fitted to. Their
            cross-entropy under the result flatters the mixture; other examples tell its value.
        pseudo_examples: a.

    Returns:
        Shape (components,), adding up to 1.

    Raises:
        FitError: nats that are not finite, or of the wrong shape.

    Source: Dempster, Laird & Rubin 1977 (Journal of the Royal Statistical Society B 39, 1), section 4.3.

    >>> good_and_bad = np.array([[1.0] * 9, [3.0] * 9])
    >>> mixture_weights(good_and_bad, pseudo_examples=1.0).round(2).tolist()
    [0.94, 0.06]
    """
    if nats.ndim != 2 or not nats.size or not np.isfinite(nats).all():
        raise FitError(f"nats of shape {nats.shape}: finite values, components by examples, are needed")
    components, n = nats.shape
    # Only ratios within an example count; without its largest probability exp would underflow.
    q = np.exp(nats.min(axis=0) - nats)
    w = np.full(components, 1.0 / components)
    for _ in range(MOST_STEPS):
        shares = w[:, None] * q
        shares /= shares.sum(axis=0)
        new = (pseudo_examples / components + shares.sum(axis=1)) / (pseudo_examples + n)
        moved, w = float(np.abs(new - w).max()), new
        if moved < TOLERANCE:
            break
    return w / w.sum()


@dataclass(frozen=True)
class FittedMixture:
    """A mixture whose weights were chosen on held-out examples, and what it gives the evaluation examples.

    `holdout_nats` (held-out examples,) flatter it; `nats` (evaluation examples,) do not.
    """

    weights: Mapping[str, float]
    holdout_nats: Nats
    nats: Nats


def fit_mixture(holdout: Mapping[str, Nats], evaluation: Mapping[str, Nats]) -> FittedMixture:
    """The mixture of the named components with the best weights on the held-out examples.

    Args:
        holdout: -log q of the held-out examples under each component, which was not fitted to them.
        evaluation: the same of the evaluation examples.

    Raises:
        FitError: components that are not the same in both, or none.
    """
    if not holdout or holdout.keys() != evaluation.keys():
        raise FitError(
            f"components {', '.join(holdout) or 'none'} on held-out examples and {', '.join(evaluation) or 'none'} on "
            "evaluation examples: give the same"
        )
    a = np.stack([holdout[name] for name in holdout])
    b = np.stack([evaluation[name] for name in holdout])
    weights = mixture_weights(a)
    named = dict(zip(holdout, weights.tolist(), strict=True))
    return FittedMixture(named, mixed(a, weights), mixed(b, weights))


def choose_components(base: Nats, candidates: Mapping[str, Nats], count: int) -> tuple[str, ...]:
    """Which candidates lower the cross-entropy of held-out examples most, one after the other (greedy).

    Each joins what was chosen before with the weights that are best for all of them. Those that a component of the
    same kind has made needless are left out, as are all that lower nothing.

    Args:
        base: -log q of the held-out examples under what is there anyway, shape (components, examples).
        candidates: the same of each candidate, shape (examples,), of the same examples.
        count: how many to choose, at most.

    Returns:
        Names, the most useful first.
    """
    chosen: list[str] = []
    stack = base
    lowest = _penalised(stack)
    while len(chosen) < count and len(chosen) < len(candidates):
        left = [name for name in candidates if name not in chosen]
        scores = {name: _penalised(np.vstack([stack, candidates[name]])) for name in left}
        best = min(scores, key=lambda name: scores[name])
        if scores[best] >= lowest:
            break
        chosen.append(best)
        stack, lowest = np.vstack([stack, candidates[best]]), scores[best]
    return tuple(chosen)


def _penalised(nats: Nats) -> float:
    """Mean nats under the best weights, with half a nat a free weight for having chosen them (BIC would take more)."""
    n = nats.shape[1]
    return float(mixed(nats, mixture_weights(nats)).mean()) + 0.5 * (len(nats) - 1) / n
