"""Counted entropy: exact over a universe, and what it says of a sample."""

import math
from collections import Counter
from itertools import product

import numpy as np
import pytest
import torch

from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.quantized import Quantized
from ib_analysis.encoders.specs.quantized import QuantizedSpec
from ib_analysis.information.estimators.counting import Counting
from ib_analysis.information.estimators.distinct_rows import codes
from ib_analysis.studies.quantized.plug_in_entropy import plug_in_entropy, row_symbols

UNIVERSE = torch.tensor(list(product(range(4), repeat=4)), dtype=torch.uint8).view(256, 1, 2, 2)


def entropy_of(h):
    return plug_in_entropy(row_symbols([h]))


def quantized_layer(bits, tap):
    """h of every image of 2x2 pixels and 4 levels, in a small network with bounds."""
    network = {"kind": "resnet", "blocks": [1], "widths": [3]}
    spec = QuantizedSpec(network=network, weight_bits=bits, activation_bits=bits, start_step=1)
    image = ImageShape(channels=1, height=2, width=2, levels=4)
    encoder = Quantized(spec, "classifier", image, 2).train()
    encoder.set_normalisation(torch.tensor([0.5]), torch.tensor([0.37]))
    with torch.no_grad():
        encoder(UNIVERSE)
        return encoder.activations(UNIVERSE, [tap])[tap].numpy()


@pytest.mark.parametrize("bits", [2, 4])
def test_over_a_universe_it_is_the_information_between_image_and_layer(bits):
    h = quantized_layer(bits, "pooled_quantized")
    found = entropy_of(h)
    counts = Counter(tuple(row) for row in h.tolist())
    literal = -sum(c / 256 * math.log(c / 256) for c in counts.values())
    assert found.nats == pytest.approx(literal, abs=1e-12)
    exact = Counting().estimate(UNIVERSE.flatten(1).numpy().astype(float), h.astype(float)).value
    assert found.nats == pytest.approx(exact, abs=1e-9)
    assert 0 < found.nats < found.ceiling_nats
    assert found.distinct == len(counts)


def test_fewer_bits_hold_less():
    coarse, fine = (entropy_of(quantized_layer(bits, "pooled_quantized")).nats for bits in (2, 8))
    assert coarse < fine <= math.log(256) + 1e-12


def test_a_coarser_layer_never_has_more_entropy():
    h = np.random.default_rng(0).integers(0, 16, (500, 2)).astype(np.float32)
    assert entropy_of(h // 4).nats <= entropy_of(h).nats


def test_rows_are_told_apart_as_by_their_values():
    h = np.random.default_rng(1).integers(-1, 2, (300, 2, 2)).astype(np.float32)
    h[h == 0] *= -1
    blocks = [h[:100], h[100:]]
    assert np.array_equal(row_symbols(blocks), codes(h.reshape(300, -1)))


def test_it_saturates_at_log_n():
    found = entropy_of(np.random.default_rng(0).normal(size=(50, 3)))
    assert found.nats == pytest.approx(math.log(50))
    assert found.ceiling_nats == pytest.approx(math.log(50))
    assert found.alone == 1


def test_the_bias_of_a_sample_shrinks_with_the_correction():
    truth, rng = math.log(64), np.random.default_rng(0)
    found = [entropy_of(rng.integers(0, 64, (400, 1)).astype(float)) for _ in range(20)]
    plain = np.mean([each.nats for each in found]) - truth
    corrected = np.mean([each.miller_madow_nats for each in found]) - truth
    assert plain == pytest.approx(-63 / 800, rel=0.15)
    assert abs(corrected) < 0.15 * abs(plain)
    assert all(each.alone < 0.1 for each in found)
