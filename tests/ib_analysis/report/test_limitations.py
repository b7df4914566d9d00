"""What must not be concluded follows from what was run."""

from dataclasses import replace

from ib_analysis.information.estimate import Bound
from ib_analysis.information.quantity import Quantity
from ib_analysis.report.content import TRUNK
from ib_analysis.report.limitations import limitations


def test_one_seed_short_fits_unknown_entropy(content):
    words = " ".join(limitations(content))
    assert "One seed" in words
    assert "1 of 4 decoders were still improving" in words
    assert "H(x) is not known" in words
    assert "4 verdicts" in words


def test_several_seeds_and_good_fits(content):
    seeds = replace(content.encoders[0], seeds=(0, 1, 2))
    better = replace(content, encoders=(seeds,), fits=content.fits[:2])
    words = " ".join(limitations(better))
    assert "spread over 3 seeds" in words
    assert "One seed" not in words
    assert "still improving" not in words


def test_known_entropy(content):
    known = content.rows[1].model_copy(update={"quantity": Quantity.IMAGE_ENTROPY, "bound": Bound.EXACT})
    assert "H(x) is not known" not in " ".join(limitations(replace(content, rows=(*content.rows, known))))


def test_a_shared_trunk_is_owned_up_to(content):
    assert "trunk" not in " ".join(limitations(content))
    trunk = replace(content.decoders[0], density=TRUNK)
    assert "one trunk" in " ".join(limitations(replace(content, decoders=(trunk, *content.decoders))))


def test_decoders_that_ignore_h_are_counted(content):
    assert "p(x) was taken" not in " ".join(limitations(content))
    ignoring = tuple(replace(fit, ignores_h=fit.density == "p(x|h)") for fit in content.fits)
    assert "At 2 points" in " ".join(limitations(replace(content, fits=ignoring)))
