"""I(x; h + noise) of wide layers: noise, then lossy compression of both sides, then nearest neighbours."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.distinct_rows import is_class
from ib_analysis.information.estimators.estimator import Estimator
from ib_analysis.information.estimators.gaussian_kernels import NOISE_STREAM, check_noise
from ib_analysis.information.estimators.half_samples import SPLITS, check_splits
from ib_analysis.information.estimators.ksg import KSG
from ib_analysis.information.estimators.neighbour_distances import check_neighbours
from ib_analysis.information.estimators.ross import Ross
from ib_analysis.information.measurement.estimate import Bound, Estimate
from ib_analysis.information.measurement.quantity import Quantity

MUCH_LOST = 0.5


@dataclass(frozen=True)
class CompressedNoise(Estimator):
    """Information between the first principal components of x and those of h + N(0, noise^2 I).

    Noise makes the information finite, and compression makes it estimable. By the data-processing inequality I(c(x);
    d(h + n)) <= I(x; h + n) (Butakov et al. 2024, with compression by PCA or by an autoencoder). The compressed pair
    goes to `KSG`, and with labels, called with (h, labels), to `Ross`.

    It is a lower bound where the nearest-neighbour estimate is right on so few dimensions: for modest information only
    (see `KSG`, which is too low where the information is large). It does not contain the information outside the
    components. A warning gives the share of the variance that they keep where it is below one half. The value is a
    function of `noise` and of the scale of h.

    The standard error is by half-samples at fixed components.

    Attributes:
        x_components: number of principal components of x.
        h_components: number of principal components of h + noise.
        noise: standard deviation of the noise, in the units of h.
        k: number of the neighbour.
        splits: halvings for the standard error; each costs about as much as the value.
        seed: of the noise, and of the halvings.
    """

    name: ClassVar[str] = "compressed_noise"
    reference: ClassVar[str] = "Butakov et al. 2024 (arXiv 2305.08013)"
    assumptions: ClassVar[str] = (
        "What x and h share lies in their first principal components, and h is read through noise."
    )
    bound: ClassVar[Bound] = Bound.LOWER

    x_components: int = 4
    h_components: int = 4
    noise: float = 0.1
    k: int = 3
    splits: int = SPLITS
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse settings that cannot run.

        Raises:
            UserError: naming the setting.
        """
        check_noise(self.noise)
        check_neighbours(self.k)
        check_splits(self.splits)
        for name, kept in (("x_components", self.x_components), ("h_components", self.h_components)):
            if kept < 1:
                raise UserError(f"{name} is {kept}: keep 1 or more.")

    def _estimate(self, x: NDArray[np.float64], y: NDArray[np.float64], quantity: Quantity) -> Estimate:
        if quantity is Quantity.LABEL_INFORMATION or (
            quantity is not Quantity.IMAGE_INFORMATION and is_class(y) and not is_class(x)
        ):
            h, warnings = self._compressed_h(x)
            found = Ross(k=self.k, splits=self.splits, seed=self.seed).estimate(h, y, quantity)
        else:
            u, kept = principal_components(x, self.x_components)
            h, warnings = self._compressed_h(y)
            warnings += _kept_warning(kept, "x")
            found = KSG(k=self.k, splits=self.splits, seed=self.seed).estimate(u, h, quantity)
        return self.result(found.value, found.stderr, found.n, quantity, (*warnings, *found.warnings))

    def _compressed_h(self, h: NDArray[np.float64]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
        noisy = h + self.noise * np.random.default_rng((self.seed, NOISE_STREAM)).standard_normal(h.shape)
        components, kept = principal_components(noisy, self.h_components)
        return components, _kept_warning(kept, "h + noise")


def _kept_warning(kept: float, name: str) -> tuple[str, ...]:
    if kept >= MUCH_LOST:
        return ()
    return (f"The components kept of {name} hold {kept:.0%} of its variance: the rest is not in the value.",)


def principal_components(rows: NDArray[np.float64], most: int) -> tuple[NDArray[np.float64], float]:
    """Coordinates of the rows on the directions of most variance, (n, most) or fewer, and the share of it kept.

    >>> components, kept = principal_components(np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]), 1)
    >>> np.abs(components[:, 0]).round(4).tolist(), round(kept, 9)
    ([1.4142, 0.0, 1.4142], 1.0)

    Raises:
        UserError: all rows are equal.
    """
    centred = rows - rows.mean(0)
    n, d = centred.shape
    total = float((centred**2).sum())
    if total == 0.0:
        raise UserError("all rows are equal: they have no components and tell nothing of anything.")
    size, kept = min(n, d), min(most, n - 1, d)
    square = centred.T @ centred if d <= n else centred @ centred.T
    values, vectors = eigh(square, subset_by_index=[size - kept, size - 1])
    values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
    # Of X'X the vectors are the directions; of XX' they are the coordinates divided by their lengths.
    components = centred @ vectors if d <= n else vectors * np.sqrt(values)
    return components, float(values.sum() / total)
