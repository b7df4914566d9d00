"""Each rung is judged by the interval that the other rungs give it, never by its own."""

import json

import numpy as np
import pytest

from ib_analysis.__main__ import main
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.information.measurement.evaluation import MixedMarginal, PointNats, write_mixed_marginal
from ib_analysis.information.measurement.parts import Parts
from ib_analysis.information.measurement.rung_evaluation import (
    RungEvaluation,
    RungNats,
    Truth,
    read_rung_evaluation,
    write_rung_evaluation,
)
from ib_analysis.information.tables.calibration import CalibrationRow
from ib_analysis.provenance import Job
from ib_analysis.rows import read_rows
from ib_analysis.units import bits, nats

VARIANTS = ("measurement", "decoder-seed-1")
MARGINAL = 100.0


@pytest.fixture
def dataset(prepared_digits):
    return prepared_digits(120)


def rung(name, truth_bits, read_bits, sizes, *, kind="exact", calibrates=True, shift=0.0):
    """A rung whose decoder reads that many bits of every image."""
    image = Parts(*(np.full(n, MARGINAL - nats(read_bits) + shift) for n in sizes))
    classes = Parts(*(np.full((n, 10), np.log(0.1)) for n in sizes))
    label = Parts(*(np.full(n, np.log(10.0)) for n in sizes))
    truth = Truth(kind, nats(truth_bits), 0.0)
    return RungNats(name, name.rpartition("-")[0], calibrates, truth, None, PointNats(image, classes, label))


def table(folder, dataset, make, variants=VARIANTS):
    """The table where make(sizes, k) gives the rungs of fit k."""
    sizes, job = (len(open_dataset(dataset).evaluation), 40, 40), Job("test", {}, "0", "cpu", 1)
    marginals, rungs = [], []
    for k, variant in enumerate(variants):
        noise = np.random.default_rng(0)
        whole = Parts(*(MARGINAL + noise.normal(0.0, 0.1, n) for n in sizes))
        marginals.append(folder / f"m{k}.npz")
        write_mixed_marginal(marginals[-1], MixedMarginal(variant, whole, None))
        rungs.append(folder / f"r{k}.npz")
        write_rung_evaluation(rungs[-1], RungEvaluation(variant, tuple(make(sizes, k))))
    for path in (*marginals, *rungs):
        job.record(path)
    code = main(
        [
            "tabulate_calibration", "--spec", "{}", "--dataset", str(dataset / "header.json"),
            "--marginal", *map(str, marginals), "--rungs", *map(str, rungs), "--table", str(folder / "c.csv"),
            "--figure", str(folder / "ladder"),
        ]
    )  # fmt: skip
    return code, folder / "c.csv"


def rows_of(*arguments):
    code, path = table(*arguments)
    assert code == 0
    return {row.rung: row for row in read_rows(path, CalibrationRow)}


def ladder(sizes, share=0.9):
    return [rung(f"code-{t}", t, share * t, sizes) for t in (1, 2, 3, 4, 5, 6)]


def test_rungs_that_are_alike_hold_each_other(tmp_path, dataset):
    found = rows_of(tmp_path, dataset, lambda sizes, k: ladder(sizes))
    assert all(row.inside for row in found.values())
    row = found["code-4"]
    assert (row.truth_bits, row.n_fits) == (pytest.approx(4.0), 2)
    assert row.estimate_bits == pytest.approx(3.6, abs=0.1)
    assert row.raw_bits == pytest.approx(3.6, abs=0.05)


def test_an_odd_rung_lies_outside_the_interval_that_the_others_give_it(tmp_path, dataset):
    """It would lie inside if it calibrated itself: with seven rungs its own miss makes the reach."""
    found = rows_of(tmp_path, dataset, lambda sizes, k: [*ladder(sizes), rung("odd-1", 9.0, 3.0, sizes)])
    assert not found["odd-1"].inside
    assert found["odd-1"].high_bits < 5.0


def test_a_rung_that_does_not_calibrate_is_judged_and_moves_nothing(tmp_path, dataset):
    plain = rows_of(tmp_path, dataset, lambda sizes, k: ladder(sizes))
    odd = "signs-4"
    with_odd = rows_of(
        tmp_path, dataset, lambda sizes, k: [*ladder(sizes), rung(odd, 9.0, 3.0, sizes, calibrates=False)]
    )
    assert not with_odd[odd].inside
    for name, row in plain.items():
        assert (with_odd[name].low_bits, with_odd[name].high_bits) == pytest.approx(
            (row.low_bits, row.high_bits)
        )


def test_equal_rungs_are_judged_by_the_mean_of_the_others(tmp_path, dataset):
    reads = {"rotation-1": 4.0, "rotation-2": 4.2, "rotation-3": 3.8, "rotation-4": 8.0}

    def make(sizes, k):
        return [
            *ladder(sizes),
            *(rung(n, 0.0, r, sizes, kind="equal", calibrates=False) for n, r in reads.items()),
        ]

    found = rows_of(tmp_path, dataset, make)
    assert found["rotation-4"].truth_bits == pytest.approx(4.0, abs=0.1)
    assert not found["rotation-4"].inside
    assert found["rotation-1"].truth_bits == pytest.approx((4.2 + 3.8 + 8.0) / 3, abs=0.1)


def test_a_ceiling_is_broken_only_from_above(tmp_path, dataset):
    def make(sizes, k):
        below = rung("same-1", 3.3, 1.0, sizes, kind="ceiling", calibrates=False)
        above = rung("same-2", 3.3, 6.0, sizes, kind="ceiling", calibrates=False)
        return [*ladder(sizes), below, above]

    found = rows_of(tmp_path, dataset, make)
    assert (found["same-1"].inside, found["same-2"].inside) == (True, False)


def test_the_spread_of_fits_enters_the_error(tmp_path, dataset):
    found = rows_of(
        tmp_path, dataset, lambda sizes, k: [rung(f"code-{t}", t, t + 0.2 * k, sizes) for t in (1, 2, 3, 4)]
    )
    row = found["code-3"]
    assert row.stderr_fits_bits == pytest.approx(0.1, abs=0.03)
    assert row.stderr_bits == pytest.approx(np.hypot(row.stderr_fits_bits, row.stderr_images_bits))


def test_fits_that_do_not_belong_together_are_refused(tmp_path, dataset, capsys):
    code, _ = table(tmp_path, dataset, lambda sizes, k: ladder(sizes)[: 6 - k])
    assert code != 0
    assert "rung code-6: its fits are not measurement, decoder-seed-1" in capsys.readouterr().err


def test_what_is_known_survives_the_disk(tmp_path):
    one = rung("code-1", 1.0, 0.9, (5, 4, 3))
    write_rung_evaluation(tmp_path / "r.npz", RungEvaluation("measurement", (one,)))
    (found,) = read_rung_evaluation(tmp_path / "r.npz").rungs
    assert (found.name, found.family, found.calibrates) == ("code-1", "code", True)
    assert (found.image_truth, found.label_truth) == (one.image_truth, None)
    assert np.array_equal(found.nats.image.fitted, one.nats.image.fitted)
    assert json.dumps(bits(found.image_truth.nats))
