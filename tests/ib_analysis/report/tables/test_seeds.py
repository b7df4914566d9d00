"""Encoder seeds and decoder seeds are kept apart."""

import math

from ib_analysis.information.tables.controls import ControlRow
from ib_analysis.information.tables.information import InformationRow
from ib_analysis.report.tables.seeds import seeds_table


def point(seed, value):
    return InformationRow(
        encoder="net", regime="classifier", seed=seed, epoch=10, tap="h1", quantity="I(x;h)", nats=value * math.log(2),
        bits=value, bits_per_dim=None, stderr_bits=0.5, stderr_images_bits=0.5, stderr_fits_bits=None,
        low_bits=value - 1, high_bits=value + 1, interval="images", n_fits=1, bound="none", n_images=9,
        method="difference",
    )  # fmt: skip


def control(seed, value):
    return ControlRow(
        control=f"decoder-seed-{seed}", encoder="net", regime="classifier", seed=0, epoch=10, tap="h1",
        quantity="I(x;h)", bits=value, stderr_bits=0.5, point_bits=20.0, change_bits=value - 20.0,
        change_stderr_bits=0.1, verdict="passes", rule="moves by at most", n_images=9,
    )  # fmt: skip


def cells(rows, controls):
    (row,) = seeds_table(rows, controls).rows
    return row[-5:]


def test_one_network_with_two_decoders_tells_the_spread_over_decoders_alone():
    mean, decoders, encoders, images, values = cells([point(0, 20.0)], [control(1, 22.0)])
    assert (mean, decoders, encoders, images, values) == ("21.0", "1.41", "–", "0.50", "2")


def test_two_networks_with_one_decoder_each_tell_the_spread_of_both_together():
    assert cells([point(0, 20.0), point(1, 24.0)], [])[1:3] == ("–", "2.83")


def test_a_lone_value_has_no_spread_and_no_row():
    assert seeds_table([point(0, 20.0)], []).rows == ()


def test_the_spread_over_decoders_is_of_single_fits_where_the_point_averages_several():
    mean, decoders, *_ = cells([point(0, 23.0)], [control(1, 22.0)])
    assert (mean, decoders) == ("21.0", "1.41")
