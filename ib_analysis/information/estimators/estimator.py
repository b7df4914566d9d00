"""Interface of all estimators of mutual information from samples: estimate(x, y) -> Estimate."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.arrays import rows_of_numbers
from ib_analysis.information.measurement.estimate import Bound, Estimate
from ib_analysis.information.measurement.quantity import Quantity


@dataclass(frozen=True)
class Estimator(ABC):
    """A method with its settings; the fields of the dataclass are the settings.

    `reference` is the paper, `assumptions` one sentence on the conditions under which the estimate is valid, `bound`
    the kind of bound. Values are in nats.
    """

    name: ClassVar[str]
    reference: ClassVar[str]
    assumptions: ClassVar[str]
    bound: ClassVar[Bound]

    def estimate(
        self, x: ArrayLike, y: ArrayLike, quantity: Quantity = Quantity.MUTUAL_INFORMATION
    ) -> Estimate:
        """I(x; y) of paired samples, with its standard error.

        Args:
            x: shape (n, ...): row i belongs to row i of y.
            y: shape (n, ...); integers (n,) where y is a class.
            quantity: names x and y in the result.

        Raises:
            UserError: rows that do not belong together, or that `rows_of_numbers` refuses.
        """
        a, b = rows_of_numbers(x, "x"), rows_of_numbers(y, "y")
        if len(a) != len(b):
            raise UserError(f"x has {len(a)} rows and y {len(b)}: row i of x must belong to row i of y.")
        return self._estimate(a, b, quantity)

    @abstractmethod
    def _estimate(self, x: NDArray[np.float64], y: NDArray[np.float64], quantity: Quantity) -> Estimate:
        """The estimate of checked rows (n, features of x) and (n, features of y)."""

    def result(
        self, value: float, stderr: float, n: int, quantity: Quantity, warnings: tuple[str, ...] = ()
    ) -> Estimate:
        """The record, in nats."""
        return Estimate(
            quantity=quantity,
            value=value,
            stderr=stderr,
            n=n,
            method=self.name,
            bound=self.bound,
            warnings=warnings,
        )
