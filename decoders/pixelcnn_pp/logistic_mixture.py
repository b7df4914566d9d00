"""The discretized mixture of logistics: an exactly normalised distribution of the levels of one pixel.

Level k of L has the value x = 2 k / (L - 1) - 1 and the interval x -+ delta, delta = 1 / (L - 1). The intervals of the
first and last level include the tails. One component is drawn for the whole pixel. Given the component, the channels
are logistic, and earlier channels shift the mean of channel c: m_c + sum over d < c of tanh(coefficient_cd) x_d.

With a = (x - delta - m) / s and b = (x + delta - m) / s the mass of an inner level is

    log P = log sigmoid(b) + log sigmoid(-a) + log(1 - exp(-2 delta / s)),

the exact logarithm of sigmoid(b) - sigmoid(a), without cancellation and without an approximate branch in the tails.
The first level has log sigmoid(b) and the last log sigmoid(-a), so the masses sum to one.

Source: Salimans et al. 2017, sections 2.1 and 2.2 (equations 2 and 3).
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from decoders.pixelcnn_pp.fused_layers import runs_in_c
from decoders.pixelcnn_pp.fused_mixture import FusedMixture, MixtureSizes

HALF_INTERVALS_IN_SMALLEST_SCALE = 12.0  # mass 1 - 2 sigmoid(-12): at most 1.8e-5 bits lost per sub-pixel
FIRST_MEANS = 0.5  # components start at different means, within half a standard deviation
MOST_COMPONENTS = 256  # in C, which keeps some numbers of each on the stack
LARGEST_LOG_SCALE = (
    12.0  # far above that of any image (values lie in [-1, 1]); keeps 2 delta / s above rounding
)


class Components(NamedTuple):
    """The mixture at each pixel: (batch, K, ...) logits, (batch, C, K, ...) means and log-scales."""

    logits: Tensor
    means: Tensor
    log_scales: Tensor
    coefficients: Tensor


class Start(NamedTuple):
    """Mean and deviation of each output of the network before the fit, (outputs,) each."""

    centre: Tensor
    spread: Tensor


class Noise(NamedTuple):
    """Noise of one draw: Gumbel (..., K) for the component, logistic (..., C) for the channels."""

    gumbel: Tensor
    logistic: Tensor


def interval_log_mass(
    x: Tensor, means: Tensor, log_scales: Tensor, first: Tensor, last: Tensor, delta: float
) -> Tensor:
    """Log of a logistic's mass on x -+ delta, all in one unit; `first` and `last` mark levels with a tail."""
    inverse_scale = torch.exp(-log_scales)
    # The edge is computed first: where x - delta and x + delta are exact, neighbours share an edge to the last bit.
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
        """Number of parameters per pixel: K (1 + 2 C + C (C - 1) / 2)."""
        return self.components * (1 + 2 * self.channels + self.couplings)

    @property
    def couplings(self) -> int:
        """Number of pairs (channel, earlier channel)."""
        return self.channels * (self.channels - 1) // 2

    @property
    def delta(self) -> float:
        """Half the interval of a level."""
        return 1.0 / (self.levels - 1)

    @property
    def smallest_log_scale(self) -> float:
        """Floor of the log-scales, log(delta / 12), whose cost in nats does not depend on the number of levels."""
        return math.log(self.delta / HALF_INTERVALS_IN_SMALLEST_SCALE)

    def values(self, levels: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        """Levels 0..L-1 as values in [-1, 1]."""
        return levels.to(dtype) * (2 * self.delta) - 1

    def bound_log_scales(self, log_scales: Tensor) -> Tensor:
        """Keep log-scales above their floor by a softplus, whose gradient does not vanish at the floor."""
        floor = self.smallest_log_scale
        return floor + F.softplus((log_scales - floor).clamp(max=LARGEST_LOG_SCALE - floor))

    def start(self, levels: Tensor) -> Start:
        """Initial outputs of the network, from the mean and deviation of each channel.

        A logistic of deviation s has scale s sqrt(3) / pi. The deviation is at least that of a uniform distribution
        on the interval of a level (its variance is 1/12 of a squared level). Otherwise a channel that is constant in
        this batch would cost thousands of nats on the first image where it is not.

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
        """Split the outputs of the network (batch, outputs, ...) into logits, means, log-scales and couplings."""
        K, C = self.components, self.channels
        sizes = [K, C * K, C * K, self.couplings * K]
        logits, means, log_scales, coefficients = parameters.split(sizes, dim=1)
        return Components(
            logits,
            means.unflatten(1, (C, K)),
            self.bound_log_scales(log_scales).unflatten(1, (C, K)),
            torch.tanh(coefficients).unflatten(1, (self.couplings, K)) if self.couplings else coefficients,
        )

    def couple(self, means: Tensor, coefficients: Tensor, x: Tensor) -> Tensor:
        """Shift the means (batch, C, K, ...) by the values x (batch, C, ...) of earlier channels."""
        if not self.couplings:
            return means
        shifted = [means[:, 0]]
        for c in range(1, self.channels):
            start = c * (c - 1) // 2
            terms = coefficients[:, start : start + c] * x[:, :c].unsqueeze(2)
            shifted.append(means[:, c] + terms.sum(1))
        return torch.stack(shifted, 1)

    def log_prob(self, parameters: Tensor, levels: Tensor) -> Tensor:
        """Log-probability of every pixel in nats, in float32 or wider even under autocast.

        In C it has one gradient, by `backward`: neither a second one nor the transforms of `torch.func`.

        Args:
            parameters: outputs of the network, (batch, outputs, height, width).
            levels: integers 0..L-1, (batch, C, height, width).

        Returns:
            Log-probability of each pixel over all channels, (batch, height, width).
        """
        with torch.autocast(parameters.device.type, enabled=False):
            parameters = parameters.to(torch.promote_types(parameters.dtype, torch.float32))
            if self.is_in_c(parameters) and self._fit_together(parameters, levels):
                return self._log_prob_in_c(parameters, levels)
            return self.literal_log_prob(parameters, levels)

    def is_in_c(self, parameters: Tensor) -> bool:
        """Whether the log-probability of such parameters is one call in C."""
        few = self.components <= MOST_COMPONENTS
        return few and parameters.dtype == torch.float32 and runs_in_c(parameters)

    def _fit_together(self, parameters: Tensor, levels: Tensor) -> bool:
        """Whether C may read them; torch broadcasts what is left, or refuses it."""
        if parameters.dim() != 4 or parameters.shape[1] != self.outputs or levels.device != parameters.device:
            return False
        return levels.shape == (len(parameters), self.channels, *parameters.shape[2:])

    def literal_log_prob(self, parameters: Tensor, levels: Tensor) -> Tensor:
        """`log_prob` in torch operations, in the precision of the parameters."""
        p = self.split(parameters)
        means = self.couple(p.means, p.coefficients, self.values(levels, p.means.dtype))
        first, last = (levels == 0).unsqueeze(2), (levels == self.levels - 1).unsqueeze(2)
        # In units of a level the edges are exact multiples of 1/2, so the masses sum to one.
        x, unit = levels.to(means.dtype).unsqueeze(2) - (self.levels - 1) / 2, 2 * self.delta
        mass = interval_log_mass(x, means / unit, p.log_scales - math.log(unit), first, last, 0.5)
        return torch.logsumexp(F.log_softmax(p.logits, 1) + mass.sum(1), 1)

    def _log_prob_in_c(self, parameters: Tensor, levels: Tensor) -> Tensor:
        batch, _, height, width = parameters.shape
        floor, unit = self.smallest_log_scale, 2 * self.delta
        sizes = MixtureSizes(
            batch=batch,
            channels=self.channels,
            components=self.components,
            levels=self.levels,
            pixels=height * width,
            threads=torch.get_num_threads(),
            floor=floor,
            ceiling=LARGEST_LOG_SCALE - floor,
            log_unit=math.log(unit),
        )
        differentiates = torch.is_grad_enabled() and parameters.requires_grad
        log_prob: Tensor = FusedMixture.apply(sizes, differentiates, parameters, levels)
        return log_prob

    def noise(self, generator: Generator, shape: tuple[int, ...]) -> Noise:
        """Noise for draws of the given shape, in float64, on the device of the generator."""
        size = (*shape, self.components + self.channels)
        u = torch.rand(size, generator=generator, dtype=torch.float64, device=generator.device)
        u = u.clamp(1e-16, 1 - 1e-16)
        for_component, for_channels = u.split([self.components, self.channels], -1)
        return Noise(-torch.log(-torch.log(for_component)), torch.logit(for_channels))

    def levels_of(self, values: Tensor) -> Tensor:
        """The level whose interval contains each value, as a whole float."""
        return torch.round((values + 1) * (0.5 / self.delta)).clamp(0, self.levels - 1)

    def draw(self, parameters: Tensor, noise: Noise) -> Tensor:
        """Levels (batch, C), as whole floats, of one pixel from its parameters (batch, outputs).

        The component is argmax(logits + Gumbel). Each channel is mean + scale * logistic, rounded to its level before
        it shifts the later channels.
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
