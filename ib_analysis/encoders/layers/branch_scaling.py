"""Scales of residual branches that keep a network of any depth stable (Hayou et al. 2021, Stable ResNet)."""

import math

from ib_analysis.encoders.specs.encoder import Scaling


def branch_scales(scheme: Scaling, blocks: int) -> tuple[float, ...]:
    """The factors lambda_l in y + lambda_l F(y) for the blocks l = 1..L, counted through the whole network.

        none: 1        uniform: 1 / sqrt(L)        decreasing: 1 / (sqrt(l) log(l + 1))

    Under `uniform` and `decreasing` the sum of lambda_l^2 stays bounded in L, which makes the network stable. The
    first factor of `decreasing` exceeds 1: it is 1 / log 2.

    >>> branch_scales("uniform", 4)
    (0.5, 0.5, 0.5, 0.5)
    >>> [round(scale, 3) for scale in branch_scales("decreasing", 3)]
    [1.443, 0.644, 0.416]
    """
    if scheme == "none":
        return (1.0,) * blocks
    if scheme == "uniform":
        return (1 / math.sqrt(blocks),) * blocks
    return tuple(1 / (math.sqrt(block) * math.log(block + 1)) for block in range(1, blocks + 1))
