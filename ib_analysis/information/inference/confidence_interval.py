"""The confidence interval of a mean over images."""

from functools import lru_cache

# Not scipy.stats, whose import takes two thirds of a second, in every job of a study.
from scipy.special import stdtrit

from ib_analysis.errors import UserError

LEVEL = 0.95


def confidence_interval(value: float, stderr: float, n: int, *, level: float = LEVEL) -> tuple[float, float]:
    """value -+ t stderr, with t the (1 + level) / 2 quantile of Student's t of n - 1 degrees of freedom.

    Exact for Gaussian nats (Student 1908) and asymptotically right for any with a variance. The quantile is
    1.984 at n = 100 and 1.961 at n = 2000, where the normal law has 1.960: what the estimated deviation costs.
    How often it covers on images whose information is known: `docs/validation.md`.

    Args:
        value: the mean, in any unit.
        stderr: its standard error over images, in the same unit.
        n: images, at least two.
        level: probability of covering the truth.

    Raises:
        UserError: a level outside (0, 1) or fewer than two images.

    >>> low, high = confidence_interval(10.0, 2.0, 3)
    >>> round(low, 3), round(high, 3)
    (1.395, 18.605)
    """
    half = student_quantile(level, n) * stderr
    return value - half, value + half


@lru_cache(maxsize=64)
def student_quantile(level: float, n: int) -> float:
    """Standard errors to each side of a mean over n images that cover with probability `level`.

    >>> round(student_quantile(0.95, 100), 3)
    1.984
    """
    check_level(level)
    if n < 2:
        raise UserError(f"n: {n} images have no confidence interval; evaluate two or more.")
    return float(stdtrit(n - 1, (1.0 + level) / 2.0))


def check_level(level: float) -> None:
    """Raise a UserError unless it is a probability strictly between 0 and 1."""
    if not 0.0 < level < 1.0:
        raise UserError(f"level: {level:g} is no confidence level; choose one between 0 and 1, such as 0.95.")
