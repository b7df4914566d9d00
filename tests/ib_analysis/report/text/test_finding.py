"""The finding follows from the numbers."""

from ib_analysis.information.measurement.estimate import Bound
from ib_analysis.report.text.finding import finding


def of_networks(stages, count=3):
    scope = {"networks": count, "scope": f"{count} networks"}
    return tuple(stage.model_copy(update=scope) for stage in stages)


def test_stages_of_networks(rows, stages):
    words = finding(rows, of_networks(stages))
    assert "net (classifier) shows fitting at 1 and compression at 2 of 2 taps, over 3 networks" in words
    assert "most at logits: 7.77 ± 0.61 bits lost from epoch 1 to 10" in words
    assert words.endswith(
        "net (autoencoder) shows fitting at 0 and compression at 0 of 1 taps, over 3 networks."
    )


def test_one_network_speaks_of_itself_and_never_of_compression(rows, stages):
    words = finding(rows, stages)
    assert "compression" not in words
    assert (
        "net (classifier): in this network, these fits, information rises to a peak at 1 and falls after it at 2 of 2 "
        "taps (most at logits: 7.77 ± 0.61 bits lost from epoch 1 to 10)" in words
    )


def test_one_checkpoint_gives_the_range(rows):
    assert finding(rows, ()) == (
        "I(x;h) as measured by these decoders lies between 55.67 ± 0.83 bits at logits and 91.17 ± 0.83 bits at h1."
    )


def test_distance_from_the_truth(rows):
    measured = next(row for row in rows if row.quantity == "I(x;h)")
    truth = measured.model_copy(
        update={"bound": Bound.EXACT, "bits": measured.bits + 2 * 0.83, "stderr_bits": 0.0}
    )
    assert (
        "Of 1 values known in closed form, the largest deviation of a measurement is 2.0 standard errors"
        in finding((*rows, truth), ())
    )


def test_a_truth_that_was_sampled_brings_its_own_error(rows):
    measured = next(row for row in rows if row.quantity == "I(x;h)")
    error = 3**0.5 * measured.stderr_bits
    truth = measured.model_copy(
        update={"bound": Bound.EXACT, "bits": measured.bits + 4 * measured.stderr_bits, "stderr_bits": error}
    )
    assert "the largest deviation of a measurement is 2.0 standard errors of the difference" in finding(
        (*rows, truth), ()
    )


def test_nothing():
    assert finding((), ()) == "Nothing was measured at any tap."
