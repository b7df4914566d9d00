"""Variance components over encoder seeds and over decoder seeds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from ib_analysis.errors import UserError


@dataclass(frozen=True)
class SeededValue:
    """One estimate in nats, with the seeds of the encoder and of the decoder that it comes from."""

    encoder_seed: int
    decoder_seed: int
    nats: float
    stderr_nats: float


@dataclass(frozen=True)
class SeedSpread:
    """Variance components in nats^2; None where the seeds that there are do not tell.

    They are unbiased, therefore not clipped: a negative one says that the spread is too small to be seen beside the
    error over images. `total` is encoder and decoder together: what one network, fitted once, is uncertain by.
    """

    encoder_variance: float | None
    decoder_variance: float | None
    total_variance: float | None
    encoder_seeds: int
    values: int

    @property
    def encoder_nats(self) -> float | None:
        """Standard deviation over encoder seeds, 0 where the variance is estimated as negative."""
        return _deviation(self.encoder_variance)

    @property
    def decoder_nats(self) -> float | None:
        """Standard deviation over decoder seeds of one encoder."""
        return _deviation(self.decoder_variance)

    @property
    def total_nats(self) -> float | None:
        """Standard deviation over networks that are each fitted once."""
        return _deviation(self.total_variance)


def seed_spread(values: Sequence[SeededValue], *, shared_stderr_nats: float = 0.0) -> SeedSpread:
    """Method of moments for v_ij = mu + E_i + D_ij + e_ij: decoder seeds j nested in encoder seeds i.

    e_ij is the error over images, of variance s_ij^2, which is known. With n_i decoders of encoder i, N values of
    a encoders, W = sum_ij (v_ij - v_i)^2 and B = sum_i n_i (v_i - v)^2, their expectations are

        E W = sum_i (1 - 1/n_i) sum_j (var D + s_ij^2)
        E B = (N - sum_i n_i^2 / N) var E + sum_i (1/n_i - 1/N) sum_j (var D + s_ij^2)

    and are solved for var D and var E (the analysis of variance of unbalanced nested data: Searle, Casella &
    McCulloch 1992, chapter 3). Where every encoder has one decoder seed only their sum, `total_variance`, is
    known: B with var D set to 0. Seeds of one encoder alone say nothing of var E.

    Estimates on the same evaluation images share part of their error, which no difference between them shows: it is
    taken out of s_ij by `shared_stderr_nats`. Left at 0 for such values, too much is subtracted and the
    spread comes out too small.

    Args:
        values: of one quantity at one point, each pair of seeds once.
        shared_stderr_nats: the error that the values have in common; 0 for values on independent images.

    Raises:
        UserError: no values, or a pair of seeds twice.

    >>> spread = seed_spread([SeededValue(0, 0, 1.0, 0.0), SeededValue(0, 1, 3.0, 0.0)])
    >>> spread.decoder_variance, spread.encoder_variance
    (2.0, None)
    """
    _check(values)
    ordered = sorted(values, key=lambda value: value.encoder_seed)
    groups = [list(group) for _, group in groupby(ordered, key=lambda value: value.encoder_seed)]
    errors = [[_own_variance(value, shared_stderr_nats) for value in group] for group in groups]
    decoder = _decoder_variance(groups, errors)
    both_as_one = _encoder_variance(groups, errors, 0.0)
    if decoder is None:
        return SeedSpread(None, None, both_as_one, len(groups), len(values))
    encoder = _encoder_variance(groups, errors, decoder)
    total = None if encoder is None else encoder + decoder
    return SeedSpread(encoder, decoder, total, len(groups), len(values))


def _check(values: Sequence[SeededValue]) -> None:
    if not values:
        raise UserError("values: none are given; give one estimate for each pair of seeds.")
    seeds = [(value.encoder_seed, value.decoder_seed) for value in values]
    for pair in seeds:
        if seeds.count(pair) > 1:
            raise UserError(
                f"encoder seed {pair[0]} with decoder seed {pair[1]} is given twice; give it once."
            )


def _own_variance(value: SeededValue, shared: float) -> float:
    return max(value.stderr_nats**2 - shared**2, 0.0)


def _decoder_variance(
    groups: Sequence[Sequence[SeededValue]], errors: Sequence[Sequence[float]]
) -> float | None:
    """var D from W; None where no encoder has two decoder seeds."""
    degrees = sum(len(group) - 1 for group in groups)
    if not degrees:
        return None
    within = sum(np.var([v.nats for v in group]) * len(group) for group in groups)
    of_images = sum((1 - 1 / len(error)) * sum(error) for error in errors)
    return float(within - of_images) / degrees


def _encoder_variance(
    groups: Sequence[Sequence[SeededValue]], errors: Sequence[Sequence[float]], decoder: float
) -> float | None:
    """var E from B, given var D; None for a single encoder seed."""
    if len(groups) < 2:
        return None
    counts = np.array([len(group) for group in groups])
    means = np.array([np.mean([v.nats for v in group]) for group in groups])
    N = counts.sum()
    between = counts @ (means - counts @ means / N) ** 2
    of_images = sum((1 / len(error) - 1 / N) * sum(error) for error in errors)
    return float((between - (len(groups) - 1) * decoder - of_images) / (N - counts @ counts / N))


def _deviation(variance: float | None) -> float | None:
    return None if variance is None else math.sqrt(max(variance, 0.0))
