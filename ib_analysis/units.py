"""Conversion between nats, which all computations use, and bits, which tables and figures show."""

import math

NATS_PER_BIT = math.log(2.0)


def bits(nats: float) -> float:
    """Information in bits.

    >>> round(bits(math.log(8)), 12)
    3.0
    """
    return nats / NATS_PER_BIT


def nats(bits: float) -> float:
    """Information in nats.

    >>> round(nats(3.0) - math.log(8), 12)
    0.0
    """
    return bits * NATS_PER_BIT


def bits_per_dim(nats: float, dimensions: int) -> float:
    """Bits per dimension (sub-pixel) of an image.

    >>> round(bits_per_dim(64 * math.log(2), 64), 12)
    1.0
    """
    return bits(nats) / dimensions
