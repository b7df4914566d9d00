"""Quantized form of any trainable encoder: every convolution and linear layer is fake-quantized."""

from collections.abc import Collection, Iterator, Sequence

import torch
from torch import Tensor, nn

from ib_analysis.encoders.encoder import Encoder, ImageShape, Tap
from ib_analysis.encoders.layers.fake_quantization import (
    ActivationQuantizer,
    Bfloat16,
    Quantizer,
    activation_quantizer,
    quantized_layer,
)
from ib_analysis.encoders.layers.layer_calls import LayerCall, layer_calls, same_memory
from ib_analysis.encoders.specs.quantized import Bits, QuantizedSpec
from ib_analysis.encoders.specs.training import Regime
from ib_analysis.encoders.trunk import TrunkEncoder
from ib_analysis.errors import UserError
from ib_analysis.spec import Described

PROBES = 32
"""Noise images that show which activations can be negative; for a single unit they fail with probability 2^-32."""


class Quantized(Encoder):
    """The network of the spec under fake quantization; batch norms, biases and sums stay in floating point.

    Weights are quantized from the first step on, activations once their bounds are collected. The first and the last
    layer in execution order have `end_bits`, parts of the network those of `part_bits`. Activations behind a ReLU are
    quantized as unsigned. They are quantized as signed where they can be negative, as at the stem, or where the
    projection of a shortcut also reads them, as in the paper's code.

    Tap h2 is that of the network. Tap h2_quantized is the same tensor quantized to the bits of the layers that read it,
    or to `activation_bits` where only the first or the last layer does. Its bounds are collected like those of the
    layers, so it equals, to the bit, the input of the layers after h2, except for the first and the last layer and for
    an identity shortcut, which passes h2 itself on. Its values are discrete, so its entropy is finite and bounds
    I(x; h2_quantized). Before the bounds are collected, as at epoch 0, it equals h2.
    """

    Spec = QuantizedSpec
    spec: QuantizedSpec
    network: TrunkEncoder

    def __init__(self, spec: QuantizedSpec, regime: Regime, image: ImageShape, classes: int) -> None:
        super().__init__(spec, regime, image, classes)
        self.network = build_network(spec, regime, image, classes)
        calls, activations = probe(self.network)
        check_parts(self.network, calls, spec)
        quantize_layers(self.network, calls, spec)
        self.at_taps = nn.ModuleDict(
            {
                tap.name: build_quantizer(
                    activations[tap.name],
                    bits_at_tap(activations[tap.name], calls, spec),
                    calls,
                    spec.start_step,
                )
                for tap in self.network.taps
                if spec.quantized_form(tap.name)
            }
        )
        shapes = {tap.name: tap.shape for tap in self.network.taps}
        self.source = {name: tap for tap in shapes for name in (tap, *spec.quantized_form(tap))}
        self.taps = tuple(Tap(name, shapes[tap]) for name, tap in self.source.items())

    def activations(self, x: Tensor, taps: Collection[str]) -> dict[str, Tensor]:
        """The activations at the given taps, in network order; layers behind the last of them are not computed."""
        wanted = self.in_network_order(taps)
        h = self.network.activations(x, {self.source[name] for name in wanted})
        return {
            name: h[tap] if name == tap else self.at_taps[tap](h[tap])
            for name in wanted
            for tap in (self.source[name],)
        }

    def forward(self, x: Tensor) -> Tensor:
        """Logits (batch, classes), or the reconstruction in [0, 1] (batch, C, H, W) of an autoencoder."""
        if not (self.training and self.collecting):
            output: Tensor = self.network(x)
            return output
        last = self.network.taps[-1].name
        h = self.network.activations(x, [*self.at_taps, last])
        for name, at_tap in self.at_taps.items():
            at_tap(h[name])
        return h[last] if self.network.mirror is None else self.network.mirror(h[last])

    @property
    def collecting(self) -> bool:
        """Whether bounds of activations are still being collected."""
        return any(each.collecting for each in self.quantizers())

    def quantizers(self) -> Iterator[Quantizer]:
        """Every quantizer of activations: those of the layers, then those at the taps."""
        return (module for module in self.modules() if isinstance(module, ActivationQuantizer | Bfloat16))

    def initialise(self, generator: torch.Generator) -> None:
        """Redraws every weight and resets every bound."""
        self.network.initialise(generator)
        for each in self.quantizers():
            each.reset()

    def set_normalisation(self, mean: Tensor, std: Tensor) -> None:
        """Sets the mean and standard deviation of each channel of pixels scaled to [0, 1]."""
        self.network.set_normalisation(mean, std)


def build_network(spec: QuantizedSpec, regime: Regime, image: ImageShape, classes: int) -> TrunkEncoder:
    """The network of the spec before quantization."""
    inner = spec.network.described()
    found, inner_spec = Described(implementation=inner["implementation"], spec=inner["spec"]).load()
    network = found(inner_spec, regime, image, classes)
    if not isinstance(network, TrunkEncoder):
        raise TypeError(f"{inner['implementation']} has no trunk with layers to quantize")
    return network


def probe(network: TrunkEncoder) -> tuple[tuple[LayerCall, ...], dict[str, Tensor]]:
    """The layers in execution order on noise images, and the activations at every tap."""
    image, names = network.image, [tap.name for tap in network.taps]
    x = torch.zeros(PROBES, image.channels, image.height, image.width, dtype=torch.uint8)
    h = dict[str, Tensor]()

    def run() -> None:
        h.update(network.activations(x, names))
        if network.mirror is not None:
            network.mirror(h[names[-1]])

    training = network.training
    network.eval()
    calls = layer_calls(network, run, torch.Generator().manual_seed(0))
    network.train(training)
    return calls, h


def is_signed(x: Tensor, calls: Sequence[LayerCall]) -> bool:
    """Whether x is quantized as signed: it has negative values, or a projection reads it beside another layer."""
    readers = [call for call in calls if same_memory(call.read, x)]
    projected = len(readers) > 1 and any(call.is_projection for call in readers)
    return projected or bool((x < 0).any())


def build_quantizer(x: Tensor, bits: Bits, calls: Sequence[LayerCall], start_step: int) -> Quantizer:
    """The quantizer of activations shaped like x."""
    return activation_quantizer(x.shape[1], bits, signed=is_signed(x, calls), start_step=start_step)


def check_parts(network: TrunkEncoder, calls: Sequence[LayerCall], spec: QuantizedSpec) -> None:
    """Refuses bits of a part that would change nothing.

    Raises:
        UserError: every layer of the part is an end of the network, or it has none.
    """
    inner = {part_of(call.name) for call in calls[1:-1]}
    for part, bits in spec.part_bits.items():
        if part in {tap.name for tap in network.taps} - inner:
            raise UserError(
                f"part_bits: {part!r} of {spec.network.kind} has no layer but the first or the last of the network, "
                f"which have end_bits, so {bits} bits would change nothing; take it away, or name one of "
                f"{', '.join(sorted(inner - {''}))}"
            )


def quantize_layers(network: nn.Module, calls: Sequence[LayerCall], spec: QuantizedSpec) -> None:
    """Replaces every called layer by its fake-quantized form, which shares its parameters."""
    for call in calls:
        is_end = call in (calls[0], calls[-1])
        weight_bits, activation_bits = choose_bits(spec, part_of(call.name), is_end=is_end)
        reads = build_quantizer(call.read, activation_bits, calls, spec.start_step)
        network.set_submodule(call.name, quantized_layer(call.layer, weight_bits, reads))


def part_of(layer: str) -> str:
    """The tap that the part of the network ends at in which a layer lies; empty for layers behind the trunk.

    >>> part_of("trunk.h1.0.first.0"), part_of("mirror.expand")
    ('h1', '')
    """
    words = layer.split(".")
    return words[1] if words[0] == "trunk" else ""


def bits_at_tap(x: Tensor, calls: Sequence[LayerCall], spec: QuantizedSpec) -> Bits:
    """Bits of the quantized form of the tap x: those of the first layer that reads it and is no end."""
    inner = [call for call in calls[1:-1] if same_memory(call.read, x)]
    return choose_bits(spec, part_of(inner[0].name) if inner else "", is_end=False)[1]


def choose_bits(spec: QuantizedSpec, part: str, *, is_end: bool) -> tuple[Bits, Bits]:
    """Bits of the weights and of the activations of a layer; `is_end` marks the first and the last layer.

    >>> spec = QuantizedSpec(
    ...     network={"kind": "resnet"}, weight_bits=2, activation_bits="bf16", end_bits=8, part_bits={"h1": 4}
    ... )
    >>> [choose_bits(spec, part, is_end=is_end) for part, is_end in (("h2", True), ("h2", False), ("h1", False))]
    [(8, 'bf16'), (2, 'bf16'), (4, 4)]
    """
    if is_end:
        weights, activations = (
            spec.end_bits if bits != "bf16" else bits for bits in (spec.weight_bits, spec.activation_bits)
        )
        return weights, activations
    few = spec.part_bits.get(part)
    return (spec.weight_bits, spec.activation_bits) if few is None else (few, few)
