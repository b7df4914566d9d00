"""Levels pixel by pixel: `LogisticMixture.draw` with all constants folded into the head.

In units of levels, a channel is m + n s_min (1 + exp z), with n its logistic noise and z its log-scale above the floor.
The noise of a row is known before the row: the Gumbel noise is added to the bias of the logits, and n s_min to the bias
of the means.
"""

import math
from functools import partial

import torch
from torch import Tensor

from decoders.pixelcnn_pp.cached_streams import Grid, taps
from decoders.pixelcnn_pp.causal_convolution import Pointwise
from decoders.pixelcnn_pp.logistic_mixture import LogisticMixture
from decoders.pixelcnn_pp.sampling_operations import (
    DRAW,
    Elu,
    Product,
    Program,
    Record,
    SamplingOperation,
    record,
)


class PixelDraw:
    """The head and the draw, with their buffers for the noise of a row of `width` pixels.

    Args:
        mixture: interprets the outputs of the head.
        head: reads the last map of the horizontal stream.
        of_h: context weights of the head, (outputs, context filters, 1, 1); None for an unconditional decoder.
        width: pixels of a row.
        grid: sizes of the buffers.
    """

    def __init__(
        self, mixture: LogisticMixture, head: Pointwise, of_h: Tensor | None, width: int, grid: Grid
    ) -> None:
        self.mixture = mixture
        K, C, P, N, new = (
            mixture.components,
            mixture.channels,
            mixture.outputs,
            grid.images,
            grid.like.new_zeros,
        )
        self.means, self.log_scales = slice(K, K * (1 + C)), slice(K * (1 + C), K * (1 + 2 * C))
        self.middle = (mixture.levels - 1) / 2
        # (channel, earlier channel), sorted by the earlier one: the effects of one channel are then contiguous.
        self.pairs = [(c, d) for d in range(C) for c in range(d + 1, C)]
        self.weight, self.bias = self._fold(taps(head, 0)[0], head.bias)
        self.of_h = None if of_h is None else self._fold(of_h.detach().flatten(1).t(), head.bias)[0]
        self.biases, self.noise = new(width, N, P), new(width, N, C)
        self.activated, self.parameters = new(N, grid.filters), new(N, P)
        self.component = new((N, 1), dtype=torch.int64)
        self.chosen = new(N, P // K - 1)
        self.scales, self.values, self.couplings = new(N, C), new(N, C), new(N, mixture.couplings)
        self.centring = self._centring()  # an attribute, because a captured graph holds only its address

    def _fold(self, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """The head in units of levels, log-scales above their floor, couplings by the earlier channel."""
        K = self.mixture.components
        start = self.log_scales.stop
        firsts = [start + K * (c * (c - 1) // 2 + d) for c, d in self.pairs]
        order = [*range(start), *(first + k for first in firsts for k in range(K))]
        weight, bias = weight[:, order].clone(), bias[order].clone()
        weight[:, self.means] *= self.middle
        bias[self.means] = (bias[self.means] + 1) * self.middle
        bias[self.log_scales] -= self.mixture.smallest_log_scale
        return weight, bias

    def load(self, gumbel: Tensor, logistic: Tensor, s: Tensor | None) -> None:
        """Load the noise of a row, (columns, images, K) and (columns, images, C), and its context map.

        s: (images, columns of the padded image, context filters).
        """
        m = self.mixture
        gumbel, logistic = gumbel.to(self.biases.device), logistic.to(self.noise.device)
        self.noise.copy_(logistic * (self.middle * math.exp(m.smallest_log_scale)))
        self.biases.copy_(self.bias.expand_as(self.biases))
        if self.of_h is not None and s is not None:
            self.biases += (s[:, : len(self.biases)] @ self.of_h).transpose(0, 1)
        self.biases[..., : m.components] += gumbel.to(self.biases)
        self.biases[..., self.means].unflatten(-1, (m.channels, m.components)).add_(self.noise[..., None])

    def pixel(self, c: int, last_map: Tensor, levels: Tensor) -> Program:
        """Program: levels (images, channels) of column c, from the last map of the horizontal stream there."""
        return [
            Elu(last_map, self.activated),
            Product(self.biases[c], self.activated, self.weight, self.parameters),
            Draw(self, c, levels),
        ]

    def levels_of(self, c: int, levels: Tensor) -> Program:
        """Program: levels of column c from the parameters, in torch operations."""
        K, C = self.mixture.components, self.mixture.channels
        others = self.parameters[:, K:].unflatten(1, (-1, K))
        index = self.component[:, :, None].expand(-1, others.shape[1], 1)
        return [
            partial(torch.argmax, self.parameters[:, :K], 1, True, out=self.component),
            partial(torch.gather, others, 2, index, out=self.chosen[:, :, None]),
            partial(torch.exp, self.chosen[:, C : 2 * C], out=self.scales),
            partial(torch.addcmul, self.chosen[:, :C], self.noise[c], self.scales, out=self.values),
            *self._channels(levels),
        ]

    def _channels(self, levels: Tensor) -> Program:
        """Program: round each channel to its level before it shifts the later channels."""
        C, top = self.mixture.channels, self.mixture.levels - 1
        program: Program = []
        if C > 1:
            program.append(partial(torch.tanh, self.chosen[:, 2 * C :], out=self.couplings))
            program.append(partial(self.values.addmm_, self.couplings, self.centring))
        used = 0
        for c in range(C):
            level, later = levels[:, c : c + 1], C - 1 - c
            program += [partial(torch.clamp, self.values[:, c : c + 1], 0, top, out=level), level.round_]
            if later:
                shift = self.couplings[:, used : used + later]
                program.append(partial(self.values[:, c + 1 :].addcmul_, shift, level))
            used += later
        return program

    def _centring(self) -> Tensor:
        """Correction for each coupling: couplings act on values centred at 0, and levels start at 0."""
        shift = self.couplings.new_zeros(len(self.pairs), self.mixture.channels)
        for i, (c, _) in enumerate(self.pairs):
            shift[i, c] = -self.middle
        return shift


class Draw(SamplingOperation):
    """Levels of column c from the parameters of a `PixelDraw`."""

    def __init__(self, draws: PixelDraw, c: int, levels: Tensor) -> None:
        self.draws, self.noise, self.levels = draws, draws.noise[c], levels
        self.program = draws.levels_of(c, levels)

    def __call__(self) -> None:
        """Run it in torch operations."""
        for operation in self.program:
            operation()

    def tensors(self) -> tuple[Tensor, ...]:
        """Every buffer that it reads or writes."""
        return self.draws.parameters, self.noise, self.levels

    def records(self, packed: dict[int, Tensor]) -> list[Record]:
        """The operation as records for C."""
        mixture, parameters = self.draws.mixture, self.draws.parameters
        K, C, middle, top = mixture.components, mixture.channels, self.draws.middle, mixture.levels - 1
        return [record(DRAW, parameters, self.levels, K, C, known=self.noise, middle=middle, top=top)]
