"""Each control is compared with its own p(x), in whatever order controls and files are named."""

import json

import numpy as np
import pytest

from ib_analysis.__main__ import main
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.information.measurement.evaluation import (
    Evaluation,
    MarginalEvaluation,
    MixedMarginal,
    PointNats,
    write_evaluation,
    write_marginal_evaluation,
    write_mixed_marginal,
)
from ib_analysis.information.measurement.parts import Parts
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.controls import ControlRow
from ib_analysis.point import Network
from ib_analysis.provenance import Job
from ib_analysis.rows import read_rows
from ib_analysis.units import bits

# What each p(x) and each p(x | h) says of every image, in nats.
MARGINALS = {"decoder-seed-1": 103.0, "decoder-seed-2": 105.0, "filters-8": 120.0, "filters-16": 111.0}
CONDITIONAL = 60.0
POINT = 100.0 - CONDITIONAL


def value_of(control):
    """The value that the name of a control ends in."""
    return float(number) if (number := control.rpartition("-")[2]).isdigit() else 0.0


@pytest.fixture
def dataset(prepared_digits):
    return prepared_digits(120)


class Nats:
    """Files of nats that lie near a level, under names that say nothing of what they hold."""

    def __init__(self, folder, images):
        self.folder, self.images, self.rng = folder, images, np.random.default_rng(0)
        self.files = iter(self.rng.permutation(100))

    def marginal(self, variant, level):
        return self._kept(write_marginal_evaluation, MarginalEvaluation(variant, self._noisy(level)))

    def mixture(self, level):
        return self._kept(write_mixed_marginal, MixedMarginal("measurement", self._parts(level), None))

    def network(self, variant, level):
        net = Network("net", "classifier", 0)
        classes = Parts(*[np.full((size, 10), np.log(0.1)) for size in (self.images, 50, 50)])
        nats = PointNats(self._parts(level), classes, self._parts(1.0))
        return self._kept(write_evaluation, Evaluation(variant, net, {net.at(5, "h1"): nats}))

    def _noisy(self, level):
        return level + self.rng.normal(0.0, 0.1, self.images)

    def _parts(self, level):
        return Parts(self._noisy(level), *[np.full(50, level)] * 2)

    def _kept(self, write, content):
        path = self.folder / f"{next(self.files)}.npz"
        write(path, content)
        Job("test", {}, "0", "cpu", 1).record(path)
        return str(path)


def test_a_control_is_compared_with_its_own_marginal_and_h_shuffled_with_the_measurements(tmp_path, dataset):
    nats = Nats(tmp_path, len(open_dataset(dataset).evaluation))
    names = [*reversed(MARGINALS), "shuffled"]
    kinds = {
        name: {"kind": name.rpartition("-")[0] or name, "value": value_of(name)} for name in sorted(names)
    }
    code = main(
        [
            "tabulate_controls",
            "--spec",
            json.dumps({"controls": kinds}),
            "--dataset",
            str(dataset / "header.json"),
            "--marginal",
            nats.marginal("measurement", 100.0),
            "--mixture",
            nats.mixture(100.0),
            "--nats",
            nats.network("measurement", CONDITIONAL),
            "--identity",
            "--controls",
            *(nats.network(name, MARGINALS.get(name, 100.0) - POINT) for name in names),
            "--marginals",
            *(nats.marginal(name, MARGINALS[name]) for name in MARGINALS),
            "--table",
            str(tmp_path / "controls.csv"),
        ]
    )
    assert code == 0
    rows = read_rows(tmp_path / "controls.csv", ControlRow)
    found = {row.control: row.bits for row in rows if row.quantity is Quantity.IMAGE_INFORMATION}
    assert set(found) == set(names)
    for value in found.values():
        assert value == pytest.approx(bits(POINT), abs=0.1)
