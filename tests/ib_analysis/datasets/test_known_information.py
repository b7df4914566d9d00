import numpy as np
import pytest

from ib_analysis.datasets.known_information import KnownInformation
from ib_analysis.datasets.source import BLOCK_BYTES
from ib_analysis.datasets.specs.known_information import KnownInformationSpec
from ib_analysis.spec import Described
from ib_analysis.units import bits


def load(**fields):
    cls, spec = Described(**KnownInformationSpec(**fields).described()).load()
    assert cls is KnownInformation
    return cls(spec)


def everything(source):
    blocks = list(source.blocks())
    return np.concatenate([b.images for b in blocks]), np.concatenate([b.labels for b in blocks])


SOURCES = ["independent", "markov", "rectangles"]


@pytest.mark.parametrize("kind", SOURCES)
def test_images_are_the_same_at_each_pass_and_others_under_another_seed(kind):
    source = load(source=kind, count=500, label_noise=0.1)
    (x, y), (again, labels) = everything(source), everything(source)
    np.testing.assert_array_equal(x, again)
    np.testing.assert_array_equal(y, labels)
    assert (everything(load(source=kind, count=500, seed=1))[0] != x).any()
    assert x.shape == (500, *source.shape)
    assert x.dtype == np.uint8
    assert y.dtype == np.int64
    assert x.max() < source.levels


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("levels", [2, 17, 256])
@pytest.mark.parametrize("noise", [0.0, 0.25])
def test_labels_have_their_known_information(kind, levels, noise):
    source = load(source=kind, count=20_000, levels=levels, scale=levels / 12, label_noise=noise, size=4)
    x, y = everything(source)
    clean = source.law.label(x)
    assert abs((clean != y).mean() - noise) <= 4 * np.sqrt(noise * (1 - noise) / len(y))
    # plug-in entropies of a coin: H2(share), whose error is |log(p / (1 - p))| times that of the share
    share = y.mean()
    h = -(share * np.log(share) + (1 - share) * np.log(1 - share))
    spread = abs(np.log(share / (1 - share))) * np.sqrt(share * (1 - share) / len(y))
    assert abs(h - source.known["H(y)"]) < 4 * spread + 16 / len(y)
    noise_nats = -sum(q * np.log(q) for q in (noise, 1 - noise) if q)
    assert source.known["I(y;x)"] == pytest.approx(source.known["H(y)"] - noise_nats, abs=1e-12)


def test_the_default_is_the_markov_field_of_reference():
    source = load()
    assert bits(source.known["H(x)"]) == pytest.approx(334.54, abs=6e-3)
    assert source.name == "known_information (markov)"
    assert {f"I(x;rows{t})" for t in range(1, 9)} | {"H(x)", "H(y)", "I(y;x)"} <= set(source.known)


def test_blocks_are_bounded():
    blocks = list(load(source="rectangles", size=64, count=5000).blocks())
    assert [len(block) for block in blocks] == [2048, 2048, 904]
    assert all(block.images.nbytes <= BLOCK_BYTES for block in blocks)


@pytest.mark.parametrize("kind", SOURCES)
def test_information_never_falls_with_more_rows_nor_exceeds_its_source(kind):
    known = load(source=kind, size=6, label_noise=0.1).known
    for name, total in (("x", known["H(x)"]), ("y", known["I(y;x)"])):
        values = [known[f"I({name};rows{t})"] for t in range(1, 7)]
        assert all(b >= a - 1e-12 for a, b in zip([0.0, *values], values))
        assert values[-1] == pytest.approx(total, abs=1e-9)
