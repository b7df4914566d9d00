"""Nats per image survive the disk, and a broken file is named."""

import numpy as np
import pytest

from ib_analysis.errors import UserError
from ib_analysis.information.evaluation import Evaluation, read_evaluation, write_evaluation


def evaluation() -> Evaluation:
    rng = np.random.default_rng(0)
    points = {(e, t, q): rng.normal(size=5) for e in (0, 10) for t in ("h1", "pooled") for q in "xy"}
    return Evaluation("resnet10", "classifier", 3, points)


def test_round_trip_keeps_every_value_and_the_order_of_taps(tmp_path):
    write_evaluation(tmp_path / "nats.npz", evaluation())
    read = read_evaluation(tmp_path / "nats.npz")
    assert (read.encoder, read.regime, read.seed) == ("resnet10", "classifier", 3)
    assert read.epochs == [0, 10]
    assert read.taps == ["h1", "pooled"]
    for point, values in evaluation().nats.items():
        assert np.array_equal(read.nats[point], values)


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
