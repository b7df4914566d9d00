"""The gated residual layer of PixelCNN++: x + a sigmoid(b).

Source: Salimans et al. 2017, section 2.5; van den Oord et al. 2016 (arXiv 1606.05328), equation 5, for the
conditioning term.
"""

import torch
from torch import nn

from decoders.pixelcnn_pp.causal_convolution import Pointwise, WeightNormalizedConvolution, mix_channels
from decoders.pixelcnn_pp.fused_layers import concat_elu, gate
from decoders.pixelcnn_pp.network_pass import Map, RecordedMap


class GatedResnet(nn.Module):
    """x + a sigmoid(b), (a, b) = conv(drop(concat_elu(conv(concat_elu(x)) + 1x1(concat_elu(skips))))) + V s.

    Args:
        filters: channels of x and of each skip.
        convolution: the causal convolution of the stream.
        skips: number of maps read at the same pixel (from the other stream, from the way down).
        dropout: element-wise, before the second convolution.
        context_filters: channels of s; 0 for an unconditional decoder.
    """

    def __init__(
        self,
        filters: int,
        convolution: type[WeightNormalizedConvolution],
        skips: int,
        dropout: float,
        context_filters: int,
    ) -> None:
        super().__init__()
        self.first = convolution(2 * filters, filters)
        self.skip = Pointwise(2 * filters * skips, filters) if skips else None
        self.second = convolution(2 * filters, 2 * filters, initial_scale=0.1)
        self.dropout = dropout
        # Zeros use no random numbers: a new conditional decoder equals the unconditional one.
        zeros = torch.zeros(2 * filters, context_filters, 1, 1)
        self.context = nn.Parameter(zeros) if context_filters else None

    def forward(self, x: Map, skips: tuple[Map, ...] = (), s: Map | None = None) -> Map:
        """Shapes: x and skips (batch, filters, height, width), s (batch, context filters, height, width).

        In a recorded pass they are recorded maps, and so is the result.
        """
        dropout = self.dropout if self.training else 0.0
        context = self.context if s is not None else None
        if isinstance(x, RecordedMap):
            layers = [self.first, self.second, *([] if self.skip is None else [self.skip])]
            return x.recording.add_gated(layers, context, dropout, x, skips, s)
        c = self.first(concat_elu((x,), self.first.margin))
        of_skips = None if self.skip is None else self.skip(concat_elu(skips))
        c = self.second(concat_elu((c,), self.second.margin, dropout, of_skips))
        if context is not None and s is not None:
            c = mix_channels(s, context, start=c)
        return gate(c, x)
