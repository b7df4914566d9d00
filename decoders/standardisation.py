"""h brought to mean 0 and standard deviation 1, so that a reader does not depend on the scale of a layer."""

import torch
from torch import Tensor, nn

from decoders.errors import ContextError

# A unit that varies less than this share of the liveliest one is dead in the sample: dividing by its own
# deviation would blow up its first sign of life, so the liveliest unit's is used.
_DEAD = 1e-4
# In a sample of n images no unit lies further than sqrt(n - 1) deviations away: 16 at 256, the usual sample. Beyond,
# the value grows as its logarithm: a unit that the sample saw asleep can lie at thousands.
_LARGEST = 20.0


class Standardisation(nn.Module):
    """(h - mean) / deviation by unit of a vector or by channel of a map; measured once.

    Values beyond +-20 grow as their logarithm, so that one unit that wakes up on a new image cannot drown all others
    (it cost a decoder 30,000 nats on one image of a plane); the function is one-to-one, so that h loses nothing.
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
        """Take mean and deviation from a sample of h, shape (batch, *context)."""
        self.check(h)
        axes = (0, *range(2, h.dim()))
        deviation, mean = torch.std_mean(h.double(), dim=axes, keepdim=True, correction=0)
        liveliest = deviation.max()
        deviation = torch.where(deviation > _DEAD * liveliest, deviation, liveliest)
        self.mean.copy_(mean[0])
        self.deviation.copy_(deviation[0] if liveliest > 0 else torch.ones_like(deviation[0]))

    def check(self, h: Tensor) -> None:
        """Raise ContextError where h is not (batch, *context)."""
        if tuple(h.shape[1:]) != self.context:
            raise ContextError(f"h has shape {tuple(h.shape[1:])}, the decoder was built for {self.context}")

    def forward(self, h: Tensor) -> Tensor:
        """Standardised h, same shape, in the precision of the decoder."""
        self.check(h)
        return self.squeeze((h.to(self.mean.dtype) - self.mean) / self.deviation)

    @staticmethod
    def squeeze(z: Tensor) -> Tensor:
        """z within -+20, and beyond that growing as the logarithm."""
        beyond = (z.abs() - _LARGEST).clamp(min=0)
        return z.clamp(-_LARGEST, _LARGEST) + z.sign() * beyond.log1p()
