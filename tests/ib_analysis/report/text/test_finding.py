"""The finding follows from the numbers."""

from ib_analysis.information.measurement.estimate import Bound
from ib_analysis.report.text.finding import finding, truth_sentence, verdicts_sentence


def of_networks(stages, count=3):
    scope = {"networks": count, "scope": f"{count} networks"}
    return tuple(stage.model_copy(update=scope) for stage in stages)


def test_the_surest_fall_is_named_with_its_interval(rows, stages):
    """The interval of logits begins higher, though its fall at h1 is listed first."""
    surer = stages[1].model_copy(update={"compression_low_bits": 6.1})
    assert finding(rows, (stages[0], surer)) == (
        "At logits of net (classifier), I(x;h) as measured by these decoders falls by 7.77 bits (95 % interval 6.10 to "
        "9.00) from epoch 1 to 10, in this network, these fits."
    )


def test_a_fall_of_label_information_is_no_finding_of_the_image(rows, stages):
    label = stages[1].model_copy(update={"quantity": "I(y;h)", "compression_low_bits": 99.0})
    assert "At h1" in finding(rows, (stages[0], label))


def test_a_rise_where_nothing_falls(rows, stages):
    rises = stages[1].model_copy(update={"compression_verdict": "no"})
    assert finding(rows, of_networks((rises,))) == (
        "At logits of net (classifier), I(x;h) as measured by these decoders rises by 2.31 bits (95 % interval 1.40 to "
        "3.20) from epoch 0 to 1, over 3 networks, and no fall after a peak is shown at any tap."
    )


def test_neither_is_said_with_the_largest_fall(rows, stages):
    assert finding(rows, (stages[3],)) == (
        "No rise and no fall of I(x;h) along the training is shown at any of 1 taps; the largest fall is 5.52 bits "
        "(95 % interval 4.20 to 9.00), at h1 of net (autoencoder)."
    )


def test_verdicts_of_networks(stages):
    words = verdicts_sentence(of_networks(stages))
    assert "net (classifier) shows fitting at 1 and compression at 2 of 2 taps, over 3 networks" in words
    assert words.endswith(
        "net (autoencoder) shows fitting at 0 and compression at 0 of 1 taps, over 3 networks."
    )


def test_one_network_speaks_of_itself_and_never_of_compression(stages):
    words = verdicts_sentence(stages)
    assert "compression" not in words
    assert (
        "net (classifier): in this network, these fits, information rises to a peak at 1 and falls after it at 2 of 2 "
        "taps" in words
    )


def of_many(stages, count):
    """The stages under so many names of encoders."""
    return tuple(s.model_copy(update={"encoder": f"net{i}"}) for i in range(count) for s in stages)


def test_of_many_networks_those_are_named_that_show_something(stages):
    none = tuple(
        s.model_copy(update={"fitting_verdict": "no", "compression_verdict": "undecided"}) for s in stages
    )
    one = of_networks((*of_many(none, 4), *stages))
    taps = sum(s.quantity == "I(x;h)" for s in stages)
    assert verdicts_sentence(one) == (
        f"Over 3 networks of each: fitting is shown at 1 of 2 taps of net (classifier), at none of {5 * taps - 2} "
        f"others; compression is shown at 2 of 2 taps of net (classifier), at none of {5 * taps - 2} others."
    )
    assert verdicts_sentence(of_networks(of_many(none, 3))) == (
        f"Over 3 networks of each: fitting is shown at none of {3 * taps} taps; compression is shown at none of "
        f"{3 * taps} taps."
    )


def test_of_many_networks_that_show_something_the_taps_are_counted(stages):
    taps = sum(s.quantity == "I(x;h)" for s in stages)
    words = verdicts_sentence(of_networks(of_many(stages, 5)))
    assert f"fitting is shown at 5 of {5 * taps} taps, of 5 of 10 encoders in their regimes" in words


def test_of_many_lone_networks_nothing_is_called_compression(stages):
    words = verdicts_sentence((*of_many(stages, 5), *of_networks(stages)))
    lone, _, several = words.partition(". ")
    assert lone.startswith("In each network, these fits: information rises to a peak at 5 of")
    assert "compression" not in lone
    assert several.startswith("Over 3 networks of each: fitting is shown at 1 of 2 taps of net (classifier)")


def test_a_tap_of_another_scope_has_a_sentence_of_its_own(stages):
    """One network of the last encoder lacks a tap."""
    *most, last = of_networks(of_many(stages, 5))
    words = verdicts_sentence((*most, last.model_copy(update={"networks": 2, "scope": "2 networks"})))
    taps = sum(s.quantity == "I(x;h)" for s in stages)
    assert f"of {5 * taps - 1} taps" in words
    assert words.endswith(
        "Over 2 networks of each: fitting is shown at none of 1 taps; compression is shown at none of 1 taps."
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
        in truth_sentence((*rows, truth))
    )


def test_a_truth_that_was_sampled_brings_its_own_error(rows):
    measured = next(row for row in rows if row.quantity == "I(x;h)")
    error = 3**0.5 * measured.stderr_bits
    truth = measured.model_copy(
        update={"bound": Bound.EXACT, "bits": measured.bits + 4 * measured.stderr_bits, "stderr_bits": error}
    )
    assert (
        "the largest deviation of a measurement is 2.0 standard errors of the difference"
        in truth_sentence((*rows, truth))
    )


def test_nothing():
    assert finding((), ()) == "Nothing was measured at any tap."
