"""CE(x) is that of a density: the points' own mixtures join p(x) where they help, and no term is counted twice."""

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ib_analysis.__main__ import main
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.information.measurement.evaluation import read_mixed_marginal
from ib_analysis.information.tables.mixture import ComponentRow
from ib_analysis.provenance import Job
from ib_analysis.rows import read_rows
from ib_analysis.stages import mix_marginal
from ib_analysis.units import bits

VARIANTS = ("measurement", "decoder-seed-1")
OWN, OTHER, BLIND, UNCONDITIONAL = 50.0, 90.0, 70.0, 60.0
TOLD = 3
"""The class that the class decoder gives every image to."""
NET = {"encoder": "net", "regime": "classifier", "seed": 0}


def half(x):
    """0 or 1: which half of the images by their brightness an image belongs to."""
    return (x.float().flatten(1).mean(1) > 4.9).long()


class Encoder(torch.nn.Module):
    taps = tuple(SimpleNamespace(name=name, shape=(2,)) for name in ("half", "blind"))

    def activations(self, x, names):
        h = torch.nn.functional.one_hot(half(x), 2).float()
        return dict.fromkeys(names, h)


class FakeDecoder(torch.nn.Module):
    """Nats by the half that h names; those of the tap `blind` and of p(x) are constants. A later seed costs 1 more."""

    bytes_per_example = 1

    def __init__(self, name, later):
        super().__init__()
        self.name, self.later = name, later

    def forward(self, h):
        def log_prob(x):
            if self.name == "half.image":
                right = h.argmax(1) == half(x)
                nats = torch.where(right, torch.tensor(OWN), torch.tensor(OTHER))
            elif self.name == "classes.image":
                nats = torch.where(h.argmax(1) == TOLD, torch.tensor(OWN), torch.tensor(OTHER))
            else:
                nats = torch.full((len(x),), UNCONDITIONAL if self.name == "marginal.image" else BLIND)
            return -(nats + self.later)

        return SimpleNamespace(log_prob=log_prob)


@pytest.fixture
def dataset(prepared_digits):
    return prepared_digits(360)


@pytest.fixture
def mixed(tmp_path, dataset, monkeypatch):
    monkeypatch.setattr(
        mix_marginal, "load_decoder", lambda path: FakeDecoder(path.stem, 1.0 * ("seed-1" in path.parts[-4]))
    )
    monkeypatch.setattr(mix_marginal, "load_checkpoint", lambda path: SimpleNamespace(encoder=Encoder()))

    def folder(name, made):
        path = tmp_path / name
        path.mkdir(parents=True)
        Job("test", made, "0", "cpu", 1).record(path)
        return str(path)

    def run(points, nearest=48, classes=False):
        slice_ = {
            "variants": VARIANTS,
            "networks": [
                NET | {"epochs": [5], "taps": ["half", "blind"], "architecture": {"implementation": "x:y", "spec": {}},
                       "precision": "float32"}
            ],
            "decoder": {"implementation": "x:y", "spec": {}},
            "holdout": 0.3, "points": points, "nearest": nearest,
        }  # fmt: skip
        out = [str(tmp_path / f"{variant}.npz") for variant in VARIANTS]
        monkeypatch.setattr("ib_analysis.__main__.stage_digest", lambda *_: "0")
        code = main(
            [
                "mix_marginal", "--spec", json.dumps(slice_), "--dataset", str(dataset / "header.json"),
                "--checkpoints", folder("net", NET),
                "--marginals", *(folder(f"{v}/decoders/marginal", {"variant": v}) for v in VARIANTS),
                "--classes", *(folder(f"{v}/decoders/classes", {"variant": v}) for v in VARIANTS * classes),
                "--decoders", *(folder(f"{v}/decoders/e5", NET | {"variant": v, "epoch": 5}) for v in VARIANTS),
                "--out", *out, "--table", str(tmp_path / "mixture.csv"),
            ]
        )  # fmt: skip
        assert code == 0
        nats = [read_mixed_marginal(tmp_path / f"{variant}.npz") for variant in VARIANTS]
        return nats, read_rows(tmp_path / "mixture.csv", ComponentRow)

    return run


def later(nats):
    """What the average of two probabilities costs, of which the second is lower by 1 nat."""
    return nats + math.log(2.0) - math.log1p(math.exp(-1.0))


def test_without_points_it_is_the_average_of_p_of_x(mixed):
    nats, rows = mixed(0)
    assert [found.variant for found in nats] == list(VARIANTS)
    assert nats[0].image.evaluation == pytest.approx(UNCONDITIONAL)
    assert nats[1].image.evaluation == pytest.approx(UNCONDITIONAL + 1)
    assert [row.weight for row in rows] == [0.5, 0.5, 1.0]
    assert rows[-1].bits == pytest.approx(bits(later(UNCONDITIONAL)))


def test_the_point_that_tells_most_joins_at_the_price_of_its_h(mixed, dataset):
    nats, rows = mixed(1)
    data = open_dataset(dataset)
    share = np.bincount(half(torch.from_numpy(np.array(data.decoder.images)))) / len(data.decoder)
    own = half(torch.from_numpy(np.array(data.evaluation.images))).numpy()
    names = list(dict.fromkeys(row.component for row in rows))
    assert names == ["p(x)", "nearest h, net classifier seed 0 epoch 5 half", "mixture"]
    summed = np.minimum(48, share[own] * len(data.decoder)) / len(data.decoder)
    lowest = OWN - np.log(summed)
    weight = 2 * rows[2].weight
    assert 0.9 < weight < 1.0
    assert nats[0].image.evaluation == pytest.approx(lowest - math.log(weight), abs=1e-3)
    assert (nats[0].image.evaluation > OWN - np.log(share[own])).all()
    assert rows[2].bits == pytest.approx(bits(float(lowest.mean())))
    assert rows[-1].bits == pytest.approx(bits(later(float(nats[0].image.evaluation.mean()))))


def test_a_point_that_tells_nothing_stays_out(mixed):
    _, rows = mixed(2)
    assert not any("blind" in row.component for row in rows)


def test_the_class_mixture_joins_with_the_frequencies_of_the_decoder_part(mixed, dataset):
    nats, rows = mixed(0, classes=True)
    data = open_dataset(dataset)
    share = float((np.asarray(data.decoder.labels) == TOLD).mean())
    alone = {row.component: row.bits for row in rows if row.variant == "measurement"}
    assert alone["label"] == pytest.approx(bits(OWN - math.log(share)), abs=1e-6)
    assert rows[-1].bits < min(alone["label"], alone["p(x)"]) + 1.0
    told = nats[0].of_classes.evaluation
    assert told.shape == (10, len(data.evaluation))
    assert (told[TOLD] < UNCONDITIONAL - 5.0).all()
    assert (np.delete(told, TOLD, axis=0) > UNCONDITIONAL - 1.0).all()


@pytest.mark.parametrize("points", [0, 1])
def test_told_the_class_and_weighed_by_its_frequency_it_is_ce_of_x_again(mixed, dataset, points):
    (found, _), _ = mixed(points, nearest=10_000, classes=True)
    labels = np.asarray(open_dataset(dataset).decoder.labels)
    whole = np.exp(-found.of_classes.evaluation).T @ (np.bincount(labels, minlength=10) / len(labels))
    assert -np.log(whole) == pytest.approx(found.image.evaluation)


def test_values_are_given_for_held_out_and_fitted_images_too(mixed, dataset):
    (found, _), _ = mixed(0)
    count = len(open_dataset(dataset).decoder)
    assert len(found.image.holdout) == round(0.3 * count)
    assert len(found.image.fitted) == count - len(found.image.holdout)
    assert found.of_classes is None


@pytest.mark.parametrize(
    ("most", "passes"),
    [(8 * 30 * 4, [["a", "c", "d"]]), (5 * 30 * 4, [["a"], ["c", "d"]]), (3 * 30 * 4, [["c"], ["d"]])],
)
def test_taps_share_passes_as_far_as_memory_goes_and_large_ones_stay_out(monkeypatch, most, passes):
    """Of 4, 9, 3 and 1 units."""
    units, asked = {"a": 4, "b": 9, "c": 3, "d": 1}, []

    class Activations:
        def __len__(self):
            return 30

        def shape(self, tap):
            return (units[tap],)

        def rows_at(self, taps, rows):
            asked.append(list(taps))
            return {tap: torch.full((len(rows), units[tap]), float(units[tap])) for tap in taps}

    monkeypatch.setattr(mix_marginal, "MOST_BYTES", most)
    found = dict(mix_marginal._h_of_taps(Activations(), tuple(units)))
    assert asked == passes
    assert list(found) == [tap for taps in passes for tap in taps]
    assert all(h.shape == (30, units[tap]) and (h == units[tap]).all() for tap, h in found.items())
