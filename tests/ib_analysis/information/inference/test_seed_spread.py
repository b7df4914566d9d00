import numpy as np
import pytest

from ib_analysis.errors import UserError
from ib_analysis.information.inference.seed_spread import SeededValue, seed_spread
from ib_analysis.information.measurement.nats import mean_with_error


def drawn(rng, decoders=(2, 3, 1, 4, 2), encoder=3.0, decoder=1.0, stderr=0.5):
    """v_ij = 100 + E_i + D_ij + e_ij, with as many decoders of each encoder as given."""
    values = []
    for i, count in enumerate(decoders):
        of_encoder = rng.normal(100, encoder)
        for j in range(count):
            error = rng.normal(0, stderr * (1 + j % 2))
            values.append(
                SeededValue(i, j, of_encoder + rng.normal(0, decoder) + error, stderr * (1 + j % 2))
            )
    return values


def mean_of(spreads, name):
    """Mean over repetitions and its standard error."""
    return mean_with_error(np.array([getattr(spread, name) for spread in spreads]))


@pytest.mark.parametrize(("encoder", "decoder"), [(3.0, 1.0), (0.0, 1.0), (2.0, 0.0), (0.0, 0.0)])
def test_both_variances_are_unbiased_in_an_unbalanced_table(encoder, decoder):
    rng = np.random.default_rng(0)
    spreads = [seed_spread(drawn(rng, encoder=encoder, decoder=decoder)) for _ in range(800)]
    for name, truth in (
        ("encoder_variance", encoder**2),
        ("decoder_variance", decoder**2),
        ("total_variance", encoder**2 + decoder**2),
    ):
        mean, error = mean_of(spreads, name)
        assert abs(mean - truth) < 4 * error, name


def test_a_balanced_table_gives_the_mean_squares_of_the_textbook():
    table = np.array([[1.0, 3.0], [5.0, 5.0], [9.0, 7.0]])
    values = [SeededValue(i, j, table[i, j], 0.0) for i in range(3) for j in range(2)]
    within = table.var(axis=1, ddof=1).mean()
    between = 2 * table.mean(axis=1).var(ddof=1)
    spread = seed_spread(values[::-1])
    assert spread.decoder_variance == pytest.approx(within)
    assert spread.encoder_variance == pytest.approx((between - within) / 2)
    assert spread.encoder_nats == pytest.approx(np.sqrt((between - within) / 2))
    assert (spread.encoder_seeds, spread.values) == (3, 6)


def test_one_seed_is_not_known_and_not_nought():
    one = seed_spread([SeededValue(0, 0, 5.0, 0.1)])
    assert (one.encoder_nats, one.decoder_nats, one.total_nats) == (None, None, None)
    of_decoders = seed_spread([SeededValue(0, 0, 5.0, 0.0), SeededValue(0, 1, 6.0, 0.0)])
    assert (of_decoders.encoder_nats, of_decoders.total_nats) == (None, None)
    assert of_decoders.decoder_nats == pytest.approx(np.sqrt(0.5))


def test_one_decoder_for_each_encoder_tells_only_the_two_together():
    rng = np.random.default_rng(1)
    spreads = [seed_spread(drawn(rng, decoders=(1, 1, 1, 1))) for _ in range(2000)]
    assert {(spread.encoder_variance, spread.decoder_variance) for spread in spreads} == {(None, None)}
    mean, error = mean_of(spreads, "total_variance")
    assert abs(mean - (3.0**2 + 1.0**2)) < 4 * error


def test_a_spread_below_the_error_over_images_counts_as_nought_but_keeps_its_sign():
    spread = seed_spread([SeededValue(0, 0, 5.0, 1.0), SeededValue(0, 1, 5.1, 1.0)])
    assert spread.decoder_variance == pytest.approx(0.005 - 1.0)
    assert spread.decoder_nats == 0.0


def on_the_same_images(rng, seeds=4, n=200, decoder=0.2):
    """Contributions of decoders that find the same images hard; their true values differ by `decoder`."""
    shared, own = rng.normal(0, 3, n), rng.normal(0, 1, (seeds, n))
    return 50 + rng.normal(0, decoder, (seeds, 1)) + shared + own


def test_the_error_that_values_on_the_same_images_share_is_not_taken_out():
    rng = np.random.default_rng(2)
    right, naive, shared = [], [], []
    for _ in range(800):
        rows = on_the_same_images(rng)
        values = [SeededValue(0, j, *mean_with_error(row)) for j, row in enumerate(rows)]
        covariances = np.cov(rows)[np.triu_indices(len(rows), 1)]
        shared.append(np.sqrt(covariances.mean() / rows.shape[1]))
        right.append(seed_spread(values, shared_stderr_nats=shared[-1]))
        naive.append(seed_spread(values))
    assert np.mean(shared) == pytest.approx(3 / np.sqrt(200), rel=0.02)
    mean, error = mean_of(right, "decoder_variance")
    assert abs(mean - 0.2**2) < 4 * error
    assert mean_of(naive, "decoder_variance")[0] < 0.0


def test_mistakes_are_named():
    with pytest.raises(UserError, match="none are given"):
        seed_spread([])
    with pytest.raises(UserError, match="encoder seed 1 with decoder seed 2 is given twice"):
        seed_spread([SeededValue(1, 2, 0.0, 0.0), SeededValue(0, 2, 0.0, 0.0), SeededValue(1, 2, 1.0, 0.0)])
