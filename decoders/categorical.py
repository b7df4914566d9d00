"""q(y | h): a classifier of h."""

import math
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from decoders.density import Decoder, Density
from decoders.errors import ContextError
from decoders.spec import CategoricalSpec, LabelTarget
from decoders.standardisation import Standardisation

# A map is reduced to at most this many cells a side before it is flattened.
_SMALLEST_SIDE = 4


class CategoricalDensity(Density):
    """Probabilities proportional to exp(logits), shape (batch, classes); batch is 1 where h is None."""

    def __init__(self, logits: Tensor) -> None:
        self.log_probabilities = functional.log_softmax(logits.float(), dim=-1)

    def log_prob(self, target: Tensor) -> Tensor:
        """log q(y | h) in nats, shape (batch,), for integer classes y of shape (batch,)."""
        table = self.log_probabilities.expand(len(target), -1)
        return table.gather(1, target.long()[:, None])[:, 0]

    def sample(self, generator: Generator, count: int = 1) -> Tensor:
        """Classes, int64, shape (count, batch)."""
        probabilities = self.log_probabilities.exp()
        return torch.multinomial(probabilities, count, replacement=True, generator=generator).T


class Categorical(Decoder):
    """q(y | h) = softmax(b + W pool(z) + MLP(z)), z the standardised h; class frequencies where h is None.

    The sum of two classifiers. A linear probe (of a map pooled to at most 4x4) suits late layers. An MLP (on a map
    after convolutions of stride 2 down to at most 4x4) suits early ones. With `layers` = 0 the linear probe alone
    remains, and it reads all of h. Both start at 0 with the class frequencies as bias: the fit starts from
    CE(y | h) = H(y), so the best held-out weights are not far above it even if h is independent of y.
    """

    Spec: ClassVar[type[CategoricalSpec]] = CategoricalSpec

    def __init__(self, spec: CategoricalSpec, target: LabelTarget, context: tuple[int, ...] | None) -> None:
        super().__init__()
        self.spec, self.target = spec, target
        self.context = None if context is None else tuple(context)
        self.frequencies = nn.Parameter(torch.zeros(target.classes))
        if self.context is not None:
            self.standardise = Standardisation(self.context)
            self.linear = _linear_probe(spec, target.classes, self.context)
            self.reader = _reader(spec, target.classes, self.context) if spec.layers else None

    @property
    def bytes_per_example(self) -> int:
        """h, its standardised values with what these take on the way, and the largest hidden maps twice."""
        if self.context is None:
            return 4 * self.target.classes
        numbers, positions = math.prod(self.context), math.prod(self.context[1:])
        return 4 * (6 * numbers + 2 * self.spec.hidden * max(1, positions // 4) + 4 * self.target.classes)

    def forward(self, h: Tensor | None) -> CategoricalDensity:
        """q(. | h); the logits are computed here."""
        if self.context is None or h is None:
            if h is not None or self.context is not None:
                raise ContextError(f"this decoder was built for an h of shape {self.context}")
            return CategoricalDensity(self.frequencies[None])
        z = self.standardise(h)
        logits = self.frequencies + self.linear(z)
        if self.reader is not None:
            logits = logits + self.reader(z)
        return CategoricalDensity(logits)

    @torch.no_grad()
    def initialise(self, target: Tensor, h: Tensor | None, batch_size: int = 1) -> None:
        """Standardise h, and start from the class frequencies with one pseudo-observation of each class."""
        counts = torch.bincount(target.long(), minlength=self.target.classes).double() + 1.0
        self.frequencies.copy_((counts / counts.sum()).log())
        if h is not None and self.context is not None:
            self.standardise.measure(h)

    def description(self) -> dict[str, Any]:
        """Description from which `build_decoder` builds this decoder again."""
        return {
            **self.spec.described(),
            "target": self.target.model_dump(mode="json"),
            "context": None if self.context is None else list(self.context),
        }


def _zero(layer: nn.Linear) -> nn.Linear:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def _linear_probe(spec: CategoricalSpec, classes: int, context: tuple[int, ...]) -> nn.Sequential:
    if len(context) == 1:
        return nn.Sequential(_zero(nn.Linear(context[0], classes)))
    channels, height, width = context
    if spec.layers == 0:
        return nn.Sequential(nn.Flatten(), _zero(nn.Linear(channels * height * width, classes)))
    side = (min(height, _SMALLEST_SIDE), min(width, _SMALLEST_SIDE))
    pooled = channels * side[0] * side[1]
    return nn.Sequential(nn.AdaptiveAvgPool2d(side), nn.Flatten(), _zero(nn.Linear(pooled, classes)))


def _reader(spec: CategoricalSpec, classes: int, context: tuple[int, ...]) -> nn.Sequential:
    layers, width = _down(spec, context) if len(context) == 3 else ([], context[0])
    for _ in range(spec.layers):
        layers += [nn.Linear(width, spec.hidden), nn.ELU(), nn.Dropout(spec.dropout)]
        width = spec.hidden
    return nn.Sequential(*layers, _zero(nn.Linear(width, classes)))


def _down(spec: CategoricalSpec, context: tuple[int, ...]) -> tuple[list[nn.Module], int]:
    channels, height, width = context
    layers: list[nn.Module] = []
    while max(height, width) > _SMALLEST_SIDE:
        layers += [nn.Conv2d(channels, spec.hidden, 3, stride=2, padding=1), nn.ELU()]
        channels, height, width = spec.hidden, (height + 1) // 2, (width + 1) // 2
    return [*layers, nn.Flatten()], channels * height * width
