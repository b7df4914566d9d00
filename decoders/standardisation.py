"""Standardisation of h to mean 0 and standard deviation 1, so that the scale of a layer does not matter."""

from typing import Any

import torch
from torch import Tensor, nn

from decoders.errors import ContextError

BLOCK = 64  # examples whose double precision is in memory at once

# A unit whose deviation is below this share of the largest counts as dead in the sample. It is divided by the largest
# deviation, because its own would magnify its first nonzero value without bound.
_DEAD = 1e-4
# In a sample of n images no value is further than sqrt(n - 1) deviations from the mean: 16 at the usual 256. A unit
# that was nearly constant in the sample may later lie thousands of deviations away.
_LARGEST = 20.0


class Standardisation(nn.Module):
    """(h - mean) / deviation for each unit of a vector or channel of a map; measured once.

    Values beyond +-20 grow logarithmically: one unit that first becomes active on a new image must not dominate all
    others (without this, one image of an information plane cost a decoder 30,000 nats). The function is one-to-one, so
    it preserves all information in h.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, context: tuple[int, ...]) -> None:
        super().__init__()
        self.context = tuple(context)
        shape = (context[0],) + (1,) * (len(context) - 1)
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("deviation", torch.ones(shape))

    @torch.no_grad()
    def measure(self, h: Tensor) -> None:
        """Set mean and deviation from a sample of h, (batch, *context)."""
        self.check(h)
        moments = _Moments()
        for block in h.split(BLOCK):
            moments.add(block.double(), dim=(0, *range(2, h.dim())), keepdim=True)
        deviation, mean = moments.std_mean()
        largest = deviation.max()
        deviation = torch.where(deviation > _DEAD * largest, deviation, largest)
        self.mean.copy_(mean[0])
        self.deviation.copy_(deviation[0] if largest > 0 else torch.ones_like(deviation[0]))

    def check(self, h: Tensor) -> None:
        """Raise ContextError unless h has shape (batch, *context)."""
        if tuple(h.shape[1:]) != self.context:
            raise ContextError(f"h has shape {tuple(h.shape[1:])}, the decoder was built for {self.context}")

    def forward(self, h: Tensor) -> Tensor:
        """Standardised h, of the same shape, in the precision of the decoder."""
        self.check(h)
        return self.squeeze((h.to(self.mean.dtype) - self.mean) / self.deviation)

    @staticmethod
    def squeeze(z: Tensor) -> Tensor:
        """z within -+20, logarithmic growth beyond."""
        beyond = (z.abs() - _LARGEST).clamp(min=0)
        return z.clamp(-_LARGEST, _LARGEST) + z.sign() * beyond.log1p()


class _Moments:
    """Mean and deviation over all parts of a sample, each as `torch.std_mean` gives it.

    Source: Chan, Golub & LeVeque 1983 (The American Statistician 37, 3), equation 2.1.
    """

    def __init__(self) -> None:
        self._of_parts: list[tuple[int, Tensor, Tensor]] = []

    def add(self, part: Tensor, **axes: Any) -> None:
        """Add a part; `axes` are those of `torch.std_mean`."""
        deviation, mean = torch.std_mean(part, correction=0, **axes)
        self._of_parts.append((part.numel() // mean.numel(), deviation, mean))

    def std_mean(self) -> tuple[Tensor, Tensor]:
        """Deviation and mean over all parts, in the precision of the parts."""
        dtype = self._of_parts[0][1].dtype
        counts = torch.tensor([count for count, _, _ in self._of_parts], dtype=torch.float64)
        weights = counts / counts.sum()
        deviations, means = (
            torch.stack([moment.double() for moment in moments]).movedim(0, -1)
            for moments in list(zip(*self._of_parts, strict=True))[1:]
        )
        weights = weights.to(means.device)
        mean = (weights * means).sum(-1)
        variance = (weights * (deviations.square() + (means - mean[..., None]).square())).sum(-1)
        return variance.sqrt().to(dtype), mean.to(dtype)
