"""Repeated fits of a network stand together, in the order of their seeds, and only where they hold the same."""

import numpy as np
import pytest

from ib_analysis.errors import UserError
from ib_analysis.information.measurement.evaluation import Evaluation, PointNats
from ib_analysis.information.measurement.parts import Parts
from ib_analysis.information.measurement.repeated_evaluation import by_network
from ib_analysis.point import Network

NETS = (Network("a", "classifier", 0), Network("a", "classifier", 1))


def evaluation(variant, network, value, taps=("h1",)):
    parts = Parts(*(np.full(n, float(value)) for n in (3, 2, 1)))
    points = {network.at(5, tap): PointNats(parts, parts, parts) for tap in taps}
    return Evaluation(variant, network, points)


def test_the_fits_of_each_network_come_together():
    files = [evaluation(v, n, 10 * i + j) for i, v in enumerate(("x", "y")) for j, n in enumerate(NETS)]
    first, second = by_network(files)
    assert (first.network, second.network) == NETS
    point = NETS[0].at(5, "h1")
    assert [fit.alone(point, "image").tolist() for fit in first.fits] == [[0.0] * 3, [10.0] * 3]
    assert [fit.alone(NETS[1].at(5, "h1"), "label").tolist() for fit in second.fits] == [
        [1.0] * 3,
        [11.0] * 3,
    ]
    assert first.points == [point]


def test_fits_of_other_points_or_of_other_seeds_are_refused():
    with pytest.raises(UserError, match="different points"):
        by_network([evaluation("x", NETS[0], 0), evaluation("y", NETS[0], 0, taps=("h1", "h2"))])
    with pytest.raises(UserError, match="its fits are not x, y"):
        by_network([evaluation("x", NETS[0], 0), evaluation("y", NETS[0], 0), evaluation("x", NETS[1], 0)])
