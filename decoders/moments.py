"""Mean and deviation of data that come in parts."""

from typing import Any

import torch
from torch import Tensor


class Moments:
    """Mean and deviation over all parts, each as `torch.std_mean` gives it; of one part, its own to the last bit.

    Source: Chan, Golub & LeVeque 1983 (The American Statistician 37, 3), equation 2.1.
    """

    def __init__(self) -> None:
        self._of_parts: list[tuple[int, Tensor, Tensor]] = []

    @property
    def parts(self) -> int:
        """How many parts were added."""
        return len(self._of_parts)

    def add(self, part: Tensor, **axes: Any) -> None:
        """Add a part; `axes` are those of `torch.std_mean`."""
        deviation, mean = torch.std_mean(part, correction=0, **axes)
        self._of_parts.append((part.numel() // mean.numel(), deviation, mean))

    def std_mean(self) -> tuple[Tensor, Tensor]:
        """Deviation and mean over all parts, in the precision of the parts."""
        if len(self._of_parts) == 1:
            return self._of_parts[0][1:]
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
