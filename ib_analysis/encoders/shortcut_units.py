"""Units with a shortcut of depth one, two or three, or none (Li, Jiao, Han & Weissman 2016, Demystifying ResNet)."""

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from ib_analysis.encoders.encoder import ImageShape, Tap
from ib_analysis.encoders.specs.shortcut_units import (
    Initialization,
    Nonlinearity,
    Shortcut,
    ShortcutUnitsSpec,
    layers_of_a_unit,
)
from ib_analysis.encoders.specs.training import Regime
from ib_analysis.encoders.trunk import TrunkEncoder

NONLINEARITIES: dict[Nonlinearity, Callable[[Tensor], Tensor]] = {
    "identity": lambda h: h,
    "tanh": torch.tanh,
    "relu": torch.relu,
}
Layer = Callable[[], nn.Module]


class Unit(nn.Module):
    """h + W_n s(... s(W_1 h)): the identity plus a branch of layers with a nonlinearity s between them.

    A branch of one layer is W_1 s(h), or W_1 h if `reads_raw`. Without a shortcut the unit is its branch. The stream h
    passes through no nonlinearity, as in the identity mappings of He et al. (2016b), so a unit with a shortcut and all
    weights 0 is the identity.
    """

    def __init__(
        self, layers: Iterable[nn.Module], nonlinearity: Nonlinearity, shortcut: bool, reads_raw: bool = False
    ) -> None:
        super().__init__()
        self.layers, self.shortcut = nn.ModuleList(layers), shortcut
        self.nonlinearity = NONLINEARITIES[nonlinearity]
        self.reads_raw = reads_raw or len(self.layers) > 1

    def forward(self, h: Tensor) -> Tensor:
        """A tensor of the same shape."""
        branch = h if self.reads_raw else self.nonlinearity(h)
        for i, layer in enumerate(self.layers):
            branch = layer(branch if i == 0 else self.nonlinearity(branch))
        return h + branch if self.shortcut else branch


def unit(layer: Layer, shortcut: Shortcut, nonlinearity: Nonlinearity, reads_raw: bool = False) -> Unit:
    """A unit of new layers, each created by a call of `layer`."""
    count = layers_of_a_unit(shortcut)
    return Unit((layer() for _ in range(count)), nonlinearity, shortcut != "none", reads_raw)


def draw_weights(
    units: nn.Module, initialization: Initialization, std: float, generator: torch.Generator
) -> None:
    """Redraws the weights of every layer inside the units; biases become 0.

    near_zero: N(0, std^2). xavier: N(0, 2 / (fan-in + fan-out)) (Glorot & Bengio 2010, section 4.2.1). orthogonal:
    orthonormal rows or columns of the matrix (outputs, fan-in) (Saxe, McClelland & Ganguli 2014, section 3).
    """
    for module in units.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            if initialization == "near_zero":
                nn.init.normal_(module.weight, std=std, generator=generator)
            elif initialization == "xavier":
                nn.init.xavier_normal_(module.weight, generator=generator)
            else:
                nn.init.orthogonal_(module.weight, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


class ShortcutUnits(TrunkEncoder):
    """A linear stem, the units, then logits, or a linear code and the same number of mirrored units.

    Taps: stem, the output of every unit, named after the number of layers so far (layer2, layer4, ...), then logits
    (classifier) or bottleneck (autoencoder). Dense: h is a vector of length `width`. Convolutional: h is a map of
    `width` channels at the resolution of the image, averaged over positions before the logits. The trunk up to the
    last unit is the same in both regimes. The mirror is one linear layer from the code to the shape of h, units like
    those of the trunk, and a linear layer or 3x3 convolution with a sigmoid: pixels in [0, 1].
    """

    Spec = ShortcutUnitsSpec

    def __init__(self, spec: ShortcutUnitsSpec, regime: Regime, image: ImageShape, classes: int) -> None:
        super().__init__(spec, regime, image, classes)
        self._dense = spec.layout == "dense"
        self._units = spec
        shape = (spec.width,) if self._dense else (spec.width, image.height, image.width)
        names = spec.tap_names(regime)
        head = self._logits() if regime == "classifier" else self._code(shape)
        self.trunk = nn.ModuleDict(
            {"stem": self._stem(), **{name: self._unit() for name in names[1:-1]}, names[-1]: head}
        )
        self.mirror = self._mirror(shape) if regime == "autoencoder" else None
        last = classes if regime == "classifier" else spec.bottleneck
        self.taps = tuple(Tap(name, shape if name != names[-1] else (last,)) for name in names)
        self.initialise(torch.Generator().manual_seed(0))

    def initialise(self, generator: torch.Generator) -> None:
        """Stem, head and code by the initialisation of every encoder; the units by the spec's initialization."""
        super().initialise(generator)
        for module in self.modules():
            if isinstance(module, Unit):
                draw_weights(module, self._units.initialization, self._units.std, generator)

    def _stem(self) -> nn.Module:
        if not self._dense:
            return nn.Conv2d(self.image.channels, self._units.width, 3, padding=1)
        return nn.Sequential(nn.Flatten(), nn.Linear(self._pixels, self._units.width))

    def _unit(self) -> Unit:
        width = self._units.width
        return unit(
            (lambda: nn.Linear(width, width))
            if self._dense
            else (lambda: nn.Conv2d(width, width, 3, padding=1)),
            self._units.shortcut,
            self._units.nonlinearity,
        )

    def _logits(self) -> nn.Module:
        linear = nn.Linear(self._units.width, self.classes)
        return linear if self._dense else nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), linear)

    def _code(self, shape: tuple[int, ...]) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), self._units.bottleneck))

    def _mirror(self, shape: tuple[int, ...]) -> nn.Module:
        expand = nn.Sequential(nn.Linear(self._units.bottleneck, math.prod(shape)), nn.Unflatten(1, shape))
        units = [self._unit() for _ in range(self._units.units)]
        return nn.Sequential(expand, *units, *self._to_pixels(), nn.Sigmoid())

    def _to_pixels(self) -> tuple[nn.Module, ...]:
        image = self.image
        if not self._dense:
            return (nn.Conv2d(self._units.width, image.channels, 3, padding=1),)
        linear = nn.Linear(self._units.width, self._pixels)
        return linear, nn.Unflatten(1, (image.channels, image.height, image.width))

    @property
    def _pixels(self) -> int:
        return self.image.channels * self.image.height * self.image.width
