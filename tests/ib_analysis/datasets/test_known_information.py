import numpy as np
import pytest
from pydantic import ValidationError

from ib_analysis.datasets.known_information import KnownInformation
from ib_analysis.datasets.prepare import open_dataset, prepare_dataset
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


SOURCES = {
    "independent": {"scale": 5.0},
    "uniform": {},
    "markov": {"scale": 5.0},
    "rectangles": {},
    "factors": {"channels": 3},
    "teacher": {"scale": 5.0},
}
BINARY = [kind for kind in SOURCES if kind != "factors"]


def scaled(kind, levels):
    """The fields of a source, its scale in proportion to its levels."""
    return {name: levels / 12 if name == "scale" else value for name, value in SOURCES[kind].items()}


@pytest.mark.parametrize("kind", SOURCES)
def test_images_are_the_same_at_each_pass_and_others_under_another_seed(kind):
    fields = SOURCES[kind] | {"source": kind, "count": 500, "label_noise": 0.1}
    source = load(**fields)
    (x, y), (again, labels) = everything(source), everything(source)
    np.testing.assert_array_equal(x, again)
    np.testing.assert_array_equal(y, labels)
    assert (everything(load(**fields, seed=1))[0] != x).any()
    assert x.shape == (500, *source.shape)
    assert x.dtype == np.uint8
    assert y.dtype == np.int64
    assert x.max() < source.levels


@pytest.mark.parametrize("kind", BINARY)
@pytest.mark.parametrize("levels", [2, 17, 256])
@pytest.mark.parametrize("noise", [0.0, 0.25])
def test_labels_have_their_known_information(kind, levels, noise):
    source = load(source=kind, count=20_000, levels=levels, label_noise=noise, size=4, **scaled(kind, levels))
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


@pytest.mark.parametrize("kind", BINARY)
def test_information_never_falls_with_more_rows_nor_exceeds_its_source(kind):
    known = load(source=kind, size=6, label_noise=0.1, **SOURCES[kind]).known
    for name, total in (("x", known["H(x)"]), ("y", known["I(y;x)"])):
        values = [known[f"I({name};rows{t})"] for t in range(1, 7)]
        assert all(b >= a - 1e-12 for a, b in zip([0.0, *values], values))
        assert values[-1] == pytest.approx(total, abs=1e-9)


def test_noise_on_many_classes_replaces_labels_by_any_other():
    source = load(source="factors", count=20_000, levels=3, label_noise=0.3)
    x, y = everything(source)
    clean = source.law.label(x)
    joint = np.bincount(clean * 4 + y, minlength=16).reshape(4, 4) / len(y)
    expected = (np.full((4, 4), 0.1) + 0.6 * np.eye(4)) / 4
    assert np.abs(joint - expected).max() < 4.5 * np.sqrt(0.2 / len(y))
    noise_nats = -(0.7 * np.log(0.7) + 0.3 * np.log(0.1))
    assert bits(source.known["H(y)"]) == pytest.approx(2, abs=1e-12)
    assert source.known["I(y;x)"] == pytest.approx(np.log(4) - noise_nats, abs=1e-12)


@pytest.mark.parametrize(
    "fields",
    [
        {"source": "rectangles", "size": 8, "levels": 2},
        {"source": "factors", "levels": 3},
        {"source": "factors", "channels": 3},
    ],
)
def test_a_whole_universe_is_each_image_once_in_the_prepared_data_set(fields, tmp_path):
    source = load(draw="all", **fields)
    header = prepare_dataset(source, source.spec, tmp_path / "data")
    data = open_dataset(tmp_path / "data")
    images = np.concatenate([data.part(name).images for name in ("encoder", "decoder", "evaluation")])
    labels = np.concatenate([data.part(name).labels for name in ("encoder", "decoder", "evaluation")])
    assert len(images) == sum(header.counts.values()) == source.law.count
    assert len({image.tobytes() for image in images}) == len(images)
    assert header.known["H(x)"] == pytest.approx(np.log(len(images)), abs=1e-12)
    np.testing.assert_array_equal(labels, source.law.label(images))


def test_a_universe_comes_in_blocks():
    source = load(source="rectangles", draw="all", size=24, levels=2)
    blocks = list(source.blocks())
    assert len(blocks) > 1
    assert sum(len(block) for block in blocks) == source.count == source.law.count == 90_000
    assert all(block.images.nbytes <= BLOCK_BYTES for block in blocks)


def test_each_field_reaches_its_law():
    law = load(source="independent", channels=3, mean=(30, 100, 200), scale=(2, 5, 9)).law
    assert np.abs(law.pixel @ np.arange(256) - [30, 100, 200]).max() < 0.1
    assert load(source="independent", mean=60, scale=10).known["H(x)"] == pytest.approx(
        64 * 6.19513 * np.log(2), abs=1e-3
    )
    assert load(source="uniform", levels=4, size=16, channels=3).known["H(x)"] == pytest.approx(
        768 * np.log(4)
    )
    assert load(channels=3, size=4).shape == (3, 4, 4)
    one, other = (load(source="teacher", levels=16, scale=1, weights=w, size=4).known["H(x)"] for w in (0, 1))
    assert one != other


def test_low_bits_lie_under_any_source():
    known = load(source="rectangles", levels=8, low_bits=2).known
    assert bits(known["H(x)"]) == pytest.approx(10.340 + 2 * 64, abs=6e-4)
    source = load(source="factors", levels=12, low_bits=2, channels=3, count=50)
    assert source.levels == 12
    assert source.class_names == ("square", "frame", "cross", "diagonals")
    assert np.isfinite(source.law.log_probability(everything(source)[0])).all()


def test_a_mean_over_drawn_images_says_how_sure_it_is():
    known = load(source="teacher", levels=16, scale=1.0, size=4).known
    assert 0 < known["stderr of H(x)"] < 1e-3 * known["H(x)"]
    assert not any(name.startswith("stderr") for name in load().known)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"source": "rectangles", "scale": 2.0}, "scale: not used by source rectangles"),
        ({"source": "uniform", "correlation": 0.5}, "correlation: not used by source uniform"),
        ({"source": "markov", "mean": 3.0}, "mean: not used by source markov"),
        ({"source": "markov", "weights": 1}, "weights: not used by source markov"),
        ({"source": "markov", "draw": "all"}, "draw: not used by source markov"),
        ({"source": "rectangles", "channels": 3}, "channels: not used by source rectangles"),
        ({"source": "rectangles", "draw": "all", "count": 50}, "count: not used by draw: all"),
        (
            {"source": "rectangles", "draw": "all", "low_bits": 1},
            "low_bits: random bits make the universe too large",
        ),
        (
            {"source": "rectangles", "levels": 6, "low_bits": 2},
            "levels: 6 with 2 low bits leave .* 1.5 levels",
        ),
        ({"source": "markov", "levels": 4, "low_bits": 2}, "1 levels; it needs a whole number, 2 or more"),
        ({"source": "factors", "levels": 2}, "2 levels; it needs a whole number, 3 or more"),
        ({"source": "factors", "size": 6}, "size: 6 pixels are too few for the objects"),
        (
            {"source": "markov", "scale": (1, 2, 3), "channels": 3},
            "scale: three values need source independent",
        ),
        ({"source": "independent", "mean": (1, 2, 3)}, "mean: three values need source independent"),
        ({"source": "independent", "scale": (1, 0, 3), "channels": 3}, "greater than 0"),
        ({"channels": 2}, "channels"),
    ],
)
def test_a_parameter_that_does_not_fit_its_source_is_a_sentence(fields, words):
    with pytest.raises(ValidationError, match=words):
        KnownInformationSpec(**fields)
