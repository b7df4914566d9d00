"""The table averages probabilities, not nats, and its errors hold the spread of fits."""

import json
import math

import numpy as np
import pytest

from ib_analysis.__main__ import main
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.information.measurement.evaluation import (
    Ceiling,
    Evaluation,
    MixedMarginal,
    PointNats,
    write_evaluation,
    write_mixed_marginal,
)
from ib_analysis.information.measurement.parts import Parts
from ib_analysis.information.tables.calibration import CalibrationRow
from ib_analysis.information.tables.information import InformationRow
from ib_analysis.information.tables.two_stages import StagesRow
from ib_analysis.point import Network
from ib_analysis.provenance import Job
from ib_analysis.rows import read_rows, write_rows
from ib_analysis.units import bits

NET = Network("net", "classifier", seed=0)
VARIANTS = ("measurement", "decoder-seed-1")
EPOCHS = (0, 5, 9)


@pytest.fixture
def dataset(prepared_digits):
    return prepared_digits(120)


def tabulated(
    folder,
    dataset,
    conditional,
    variants=VARIANTS,
    unconditional=(100.0, 100.0),
    seeds=(0,),
    ladder=(),
    ceilings=(),
):
    """The rows where fit k gives every image conditional[k][epoch] nats at each epoch, and a label 1 nat.

    The network of seed s gets s nats more at every epoch. `ceilings` are pairs of an epoch and its H(h).
    """
    n, job = len(open_dataset(dataset).evaluation), Job("test", {}, "0", "cpu", 1)
    folder.mkdir(exist_ok=True)

    def kept(name, write, content):
        path = folder / name
        write(path, content)
        job.record(path)
        return str(path)

    noise = np.random.default_rng(0).normal(0.0, 1.0, n)
    noise -= noise.mean()
    nats, marginals = [], []
    for k, variant in enumerate(variants):
        for network in (NET._replace(seed=seed) for seed in seeds):
            points = {}
            for epoch, value in zip(EPOCHS, conditional[k], strict=True):
                image = Parts(value + network.seed + noise, *[np.full(50, value)] * 2)
                label = Parts(*[np.full(size, 1.0) for size in (n, 50, 50)])
                classes = Parts(*[np.full((size, 10), math.log(0.1)) for size in (n, 50, 50)])
                points[network.at(epoch, "h1")] = PointNats(image, classes, label)
            found = Evaluation(
                variant, network, points, {network.at(epoch, "h1"): found for epoch, found in ceilings}
            )
            nats.append(kept(f"{k}-{network.seed}.npz", write_evaluation, found))
        whole = Parts(*[np.full(size, unconditional[k]) for size in (n, 50, 50)])
        marginals.append(kept(f"m{k}.npz", write_mixed_marginal, MixedMarginal(variant, whole, None)))
    code = main(
        [
            "tabulate_information", "--spec", json.dumps({}), "--dataset", str(dataset / "header.json"),
            "--marginal", *marginals, "--nats", *nats,
            "--calibration", *(kept("calibration.csv", write_ladder, rows) for rows in ladder),
            "--table", str(folder / "information.csv"), "--two_stages", str(folder / "two_stages.csv"),
        ]
    )  # fmt: skip
    assert code == 0
    return read_rows(folder / "information.csv", InformationRow)


def write_ladder(path, rows):
    write_rows(path, CalibrationRow, rows)


def rung(truth, estimate, fitted, quantity="I(x;h)", calibrates=True):
    return CalibrationRow(
        rung=f"k-means-{truth:g}", family="k-means", quantity=quantity, truth="exact", truth_bits=truth,
        truth_stderr_bits=0.0, estimate_bits=estimate, fitted_bits=fitted, stderr_images_bits=0.01,
        stderr_fits_bits=0.01, stderr_bits=0.01, low_bits=0.0, high_bits=9.0, inside=True, raw_bits=estimate,
        weight=0.9, calibrates=calibrates, n_images=100, n_fits=2,
    )  # fmt: skip


def ladder_that_reads(share, spoiled=None):
    """Rungs of 1 to 64 bits of which that share is read; a `spoiled` one does not calibrate."""
    rows = [
        rung(truth, share * truth, share * truth, q)
        for truth in (1, 2, 4, 8, 16, 32, 64)
        for q in ("I(x;h)", "I(y;h)")
    ]
    return [rows + ([rung(50.0, spoiled, spoiled, calibrates=False)] if spoiled is not None else [])]


def of(rows, quantity, epoch=None):
    return next(row for row in rows if row.quantity == quantity and row.epoch == epoch)


def test_a_point_is_the_average_of_probabilities_of_all_fits(tmp_path, dataset):
    rows = tabulated(
        tmp_path, dataset, [(60.0, 50.0, 55.0), (62.0, 52.0, 57.0)], unconditional=(100.0, 104.0)
    )
    lower = math.log(2.0) - math.log1p(
        math.exp(-2.0)
    )  # of the worse fit by 2 nats, the average costs so much
    assert of(rows, "CE(x)").nats == pytest.approx(100.0 + math.log(2.0) - math.log1p(math.exp(-4.0)))
    for epoch, value in zip(EPOCHS, (60.0, 50.0, 55.0), strict=True):
        # Ignoring h keeps the weight of a pseudo-example.
        assert of(rows, "CE(x|h)", epoch).nats == pytest.approx(value + lower, abs=0.02)
        information = of(rows, "CE(x)").nats - of(rows, "CE(x|h)", epoch).nats
        assert of(rows, "I(x;h)", epoch).nats == pytest.approx(information)
    assert {row.n_fits for row in rows if row.tap} == {2}


def test_the_error_over_fits_is_that_of_all_points_together(tmp_path, dataset):
    rows = tabulated(tmp_path, dataset, [(60.0, 50.0, 55.0), (61.0, 49.0, 56.0)])
    for epoch in EPOCHS:
        row = of(rows, "I(x;h)", epoch)
        assert row.stderr_fits_bits == pytest.approx(bits(math.sqrt(0.5) / math.sqrt(2)))
        assert row.stderr_bits == pytest.approx(math.hypot(row.stderr_images_bits, row.stderr_fits_bits))
        assert row.low_bits < row.bits - 2 * row.stderr_bits
    assert of(rows, "I(y;h)", 0).stderr_fits_bits == pytest.approx(0.0)


def test_one_fit_says_that_its_error_is_unknown(tmp_path, dataset):
    rows = tabulated(tmp_path, dataset, [(60.0, 50.0, 55.0)], variants=VARIANTS[:1])
    row = of(rows, "I(x;h)", 5)
    assert (row.n_fits, row.stderr_fits_bits, row.interval) == (1, None, "images")
    assert row.stderr_bits == row.stderr_images_bits


def test_the_networks_of_an_encoder_are_judged_together(tmp_path, dataset):
    tabulated(tmp_path, dataset, [(60.0, 50.0, 55.0), (60.5, 49.0, 55.5)], seeds=(0, 1, 2))
    image, label = read_rows(tmp_path / "two_stages.csv", StagesRow)
    assert (image.scope, image.n_fits, image.peak_epoch) == ("3 networks", 2, 5)
    assert image.compression_bits == pytest.approx(bits(5.0 + 6.5) / 2)
    assert (image.fitting_verdict, image.compression_verdict) == ("yes", "yes")
    assert (label.quantity, label.fitting_verdict) == ("I(y;h)", "no")


def test_one_network_that_was_fitted_once_is_never_called_compressed(tmp_path, dataset):
    tabulated(tmp_path, dataset, [(60.0, 50.0, 55.0)], variants=VARIANTS[:1])
    image, _ = read_rows(tmp_path / "two_stages.csv", StagesRow)
    assert (image.scope, image.compression_verdict) == ("this network, these fits", "undecided")


FITS = [(60.0, 50.0, 55.0), (60.2, 49.9, 55.1)]


def test_a_ladder_that_reads_all_leaves_the_interval_at_the_estimate(tmp_path, dataset):
    row = of(tabulated(tmp_path, dataset, FITS, ladder=ladder_that_reads(1.0)), "I(x;h)", 5)
    assert row.interval == "calibrated"
    assert row.low_bits < row.bits < row.high_bits
    assert row.high_bits - row.low_bits < 5 * row.stderr_bits


def test_decoders_that_read_four_fifths_of_a_code_may_miss_a_fifth_of_a_point(tmp_path, dataset):
    row = of(tabulated(tmp_path, dataset, FITS, ladder=ladder_that_reads(0.8)), "I(x;h)", 5)
    assert row.low_bits <= row.bits < row.bits / 0.8 < row.high_bits


def test_a_rung_that_does_not_calibrate_moves_no_interval(tmp_path, dataset):
    plain = of(tabulated(tmp_path / "a", dataset, FITS, ladder=ladder_that_reads(0.8)), "I(x;h)", 5)
    spoiled = tabulated(tmp_path / "b", dataset, FITS, ladder=ladder_that_reads(0.8, spoiled=1.0))
    assert of(spoiled, "I(x;h)", 5) == plain


def test_an_information_beyond_the_ladder_says_so(tmp_path, dataset):
    low = [[row for row in ladder_that_reads(1.0)[0] if row.truth_bits < 30]]
    row = of(tabulated(tmp_path, dataset, FITS, ladder=low), "I(x;h)", 5)
    assert "beyond the calibrating rungs, which reach 16.0 bits" in row.warnings


def test_less_about_the_image_than_about_its_label_is_marked(tmp_path, dataset):
    """The label is told with 3.3 - 1.4 bits, the image with none."""
    rows = tabulated(tmp_path, dataset, [(100.0, 50.0, 55.0), (100.0, 50.0, 55.0)])
    assert "lies below I(y;h)" in of(rows, "I(x;h)", 0).warnings
    assert "lies below I(y;h)" not in of(rows, "I(x;h)", 5).warnings


def test_more_than_the_entropy_of_h_is_marked_where_that_could_be_counted(tmp_path, dataset):
    """h takes four values at epoch 5, of which 50 nats cannot be told; 45 nats at epoch 9 may be."""
    given = [(5, Ceiling(math.log(4.0), 0.01)), (9, Ceiling(60.0, 0.01))]
    rows = tabulated(tmp_path, dataset, FITS, ceilings=given)
    assert "above the ceiling H(h)" in of(rows, "I(x;h)", 5).warnings
    assert "above the ceiling H(h)" not in of(rows, "I(x;h)", 9).warnings


def test_a_ceiling_is_as_sure_as_its_count(tmp_path, dataset):
    rows = tabulated(tmp_path, dataset, FITS, ceilings=[(5, Ceiling(math.log(4.0), 30.0))])
    assert "above the ceiling H(h)" not in of(rows, "I(x;h)", 5).warnings


def test_the_raw_value_stands_beside_what_took_its_place(tmp_path, dataset):
    rows = tabulated(tmp_path, dataset, [(105.0, 50.0, 55.0), (105.0, 50.0, 55.0)])
    row = of(rows, "I(x;h)", 0)
    assert row.raw_bits == pytest.approx(bits(-5.0), abs=1e-6)
    assert row.bits == pytest.approx(0.0, abs=0.1)
    assert row.weight < 0.05
