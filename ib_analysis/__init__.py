"""ib-analysis: an information-bottleneck laboratory for networks, first of all residual ones.

Importing it loads neither numpy nor torch.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ib_analysis.information.measurement.estimate import Estimate

__all__ = ["estimate_information"]


def estimate_information(x: "ArrayLike", y: "ArrayLike", method: str = "ksg", **settings: Any) -> "Estimate":
    """I(x; y) in nats of paired samples, by one of the estimators that a configuration may name.

    >>> import numpy as np
    >>> x, noise = np.random.default_rng(0).normal(size=(2, 1000))
    >>> found = estimate_information(x, x + noise, k=5)
    >>> found.method, bool(abs(found.value - np.log(2) / 2) < 4 * found.stderr)
    ('ksg', True)

    Args:
        x: shape (n, ...): row i belongs to row i of y.
        y: shape (n, ...); integers (n,) where y is a class.
        method: a name of the table in workflow/config/README.md.
        settings: settings of the method; what is left out has its default.

    Raises:
        UserError: an unknown method or setting, or rows that do not belong together, too few, or not finite.
    """
    from ib_analysis.information.estimators.catalogue import estimator

    return estimator(method, **settings).estimate(x, y)
