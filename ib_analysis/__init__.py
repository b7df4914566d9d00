"""ib-analysis: an information-bottleneck laboratory for networks, first of all residual ones.

Importing it loads neither numpy nor torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike
    from torch import nn

    from ib_analysis.encoders.specs.torch_module import PreprocessSpec as Preprocess
    from ib_analysis.in_process.analysis import analyse
    from ib_analysis.information.measurement.estimate import Estimate

__all__ = ["Preprocess", "analyse", "describe_taps", "estimate_information"]
LOADED_WHEN_NAMED = {
    "Preprocess": "ib_analysis.encoders.specs.torch_module:PreprocessSpec",
    "analyse": "ib_analysis.in_process.analysis:analyse",
}


def __getattr__(name: str) -> Any:
    if name not in LOADED_WHEN_NAMED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, found = LOADED_WHEN_NAMED[name].partition(":")
    return getattr(import_module(module), found)


def describe_taps(model: "nn.Module", shape: "Sequence[int]") -> str:
    """A table of every place in a network where h can be read, as text.

    Args:
        model: the network; it is not changed.
        shape: of what it reads, as (3, 32, 32).

    Raises:
        UserError: it does not accept images of this shape.
    """
    from ib_analysis.encoders.torch_module.build import unwrapped
    from ib_analysis.encoders.torch_module.objects import copied_network
    from ib_analysis.list_taps import listed

    return listed(copied_network(unwrapped(model)).eval(), tuple(shape))


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
