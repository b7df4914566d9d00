"""Cost against accuracy: marks where the networks lie, fronts over the best of them."""

import pytest

from ib_analysis.figures.studies import quantized
from ib_analysis.studies.quantized.row import QuantizedRow

BITS = {"bf16": 16, "w4a4": 4}


def rows():
    found = []
    for bits, number in BITS.items():
        for widths, work, accuracy in (("2-4", 100, 0.7), ("4-8", 200, 0.6), ("8-16", 900, 0.9)):
            for seed in (0, 1):
                identity = {
                    "images": "digits",
                    "bits": bits,
                    "blocks": "1-1",
                    "widths": widths,
                    "seed": seed,
                    "learning_rate": 0.4,
                    "status": "trained",
                }
                value = accuracy + 0.02 * seed
                found.append(
                    QuantizedRow(
                        **identity, multiplications=work, weights=work, compute_cost=work * number**2,
                        memory_bits=work * number, training_accuracy=1.0, validation_accuracy=value, accuracy=value,
                    )
                )  # fmt: skip
                for tap, entropy in (("h1_quantized", 9.0), ("pooled_quantized", number / 2)):
                    found.append(
                        QuantizedRow(
                            **identity, tap=tap, entropy_bits=entropy, ceiling_bits=10.0, alone=0.1, units=4,
                            units_entropy_bits=4.0 * number,
                        )
                    )  # fmt: skip
    return found


def lines(axes):
    return {line.get_gid(): line.get_xydata().tolist() for line in axes.lines if line.get_gid()}


def test_fronts_pass_over_what_is_dominated():
    compute = quantized.draw(rows()).axes[0]
    front = lines(compute)["front w4a4 compute_cost"]
    assert front[0] == pytest.approx([1600, 29.0])
    assert front[-1] == pytest.approx([14400, 9.0])
    assert all(y != pytest.approx(39.0) for _, y in front)


def test_a_mixture_has_marks_of_its_own_and_whole_bit_widths_keep_theirs():
    mixed = [row.model_copy(update={"bits": "w4a4-h1-w8a8"}) for row in rows() if row.bits == "w4a4"]
    figure = quantized.draw([*rows(), *mixed])
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["bf16", "w4a4", "w4a4-h1-w8a8"]
    ink = quantized.ink([*rows(), *mixed])
    assert {name: ink[name] for name in quantized.ORDER} == quantized.ink(rows())
    assert len(set(ink.values())) == len(ink)


def test_networks_at_other_rates_are_not_drawn():
    worse = [
        row.model_copy(
            update={"learning_rate": 0.1, "validation_accuracy": 0.1, "accuracy": 0.95, "entropy_bits": 2.5}
        )
        if not row.tap
        else row.model_copy(update={"learning_rate": 0.1, "entropy_bits": 2.5})
        for row in rows()
    ]
    one, two = (quantized.draw(tried) for tried in (rows(), [*worse, *rows()]))
    for here, there in zip(one.axes, two.axes, strict=True):
        assert lines(here) == lines(there)
    assert "selected on the decoder part: bf16 0.4, w4a4 0.4." in quantized.caption([*worse, *rows()])
    assert quantized.caption([*worse, *rows()]) == quantized.caption(rows())


def test_panels_are_labelled_with_units():
    figure = quantized.draw(rows())
    assert len(figure.axes) == 4
    assert all("[" in axes.get_ylabel() for axes in figure.axes)


def test_the_caption_holds_the_dominance_and_the_seeds():
    text = quantized.caption(rows())
    assert "2 seeds" in text
    assert "w4a4 +" in text
    assert "95 % interval" in text
