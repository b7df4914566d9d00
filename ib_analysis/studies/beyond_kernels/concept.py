"""The target function H(x) = F(x) + alpha G(F(x)) on vectors of signs."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ib_analysis.studies.specs.beyond_kernels import OUTPUTS, Version


@dataclass(frozen=True)
class Concept:
    """H = F + alpha G(F), F_i(x) = x_{2i-1} x_{2i} (Allen-Zhu & Li 2019, the experiment).

    G_i(y) = (-1)^i y_1 y_2 y_3 y_4 in the final version; y_1 y_2 y_3 y_4 for odd i and y_5 y_6 y_7 y_8 for even i in
    version 2. F has degree 2 in x, G(F) degree 8. Every coordinate of F and of G(F) is a uniform sign. The F_j are
    mutually uncorrelated, and each G_i is uncorrelated with every F_j, so G is not a linear function of F. The G_i are
    correlated with each other: in the final version they are one bit up to sign, in version 2 two bits.

    >>> one_x = Concept("final", 0.3).draw(1, torch.Generator().manual_seed(0))
    >>> sorted(Concept("final", 0.3).second(one_x).unique().tolist())
    [-1.0, 1.0]
    """

    version: Version
    alpha: float
    inputs: int = 30

    @property
    def outputs(self) -> int:
        """k."""
        return OUTPUTS[self.version]

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Draws uniform vectors of signs, (count, inputs), float32."""
        return 2.0 * torch.randint(0, 2, (count, self.inputs), generator=generator) - 1.0

    def first(self, x: Tensor) -> Tensor:
        """F(x), shape (..., k)."""
        pairs = x[..., : 2 * self.outputs]
        return pairs[..., 0::2] * pairs[..., 1::2]

    def second(self, x: Tensor) -> Tensor:
        """G(F(x)), shape (..., k)."""
        y = self.first(x)
        number = torch.arange(1, self.outputs + 1, device=x.device)
        product = y[..., :4].prod(-1, keepdim=True)
        if self.version == "final":
            return torch.where(number % 2 == 0, 1.0, -1.0) * product
        return torch.where(number % 2 == 0, y[..., 4:8].prod(-1, keepdim=True), product)

    def __call__(self, x: Tensor) -> Tensor:
        """H(x), shape (..., k)."""
        return self.first(x) + self.alpha * self.second(x)
