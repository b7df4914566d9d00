"""Bytes that PixelCNN++ needs for an image, from its sizes alone: without torch, so that a workflow can ask for them.

The counts are of the float32 maps that live at the same time, as the layers of this folder are written, on a machine
with a C compiler. A test compares them with the memory that passes really take. On a GPU the mixture takes more: its
operations are torch's own there.
"""

import math
from dataclasses import dataclass

from decoders.pixelcnn_pp.spec import PixelCNNPPSpec, passes_at_once
from decoders.spec import ImageTarget

FLOAT = 4
VECTOR = 16  # a convolution pads its channels to whole vector registers
SCALES = (0, 1, 2)
TRANSIENT = (
    10  # maps of `filters` channels inside the largest layer: its inputs, their elu, and what it returns
)
TRANSIENT_AT_ONCE = 13  # the same where all layers are one operation
TRANSIENT_OF_CONTEXT = 9
# Of one operation of all layers: maps at halved and doubled scales, of the stem, and gradients of the latter.
CHANGES_OF_SCALE, STREAMS, GRADIENTS_OF_STREAMS = 3.125, 5, 3
# Of the mixture in C: its parameters as the network gives them and by planes, or two of their gradients; and levels.
COPIES_OF_OUTPUTS, COPIES_OF_LEVELS = 2, 3
# Of the mixture in torch's operations: numbers for each component and channel, without gradients and in a step.
NUMBERS_AT_ONCE, NUMBERS_OF_A_STEP = 16, 26
COPIES_OF_WEIGHTS = 6  # the weights, their gradients, Adam's two moments, the average and the best ones


@dataclass(frozen=True)
class DecoderMemory:
    """The sizes on which the memory of one decoder depends.

    `features` is the number of values of one h; 0 for an unconditional decoder. `mixture_in_c` is whether the mixture
    is one call in C (`fused_mixture.py`).
    """

    spec: PixelCNNPPSpec
    target: ImageTarget
    features: int = 0
    mixture_in_c: bool = True

    @property
    def evaluation(self) -> int:
        """Bytes of one image in a pass without gradients: the maps kept on the way down, or the mixture."""
        stored = 2 * (self.spec.layers + 1) + (TRANSIENT_AT_ONCE if self._at_once else TRANSIENT)
        network = stored * self._filters * self._pixels + self._context(sum(4.0**-k for k in SCALES))
        context = self._context(TRANSIENT_OF_CONTEXT) + 4 * self.features
        return round(FLOAT * max(network, context, self._mixture(NUMBERS_AT_ONCE)))

    @property
    def step(self) -> int:
        """Bytes of one image in a gradient step: every map that the gradient needs."""
        context = self._context(6 * self.spec.context_layers + TRANSIENT_OF_CONTEXT) + 4 * self.features
        mixture = self._mixture(NUMBERS_OF_A_STEP)
        if self._at_once:
            return round(FLOAT * (self._kept_at_once + context + max(mixture, self._gradients_at_once)))
        network = self.spec.filters * sum(self._saved(k) for k in SCALES)
        network += self._filters * TRANSIENT * self._pixels
        return round(FLOAT * (network + context + mixture))

    @property
    def weights(self) -> int:
        """Bytes of the weights, of which a fit holds six copies."""
        f, c = self.spec.filters, self.spec.context_filters if self.features else 0
        # Kernels of 2x3 and 2x2: those of a pair of layers, of what they skip, and of the changes of scale.
        down = 6 * (6 + 4) * f * f + 2 * f * f + 4 * c * f
        up = down + 4 * f * f
        layers = len(SCALES) * self.spec.layers
        blocks = layers * down + (layers + 2) * up + 4 * (6 + 4) * f * f
        ends = 13 * (self.target.channels + 1) * f + (f + c) * self._outputs
        coarsest = math.prod(side // 4 for side in self._padded)
        of_context = c and self.features * c * coarsest + self.spec.context_layers * 54 * c * c
        return FLOAT * (blocks + ends + of_context)

    def fit(self, batch_size: int, largest: int) -> int:
        """Bytes of a fit: its weights, and a step, an initialisation or a validation, whichever needs most.

        Args:
            batch_size: examples of a step.
            largest: bytes that the initialisation may take.
        """
        passes = max(batch_size * self.step, min(max(256, 4 * batch_size) * self.evaluation, largest))
        return COPIES_OF_WEIGHTS * self.weights + passes

    def _saved(self, scale: int) -> float:
        """Maps, in filters times pixels of the image, that the layers of a scale keep for the gradient."""
        down, up = self.spec.layers, self.spec.layers + (scale < SCALES[-1])
        height, width = (side / 2**scale for side in self._padded)
        # A layer keeps the elu of its two inputs with their margin, of what it skips, and the inputs of its gate.
        with_margin = 8 * (down + up) * (height + 1) * (width + 2)
        return (
            (with_margin + (6 * down + 10 * up) * height * width) / (height * width) * self._pixels / 4**scale
        )

    @property
    def _at_once(self) -> bool:
        """Whether all layers are one operation, which keeps fewer maps for the gradient."""
        spec = self.spec
        return passes_at_once(spec.filters) and (not self.features or passes_at_once(spec.context_filters))

    @property
    def _kept_at_once(self) -> float:
        """Numbers that one operation of all layers keeps: what the layers write, and the streams that they begin with.

        A gated layer writes its map, the input of its second convolution, and twice that for its gate.
        """
        return self.spec.filters * self._pixels * (8 * self._pairs + CHANGES_OF_SCALE + STREAMS)

    @property
    def _gradients_at_once(self) -> float:
        """Numbers of the gradients of the maps that layers hand on."""
        return self.spec.filters * self._pixels * (2 * self._pairs + CHANGES_OF_SCALE + GRADIENTS_OF_STREAMS)

    @property
    def _pairs(self) -> float:
        """Pairs of gated layers, each counted by its share of the pixels."""
        layers = self.spec.layers
        return sum((2 * layers + (k < SCALES[-1])) * 4.0**-k for k in SCALES)

    def _context(self, maps: float) -> float:
        return maps * self.spec.context_filters * self._pixels if self.features else 0.0

    @property
    def _filters(self) -> int:
        return math.ceil(self.spec.filters / VECTOR) * VECTOR

    def _mixture(self, in_torch: int) -> int:
        """Numbers of the mixture: in C its parameters or their gradients, levels, and the map that they are made from.

        `in_torch` is that for each component and channel in torch's operations.
        """
        channels = self.target.channels
        in_c = COPIES_OF_OUTPUTS * self._outputs + COPIES_OF_LEVELS * channels + self.spec.filters
        return self._pixels * (in_c if self.mixture_in_c else in_torch * self.spec.mixtures * channels)

    @property
    def _outputs(self) -> int:
        channels = self.target.channels
        return self.spec.mixtures * (1 + 2 * channels + channels * (channels - 1) // 2)

    @property
    def _padded(self) -> tuple[int, int]:
        return math.ceil(self.target.height / 4) * 4, math.ceil(self.target.width / 4) * 4

    @property
    def _pixels(self) -> int:
        return math.prod(self._padded)
