"""Nats per image survive the disk, and a broken file is named."""

from typing import get_args

import numpy as np
import pytest

from ib_analysis.errors import UserError
from ib_analysis.information.measurement.evaluation import (
    Evaluation,
    MarginalEvaluation,
    read_evaluation,
    read_marginal_evaluation,
    write_evaluation,
    write_marginal_evaluation,
)
from ib_analysis.point import Network, Target


def evaluation() -> Evaluation:
    rng = np.random.default_rng(0)
    network = Network("resnet10", "classifier", 3)
    nats = {
        (network.at(epoch, tap), target): rng.normal(size=5)
        for epoch in (0, 10)
        for tap in ("h1", "pooled")
        for target in get_args(Target)
    }
    return Evaluation("filters-8", network, nats)


def test_round_trip_keeps_every_value_and_the_order_of_taps(tmp_path):
    write_evaluation(tmp_path / "nats.npz", evaluation())
    read = read_evaluation(tmp_path / "nats.npz")
    assert read.variant == "filters-8"
    assert read.network == Network("resnet10", "classifier", 3)
    assert read.epochs == [0, 10]
    assert read.taps == ["h1", "pooled"]
    for (point, target), values in evaluation().nats.items():
        assert np.array_equal(read.at(point.epoch, point.tap, target), values)


def test_nats_of_the_marginal_keep_the_name_of_their_variant(tmp_path):
    nats = np.random.default_rng(1).normal(size=5)
    write_marginal_evaluation(tmp_path / "nats.npz", MarginalEvaluation("half-data", nats))
    read = read_marginal_evaluation(tmp_path / "nats.npz")
    assert read.variant == "half-data"
    assert np.array_equal(read.nats, nats)


def test_nats_of_a_network_are_no_nats_of_the_marginal(tmp_path):
    write_evaluation(tmp_path / "nats.npz", evaluation())
    with pytest.raises(UserError, match=r"nats\.npz"):
        read_marginal_evaluation(tmp_path / "nats.npz")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"text"])
def test_a_broken_file_is_named(tmp_path, content):
    (tmp_path / "nats.npz").write_bytes(content)
    with pytest.raises(UserError, match=r"nats\.npz"):
        read_evaluation(tmp_path / "nats.npz")


def test_a_truncated_file_is_named(tmp_path):
    path = tmp_path / "nats.npz"
    write_evaluation(path, evaluation())
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UserError, match=r"nats\.npz"):
        read_evaluation(path)
