"""Compute and memory cost of a network at given bit widths (Abdolrashidi et al. 2021, and the paper's code)."""

from collections.abc import Sequence
from dataclasses import dataclass

from ib_analysis.encoders.layers.fake_quantization import QuantizedConv2d, QuantizedLinear
from ib_analysis.encoders.layers.layer_calls import LayerCall
from ib_analysis.encoders.quantized import Quantized, probe
from ib_analysis.encoders.specs.quantized import Bits

UNQUANTIZED_BITS = 16


@dataclass(frozen=True)
class LayerCost:
    """Size and bit widths of one convolution or linear layer."""

    multiplications: int
    """Multiplications for one image."""
    weights: int
    """Number of weights, without the bias."""
    weight_bits: int
    activation_bits: int

    @property
    def compute(self) -> int:
        """Multiplications x bits of a weight x bits of an activation."""
        return self.multiplications * self.weight_bits * self.activation_bits

    @property
    def memory(self) -> int:
        """Bits of the weights."""
        return self.weights * self.weight_bits


@dataclass(frozen=True)
class Cost:
    """Sums over convolutions and linear layers; additions, norms and ReLUs are not counted."""

    multiplications: int
    weights: int
    compute: int
    """Multiplications x bits of a weight x bits of an activation."""
    memory: int
    """Bits of the weights."""


def number_of_bits(bits: Bits) -> int:
    """Bits as a number; bf16 has 16.

    >>> number_of_bits("bf16"), number_of_bits(4)
    (16, 4)
    """
    return UNQUANTIZED_BITS if bits == "bf16" else bits


def total(layers: Sequence[LayerCost]) -> Cost:
    """The cost of a network as the sum over its layers.

    >>> total([LayerCost(10, 2, 4, 8), LayerCost(1, 1, 16, 16)])
    Cost(multiplications=11, weights=3, compute=576, memory=24)
    """
    return Cost(
        multiplications=sum(layer.multiplications for layer in layers),
        weights=sum(layer.weights for layer in layers),
        compute=sum(layer.compute for layer in layers),
        memory=sum(layer.memory for layer in layers),
    )


def cost(encoder: Quantized) -> Cost:
    """The cost of a quantized network at the bit widths of its layers."""
    calls, _ = probe(encoder.network)
    return total([_layer(call) for call in calls])


def _layer(call: LayerCall) -> LayerCost:
    layer = call.layer
    if not isinstance(layer, QuantizedConv2d | QuantizedLinear):
        raise TypeError(f"layer {call.name} is not quantized")
    return LayerCost(
        call.multiplications, call.weights, number_of_bits(layer.bits), number_of_bits(layer.reads.bits)
    )
