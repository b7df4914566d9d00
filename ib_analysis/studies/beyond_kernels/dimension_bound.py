"""What a linear method needs at least, by the dimension argument: its error, its dimensions, its multiplications.

The concept class has every target that permutes the inputs, or turns the sign of G: F(x') + s alpha G(F(x')) with x' a
permutation of x and s = 1 or -1. G(F) is then, up to its sign, each product of `DEGREE` inputs, and these products are
orthogonal under uniform signs x.

A linear method predicts every output within a space V that is fixed before the target is: the span of K(x_1, .), ..,
K(x_N, .) for any kernel and N vectors, or of D features. The mean over s of the squared distance of F_i + s alpha G_i
from V is |P F_i|^2 + alpha^2 |P G_i|^2, with P the projection onto the complement of V. The squared lengths of the
projections of orthonormal functions onto V have a sum of at most dim V. So the mean over the class of |P G_i|^2 is at
least 1 - dim V / count, whatever the kernel: the lower bound of Allen-Zhu & Li 2019, for this class and exactly.
"""

from math import comb

from ib_analysis.studies.specs.beyond_kernels import threshold

DEGREE = 8
"""Inputs whose product is G_i(F(x)), up to its sign: four F_j of two inputs each."""


def orthogonal_targets(inputs: int) -> int:
    """Number of the mutually orthogonal functions that G_i(F) can be in the concept class.

    >>> orthogonal_targets(30)
    5852925
    """
    return comb(inputs, DEGREE)


def least_error(dimensions: int, outputs: int, alpha: float, inputs: int) -> float:
    """The least error of a linear method of so many dimensions, as a mean over the class.

    Args:
        dimensions: number of training vectors of a kernel method, or of features.
        outputs: k.
        alpha: weight of G(F) in the target.
        inputs: d.

    >>> round(least_error(1000, 15, 0.3, 30), 4)
    1.3498
    """
    return threshold(outputs, alpha) * max(0.0, 1 - dimensions / orthogonal_targets(inputs))


def least_dimensions(error: float, outputs: int, alpha: float, inputs: int) -> float:
    """The least number of training vectors, and of features, with which a linear method can have that error.

    >>> least_dimensions(0.0, 15, 0.3, 30), least_dimensions(1.35, 15, 0.3, 30)
    (5852925.0, 0.0)
    """
    return orthogonal_targets(inputs) * max(0.0, 1 - error / threshold(outputs, alpha))


def linear_multiplications(error: float, outputs: int, alpha: float, inputs: int) -> float:
    """Multiplications with which linear regression can have that error: each feature of each vector once an output.

    A mapping whose sums over features are computed without the features, as those of a kernel, needs as many vectors.
    """
    return outputs * least_dimensions(error, outputs, alpha, inputs) ** 2


def resnet_multiplications(inputs: int, outputs: int, width: int) -> int:
    """Multiplications of the three-layer ResNet for one vector: W x, A twice, and V out1.

    >>> resnet_multiplications(30, 15, 200)
    15000
    """
    return width * (inputs + 3 * outputs)
