"""The table of the two stages: over networks, in bits, and one family of tests an experiment."""

import math

import numpy as np
import pytest

from ib_analysis.information.inference.network_stages import Curves, network_stages
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.two_stages import StagesRow, Tap, stages_rows
from ib_analysis.rows import read_rows, write_rows

TAP = Tap("net", "classifier", "h1", Quantity.IMAGE_INFORMATION)


def along(truth, networks, fits, seed=0, n=400, of_fits=0.2):
    """Curves in nats about `truth`, each network shifted as a whole."""
    rng = np.random.default_rng(seed)
    truth = np.asarray(truth)[None, :, None]
    each = [
        truth
        + rng.normal(0, 1)
        + rng.normal(0, of_fits, (fits, truth.shape[1], 1))
        + rng.normal(0, 1, (1, 1, n))
        for _ in range(networks)
    ]
    return Curves(tuple(range(truth.shape[1])), tuple(each))


def test_a_row_is_in_bits_and_survives_the_disk(tmp_path):
    found = network_stages({TAP: along([10.0, 30.0, 20.0], networks=3, fits=2)})
    (row,) = stages_rows(found, 400)
    assert (row.networks, row.n_fits, row.scope, row.peak_epoch) == (3, 2, "3 networks", 1)
    assert row.fitting_bits == pytest.approx(20 / math.log(2), abs=1.0)
    assert row.compression_low_bits < 10 / math.log(2) < row.compression_high_bits
    assert row.compression_spread_bits == pytest.approx(found[TAP].compression.spread_nats / math.log(2))
    assert (row.fitting_verdict, row.compression_verdict) == ("yes", "yes")
    write_rows(tmp_path / "two_stages.csv", StagesRow, [row])
    assert read_rows(tmp_path / "two_stages.csv", StagesRow) == (row,)


def test_one_network_speaks_of_itself_and_one_fit_shows_nothing(tmp_path):
    (several,) = stages_rows(network_stages({TAP: along([10.0, 30.0, 20.0], networks=1, fits=3)}), 400)
    assert (several.scope, several.compression_verdict) == ("this network, these fits", "yes")
    (lone,) = stages_rows(network_stages({TAP: along([10.0, 30.0, 20.0], networks=1, fits=1)}), 400)
    assert (lone.compression_spread_bits, lone.compression_verdict) == (None, "undecided")
    write_rows(tmp_path / "two_stages.csv", StagesRow, [lone])
    assert read_rows(tmp_path / "two_stages.csv", StagesRow) == (lone,)


def test_all_taps_and_regimes_are_one_family():
    curve = along([10.0, 10.5, 10.0, 9.9], networks=5, fits=2, of_fits=0.05)
    taps = [Tap("net", regime, tap, TAP.quantity) for regime in ("classifier", "autoencoder") for tap in "ab"]
    rows = stages_rows(network_stages(dict.fromkeys(taps, curve)), 400)
    (alone,) = stages_rows(network_stages({TAP: curve}), 400)
    assert [(row.regime, row.tap) for row in rows] == [(tap.regime, tap.tap) for tap in taps]
    smallest = min(alone.fitting_p, alone.compression_p)
    assert min(rows[0].fitting_p_holm, rows[0].compression_p_holm) == pytest.approx(min(1.0, 8 * smallest))
