"""What must not be concluded follows from what was run."""

from dataclasses import replace

from ib_analysis.information.measurement.estimate import Bound
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.calibration import CalibrationRow
from ib_analysis.information.tables.controls import ControlRow
from ib_analysis.report.content import NEIGHBOUR, PRETRAINED
from ib_analysis.report.text.limitations import limitations


def test_one_seed_short_fits_unknown_entropy(content):
    words = " ".join(limitations(content))
    assert "One encoder seed" in words
    assert "1 of 4 decoders were still improving" in words
    assert "H(x) is not known" in words
    assert "4 verdicts" in words


def test_what_the_intervals_hold_depends_on_the_ladder(content):
    assert "No calibration ladder was run" in " ".join(limitations(content))
    rungs = [
        CalibrationRow(
            rung=name, family=name, quantity="I(x;h)", truth="exact", truth_bits=3.0, truth_stderr_bits=0.0,
            estimate_bits=3.0, fitted_bits=3.0, stderr_images_bits=0.1, stderr_fits_bits=None, stderr_bits=0.1,
            low_bits=2.0, high_bits=4.0, inside=name == "label", raw_bits=3.0, weight=1.0, calibrates=True,
            n_images=9, n_fits=1,
        )
        for name in ("label", "signs-8")
    ]  # fmt: skip
    words = " ".join(limitations(replace(content, ladder=tuple(rungs))))
    assert "No calibration ladder" not in words
    assert "outside their intervals: signs 8." in words


def test_several_seeds_and_good_fits(content):
    seeds = replace(content.encoders[0], seeds=(0, 1, 2))
    better = replace(content, encoders=(seeds,), fits=content.fits[:2])
    words = " ".join(limitations(better))
    assert "spread over 3 seeds" in words
    assert "One encoder seed" not in words
    assert "still improving" not in words


def test_a_marginal_that_was_still_improving_is_told(content):
    affected = "every I(x;h) is a difference from it"
    good = tuple(replace(fit, near_plateau=True) for fit in content.fits)
    short = replace(good[0], point=None, near_plateau=False)
    assert affected in " ".join(limitations(replace(content, fits=(short, *good[1:]))))
    other = replace(good[1], near_plateau=False)
    assert affected not in " ".join(limitations(replace(content, fits=(other, *good[1:]))))


def test_known_entropy(content):
    known = content.rows[1].model_copy(update={"quantity": Quantity.IMAGE_ENTROPY, "bound": Bound.EXACT})
    assert "H(x) is not known" not in " ".join(limitations(replace(content, rows=(*content.rows, known))))


def test_a_pretrained_decoder_is_stated(content):
    assert "pretrained" not in " ".join(limitations(content))
    pretrained = replace(content.decoders[0], density=PRETRAINED)
    assert "one pretrained" in " ".join(
        limitations(replace(content, decoders=(pretrained, *content.decoders)))
    )


def test_a_neighbours_budget_is_owned_up_to(content):
    assert "the same budget" in " ".join(limitations(content))
    neighbour = replace(content.decoders[0], density=NEIGHBOUR)
    words = " ".join(limitations(replace(content, decoders=(*content.decoders, neighbour))))
    assert "the same budget" not in words
    assert "different budgets" in words


def test_seeds_of_decoders_are_missing_only_where_no_control_has_them(content):
    missing = "that over fits is unknown"
    row = ControlRow(
        control="half-data", encoder="net", regime="classifier", seed=0, epoch=10, tap="h1", quantity="I(x;h)",
        bits=1.0, stderr_bits=0.5, point_bits=1.0, change_bits=0.0, change_stderr_bits=0.1, verdict="passes",
        rule="moves by at most", n_images=9,
    )  # fmt: skip
    assert missing in " ".join(limitations(replace(content, controls=(row,))))
    refitted = replace(content, controls=(row.model_copy(update={"control": "decoder-seed-1"}),))
    assert missing not in " ".join(limitations(refitted))
    rows = tuple(row.model_copy(update={"n_fits": 2}) for row in content.rows)
    words = " ".join(limitations(replace(content, rows=rows)))
    assert missing not in words
    assert "averages the probabilities of 2 fits" in words


def test_decoders_that_ignore_h_are_counted(content):
    assert "less than half" not in " ".join(limitations(content))
    weights = iter((0.1, 0.9, 0.4))
    rows = tuple(
        row.model_copy(update={"weight": next(weights, 1.0)}) if row.quantity == "I(x;h)" else row
        for row in content.rows
    )
    assert "At 2 points" in " ".join(limitations(replace(content, rows=rows)))


def test_pixels_that_a_network_does_not_see_are_told_in_whatever_words(content):
    """The limitation follows from what the stage says of the network, not from words of a remark."""
    encoder = replace(content.encoders[0], remarks=("sees it all", "is blind to a border"))
    assert "blind" not in " ".join(limitations(replace(content, encoders=(encoder,))))
    blind = replace(encoder, blind=("is blind to a border",))
    assert (
        limitations(replace(content, encoders=(blind,))).count(f"{blind.encoder}: is blind to a border") == 1
    )
