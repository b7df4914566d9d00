"""Images that a network has learned on beside new ones: each kind by its own p(x), its own labels and all fits."""

import json
import math

import numpy as np
import pytest

from ib_analysis.__main__ import main
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.information.measurement.evaluation import (
    Evaluation,
    MarginalEvaluation,
    PointNats,
    write_evaluation,
    write_marginal_evaluation,
)
from ib_analysis.information.measurement.label_information import label_nats
from ib_analysis.information.measurement.own_images import OwnImages, write_own_images
from ib_analysis.information.measurement.parts import Parts
from ib_analysis.information.tables.learned import LearnedRow
from ib_analysis.point import Network
from ib_analysis.provenance import Job
from ib_analysis.rows import read_rows
from ib_analysis.units import bits

NETWORK = Network("net", "fixed", 0)
POINT = NETWORK.at(0, "h1")
VARIANTS = ("measurement", "decoder-seed-1")
# Nats of the image and of its label that each fit knows of h, of learned and of new images.
KNOWN = {"learned": (5.0, 2.0), "new": (3.0, 1.0)}


def averaged(fits):
    """-log of the mean probability."""
    return -np.log(np.mean(np.exp(-np.array(fits)), axis=0))


def noise(rng, images, deviation):
    """Of each image, and a hundredth of it of each fit."""
    return deviation * (rng.normal(size=images) + rng.normal(size=(2, images)) / 100)


@pytest.fixture(scope="module")
def found(tmp_path_factory, prepared_digits):
    """The rows, by quantity, and the nats that they are made from."""
    folder, rng = tmp_path_factory.mktemp("learned"), np.random.default_rng(0)
    dataset = prepared_digits(200)
    data, given = open_dataset(dataset), Job("test", {}, "0", "cpu", 1)
    rows = np.arange(0, len(data.encoder), 2)
    labels = {"learned": data.encoder.labels[rows], "new": data.evaluation.labels}
    nats = {
        kind: {
            "x": noise(rng, len(y), 50.0),
            "image": noise(rng, len(y), 0.5) - KNOWN[kind][0],
            "label": noise(rng, len(y), 0.5) - KNOWN[kind][1] + label_nats(y),
        }
        for kind, y in labels.items()
    }
    for of_kind in nats.values():
        of_kind["image"] += of_kind["x"]
    paths = {name: [] for name in ("marginal", "nats", "own_nats")}
    for k, variant in enumerate(VARIANTS):
        new, own = nats["new"], nats["learned"]
        image, label = (Parts(new[name][k], np.zeros(1), np.zeros(1)) for name in ("image", "label"))
        marginal, evaluation, own_images = (folder / f"{name}{k}.npz" for name in paths)
        write_marginal_evaluation(marginal, MarginalEvaluation(variant, new["x"][k]))
        points = {POINT: PointNats(image, Parts(*[np.zeros((1, 10))] * 3), label)}
        write_evaluation(evaluation, Evaluation(variant, NETWORK, points))
        of_points = {(POINT, target): own[target][k] for target in ("image", "label")}
        write_own_images(own_images, OwnImages(variant, NETWORK, rows, own["x"][k], of_points))
        for path, listed in zip((marginal, evaluation, own_images), paths.values(), strict=True):
            given.record(path)
            listed.insert(0, str(path))  # the order of the files means nothing
    words = [word for name, listed in paths.items() for word in (f"--{name}", *listed)]
    out = folder / "learned.csv"
    command = ["tabulate_learned", "--spec", json.dumps({}), "--dataset", str(dataset / "header.json")]
    assert main([*command, *words, "--table", str(out)]) == 0
    return {str(row.quantity): row for row in read_rows(out, LearnedRow)}, nats, labels


def test_each_kind_has_its_own_information(found):
    rows, nats, labels = found
    for kind, column in (("learned", "learned_bits"), ("new", "other_bits")):
        of_kind, y = nats[kind], labels[kind]
        image = averaged(of_kind["x"]) - averaged(of_kind["image"])
        label = label_nats(y) - averaged(of_kind["label"])
        assert getattr(rows["I(x;h)"], column) == pytest.approx(bits(image.mean()))
        assert getattr(rows["I(y;h)"], column) == pytest.approx(bits(label.mean()))


def test_the_difference_has_the_errors_of_both_kinds(found):
    rows, _, labels = found
    for quantity, known in (("I(x;h)", 2.0), ("I(y;h)", 1.0)):
        row = rows[quantity]
        assert row.difference_bits == pytest.approx(row.learned_bits - row.other_bits)
        assert row.difference_low_bits < bits(known) < row.difference_high_bits
        learned, other, both = (
            getattr(row, f"{name}_high_bits") - getattr(row, f"{name}_low_bits")
            for name in ("learned", "other", "difference")
        )
        assert learned < 1  # p(x) and p(x|h) of the same image are paired: alone they differ by 50 nats
        assert both == pytest.approx(math.hypot(learned, other), rel=0.1)
        assert row.difference_low_bits > 0  # the kinds do differ
    assert (row.n_learned, row.n_other, row.n_fits) == (len(labels["learned"]), len(labels["new"]), 2)
