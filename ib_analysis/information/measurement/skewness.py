"""A warning where few images carry the variance, so that the interval of a mean covers too rarely."""

import numpy as np
from numpy.typing import ArrayLike

from ib_analysis.information.measurement.nats import per_image

IMAGES_PER_SQUARED_SKEWNESS = 25.0
ROUNDING = 1e-12
"""A spread below this share of the values comes from rounding, and its skewness means nothing."""


def images_needed(contributions: ArrayLike) -> float:
    """25 g^2 with g = m_3 / m_2^(3/2) the skewness over images: where value -+ t stderr may be trusted.

    Cochran's rule: with at least that many images a 95 % interval misses in at most about 6 % (Sampling Techniques, 3rd
    edition 1977, section 2.15; derived by Sugden, Smith & Jones 2000, Journal of the Royal Statistical Society B 62,
    787). It matters for I(y;h) of a classifier with rare but large errors. The rule depends on the evaluation images:
    where none of them shows the rare event, neither the skewness nor the interval contains it.

    Args:
        contributions: marginal less conditional nats, shape (images,).

    Raises:
        UserError: fewer than two images, or values that are not finite.

    >>> images_needed([0.0, 0.0, 0.0, 1.0, 1.0, 1.0])
    0.0
    """
    values = per_image(contributions, "contributions")
    centred = values - values.mean()
    variance = float((centred**2).mean())
    if variance <= (ROUNDING * float(np.abs(values).max())) ** 2:
        return 0.0
    skewness = float((centred**3).mean()) / variance**1.5
    return IMAGES_PER_SQUARED_SKEWNESS * skewness**2


def skewness_warning(contributions: ArrayLike) -> tuple[str, ...]:
    """A sentence where there are fewer images than `images_needed`, else nothing."""
    n, needed = len(np.asarray(contributions)), images_needed(contributions)
    if n >= needed:
        return ()
    return (
        f"Few of the {n:,} images carry most of the variance: the standard error may be too small; "
        f"evaluate {int(np.ceil(needed)):,} images or more.",
    )
