"""The discretized mixture of logistics: an exactly normalised law of the levels of one pixel.

A level k of L stands for the value x = 2 k / (L - 1) - 1 and owns the interval x -+ delta, delta = 1 / (L -
1); the first and last levels own the tails as well. One component is chosen for a whole pixel; inside it
the channels are logistic, each mean shifted by the channels before it: m_c + sum over d < c of
tanh(coefficient_cd) x_d.

With a = (x - delta - m) / s and b = (x + delta - m) / s the mass of an inner level is

    log P = log sigmoid(b) + log sigmoid(-a) + log(1 - exp(-2 delta / s)),

the exact logarithm of sigmoid(b) - sigmoid(a), without cancellation and with no approximate branch in the
tails; the first level has log sigmoid(b) and the last log sigmoid(-a), so that the levels add up to one.

Source: Salimans et al. 2017, sections 2.1 and 2.2 (equations 2 and 3).
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

HALF_INTERVALS_IN_SMALLEST_SCALE = 12.0  # mass 1 - 2 sigmoid(-12): 1.8e-5 bits lost a sub-pixel at the most
FIRST_MEANS = 0.5  # components start within half a standard deviation of the mean, so that no two are alike
LARGEST_LOG_SCALE = 12.0  # far beyond any image (values lie in [-1, 1]); keeps 2 delta / s above rounding


class Components(NamedTuple):
    """The mixture at each pixel: (batch, K, ...) logits, (batch, C, K, ...) means and log-scales."""

    logits: Tensor
    means: Tensor
    log_scales: Tensor
    coefficients: Tensor


class Start(NamedTuple):
    """Where each output of the network should lie before the fit, and how far it may stray: (outputs,) each."""

    centre: Tensor
    spread: Tensor


class Noise(NamedTuple):
    """What one draw needs: Gumbel (..., K) for the component, logistic (..., C) for the channels."""

    gumbel: Tensor
    logistic: Tensor


def interval_log_mass(
    x: Tensor, means: Tensor, log_scales: Tensor, first: Tensor, last: Tensor, delta: float
) -> Tensor:
    """Log of a logistic's mass on x -+ delta, all in one unit; `first` and `last` mark levels that own a tail."""
    inverse_scale = torch.exp(-log_scales)
    # The edge comes first: where x - delta and x + delta are exact, neighbours share theirs to the last bit.
    below_upper_edge = F.logsigmoid(inverse_scale * ((x + delta) - means))
    above_lower_edge = F.logsigmoid(-inverse_scale * ((x - delta) - means))
    both = torch.log(-torch.expm1(-2 * delta * inverse_scale))
    return (
        below_upper_edge.masked_fill(last, 0.0)
        + above_lower_edge.masked_fill(first, 0.0)
        + both.masked_fill(first | last, 0.0)
    )


@dataclass(frozen=True)
class LogisticMixture:
    """Sizes of the mixture: channels C of a pixel, levels L of a channel, components K.

    >>> LogisticMixture(channels=3, levels=256, components=10).outputs
    100
    >>> LogisticMixture(channels=1, levels=17, components=5).outputs
    15
    """

    channels: int
    levels: int
    components: int

    @property
    def outputs(self) -> int:
        """Numbers that the network must give for a pixel: K (1 + 2 C + C (C - 1) / 2)."""
        return self.components * (1 + 2 * self.channels + self.couplings)

    @property
    def couplings(self) -> int:
        """Pairs (channel, earlier channel) of a pixel."""
        return self.channels * (self.channels - 1) // 2

    @property
    def delta(self) -> float:
        """Half the interval of a level."""
        return 1.0 / (self.levels - 1)

    @property
    def smallest_log_scale(self) -> float:
        """It follows the number of levels, so that what it adds to a code length does not."""
        return math.log(self.delta / HALF_INTERVALS_IN_SMALLEST_SCALE)

    def values(self, levels: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        """Levels 0..L-1 as values in [-1, 1]."""
        return levels.to(dtype) * (2 * self.delta) - 1

    def bounded(self, log_scales: Tensor) -> Tensor:
        """Log-scales above their floor, by a softplus: at the floor a gradient to leave it is left."""
        floor = self.smallest_log_scale
        return floor + F.softplus((log_scales - floor).clamp(max=LARGEST_LOG_SCALE - floor))

    def start(self, levels: Tensor) -> Start:
        """Outputs of a network that knows of the images no more than each channel's mean and deviation.

        A logistic of deviation s has scale s sqrt(3) / pi. The deviation is taken as that of a level spread over its
        own interval at least (its variance is 1/12 of a squared level): an image that never changes gets no smaller
        scale, for then the first one that does would cost thousands of nats.

        Args:
            levels: (batch, C, height, width).
        """
        K, C = self.components, self.channels
        x = self.values(levels, torch.float64)
        variance, mean = torch.var_mean(x, dim=(0, 2, 3), correction=0)
        deviation = (variance + (2 * self.delta) ** 2 / 12).sqrt()
        above_floor = (deviation * math.sqrt(3) / math.pi).log() - self.smallest_log_scale
        raw = self.smallest_log_scale + above_floor + torch.log(-torch.expm1(-above_floor))
        ends = FIRST_MEANS if K > 1 else 0.0
        steps = torch.linspace(-ends, ends, K, dtype=x.dtype, device=x.device)
        means, ones = mean[:, None] + deviation[:, None] * steps, x.new_ones(C, K)
        rest = x.new_zeros(self.couplings * K)
        centre = [x.new_zeros(K), means.flatten(), (raw[:, None] * ones).flatten(), rest]
        spread = [x.new_ones(K), (deviation[:, None] * ones).flatten(), ones.flatten(), rest + 1]
        return Start(torch.cat(centre), torch.cat(spread))

    def split(self, parameters: Tensor) -> Components:
        """The network's outputs (batch, outputs, ...) as logits, means, log-scales and couplings."""
        K, C = self.components, self.channels
        sizes = [K, C * K, C * K, self.couplings * K]
        logits, means, log_scales, coefficients = parameters.split(sizes, dim=1)
        return Components(
            logits,
            means.unflatten(1, (C, K)),
            self.bounded(log_scales).unflatten(1, (C, K)),
            torch.tanh(coefficients).unflatten(1, (self.couplings, K)) if self.couplings else coefficients,
        )

    def coupled(self, means: Tensor, coefficients: Tensor, x: Tensor) -> Tensor:
        """Means (batch, C, K, ...) shifted by the values x (batch, C, ...) of the channels before."""
        if not self.couplings:
            return means
        shifted = [means[:, 0]]
        for c in range(1, self.channels):
            start = c * (c - 1) // 2
            terms = coefficients[:, start : start + c] * x[:, :c].unsqueeze(2)
            shifted.append(means[:, c] + terms.sum(1))
        return torch.stack(shifted, 1)

    def log_prob(self, parameters: Tensor, levels: Tensor) -> Tensor:
        """Nats of every pixel, float32 or wider even under autocast.

        Args:
            parameters: outputs of the network, (batch, outputs, height, width).
            levels: integers 0..L-1, (batch, C, height, width).

        Returns:
            Log-probability of each pixel, all channels together, (batch, height, width).
        """
        with torch.autocast(parameters.device.type, enabled=False):
            p = self.split(parameters.to(torch.promote_types(parameters.dtype, torch.float32)))
            means = self.coupled(p.means, p.coefficients, self.values(levels, p.means.dtype))
            first, last = (levels == 0).unsqueeze(2), (levels == self.levels - 1).unsqueeze(2)
            # In units of a level the edges are whole or half numbers, exact, so that the masses add up to one.
            x, unit = levels.to(means.dtype).unsqueeze(2) - (self.levels - 1) / 2, 2 * self.delta
            mass = interval_log_mass(x, means / unit, p.log_scales - math.log(unit), first, last, 0.5)
            return torch.logsumexp(F.log_softmax(p.logits, 1) + mass.sum(1), 1)

    def noise(self, generator: Generator, shape: tuple[int, ...]) -> Noise:
        """Noise for draws of the given shape, in double precision, on the generator's device."""
        size = (*shape, self.components + self.channels)
        u = torch.rand(size, generator=generator, dtype=torch.float64, device=generator.device)
        u = u.clamp(1e-16, 1 - 1e-16)
        for_component, for_channels = u.split([self.components, self.channels], -1)
        return Noise(-torch.log(-torch.log(for_component)), torch.logit(for_channels))

    def levels_of(self, values: Tensor) -> Tensor:
        """The level, as a whole float, whose interval holds each value."""
        return torch.round((values + 1) * (0.5 / self.delta)).clamp(0, self.levels - 1)

    def draw(self, parameters: Tensor, noise: Noise) -> Tensor:
        """Levels (batch, C), as whole floats, of one pixel from its parameters (batch, outputs).

        The component is argmax(logits + Gumbel); each channel is mean + scale * logistic, rounded to its
        level before it shifts the channels after it.
        """
        p = self.split(parameters)
        k = (p.logits + noise.gumbel).argmax(1)[:, None, None]
        means, scales = p.means.take_along_dim(k, 2)[..., 0], p.log_scales.take_along_dim(k, 2)[..., 0].exp()
        couplings = p.coefficients.take_along_dim(k, 2)[..., 0] if self.couplings else p.coefficients
        levels: list[Tensor] = []
        values: list[Tensor] = []
        for c in range(self.channels):
            mean, start = means[:, c], c * (c - 1) // 2
            for d in range(c):
                mean = mean + couplings[:, start + d] * values[d]
            levels.append(self.levels_of(mean + scales[:, c] * noise.logistic[:, c]))
            values.append(self.values(levels[c], mean.dtype))
        return torch.stack(levels, 1)
