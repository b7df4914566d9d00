"""Nats per image survive the disk, and a broken file is named."""

import numpy as np
import pytest

from ib_analysis.errors import UserError
from ib_analysis.information.measurement.evaluation import (
    Ceiling,
    Evaluation,
    MarginalEvaluation,
    MixedMarginal,
    PointNats,
    read_evaluation,
    read_marginal_evaluation,
    read_mixed_marginal,
    write_evaluation,
    write_marginal_evaluation,
    write_mixed_marginal,
)
from ib_analysis.information.measurement.parts import Parts
from ib_analysis.point import Network


def parts(rng, *trailing: int) -> Parts:
    return Parts(*(rng.normal(size=(n, *trailing)) for n in (5, 3, 4)))


def point_nats(rng) -> PointNats:
    return PointNats(parts(rng), parts(rng, 10), parts(rng))


def evaluation() -> Evaluation:
    rng = np.random.default_rng(0)
    network = Network("resnet10", "classifier", 3)
    points = {network.at(epoch, tap): point_nats(rng) for epoch in (0, 10) for tap in ("h1", "pooled")}
    return Evaluation("filters-8", network, points, {network.at(10, "pooled"): Ceiling(1.5, 0.25)})


def same(a: PointNats, b: PointNats) -> bool:
    pairs = zip((a.image, a.classes, a.label), (b.image, b.classes, b.label), strict=True)
    return all(np.array_equal(x, y) for one, other in pairs for x, y in zip(one, other, strict=True))


def test_round_trip_keeps_every_value_and_the_order_of_taps(tmp_path):
    write_evaluation(tmp_path / "nats.npz", evaluation())
    read = read_evaluation(tmp_path / "nats.npz")
    assert read.variant == "filters-8"
    assert read.network == Network("resnet10", "classifier", 3)
    assert read.epochs == [0, 10]
    assert read.taps == ["h1", "pooled"]
    assert all(same(read.points[point], found) for point, found in evaluation().points.items())
    assert read.ceilings == {read.network.at(10, "pooled"): Ceiling(1.5, 0.25)}
    assert not same(*list(read.points.values())[:2])


def test_the_nats_of_a_label_are_those_of_its_own_class(tmp_path):
    table = np.log(np.array([[0.2, 0.8], [0.6, 0.4]]))
    found = PointNats.of(Parts(*[np.zeros(2)] * 3), Parts(*[table] * 3), [np.array([1, 0])] * 3)
    for nats in found.label:
        assert np.exp(-nats) == pytest.approx([0.8, 0.6])


def test_nats_of_images_without_labels_are_of_the_image_alone(tmp_path):
    network = Network("net", "fixed", 0)
    point = network.at(0, "h1")
    alone = PointNats(parts(np.random.default_rng(1)))
    write_evaluation(tmp_path / "nats.npz", Evaluation("measurement", network, {point: alone}))
    read = read_evaluation(tmp_path / "nats.npz")
    assert read.points[point].classes is None
    assert np.array_equal(read.alone(point, "image"), alone.image.evaluation)
    with pytest.raises(UserError, match="images without labels"):
        read.alone(point, "label")


@pytest.mark.parametrize("labelled", [True, False])
def test_the_mixture_of_a_variant_keeps_its_classes_where_it_has_some(tmp_path, labelled):
    rng = np.random.default_rng(2)
    classes = Parts(*(rng.normal(size=(10, n)) for n in (5, 3, 4))) if labelled else None
    whole = MixedMarginal("measurement", parts(rng), classes)
    write_mixed_marginal(tmp_path / "nats.npz", whole)
    read = read_mixed_marginal(tmp_path / "nats.npz")
    assert read.variant == "measurement"
    assert np.array_equal(read.image.fitted, whole.image.fitted)
    assert (read.of_classes is None) != labelled
    if labelled:
        assert np.array_equal(read.of_classes.holdout, classes.holdout)


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
