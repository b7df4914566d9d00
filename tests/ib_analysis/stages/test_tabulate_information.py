"""The table averages probabilities, not nats, and its errors hold the spread of fits."""

import json
import math

import numpy as np
import pytest

from ib_analysis.__main__ import main
from ib_analysis.datasets.digits import Digits
from ib_analysis.datasets.prepare import open_dataset, prepare_dataset
from ib_analysis.datasets.specs.digits import DigitsSpec
from ib_analysis.information.measurement.evaluation import (
    Evaluation,
    MarginalEvaluation,
    write_evaluation,
    write_marginal_evaluation,
)
from ib_analysis.information.tables.information import InformationRow
from ib_analysis.information.tables.two_stages import StagesRow
from ib_analysis.point import Network
from ib_analysis.provenance import Job
from ib_analysis.rows import read_rows
from ib_analysis.units import bits

NET = Network("net", "classifier", seed=0)
VARIANTS = ("measurement", "decoder-seed-1")
EPOCHS = (0, 5, 9)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "dataset"
    spec = DigitsSpec(images=120)
    prepare_dataset(Digits(spec), spec, folder)
    Job("test", {}, "0", "cpu", 1).record(folder / "header.json")
    return folder


def tabulated(folder, dataset, conditional, variants=VARIANTS, unconditional=(100.0, 100.0), seeds=(0,)):
    """The rows where fit k gives every image conditional[k][epoch] nats at each epoch, and a label 1 nat.

    The network of seed s gets s nats more at every epoch.
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
                points[network.at(epoch, "h1"), "image"] = value + network.seed + noise
                points[network.at(epoch, "h1"), "label"] = np.full(n, 1.0)
            found = Evaluation(variant, network, points)
            nats.append(kept(f"{k}-{network.seed}.npz", write_evaluation, found))
        marginal = MarginalEvaluation(variant, np.full(n, unconditional[k]))
        marginals.append(kept(f"m{k}.npz", write_marginal_evaluation, marginal))
    code = main(
        [
            "tabulate_information", "--spec", json.dumps({}), "--dataset", str(dataset / "header.json"),
            "--marginal", *marginals, "--nats", *nats,
            "--table", str(folder / "information.csv"), "--two_stages", str(folder / "two_stages.csv"),
        ]
    )  # fmt: skip
    assert code == 0
    return read_rows(folder / "information.csv", InformationRow)


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
        assert of(rows, "CE(x|h)", epoch).nats == pytest.approx(value + lower)
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
