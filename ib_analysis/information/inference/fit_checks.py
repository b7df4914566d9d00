"""What speaks against a number: fits that stopped short, information that contradicts other information."""

from dataclasses import dataclass

from ib_analysis.information.inference.confidence_interval import LEVEL

# Of the information of a point, what the last quarter of a fit may still have brought.
LATE_SHARE = 0.02
SURE = 2.0


@dataclass(frozen=True)
class Interval:
    """A 95 % interval of an information, in any one unit."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether the value lies inside, ends included."""
        return self.low <= value <= self.high


def near_plateau(
    late_gain: float, late_gain_stderr: float, information: float, information_stderr: float
) -> bool:
    """Whether what the last quarter of the steps brought is small beside the information that the fit is for.

    It is where the gain is at most one standard error of the information or 2 % of it, or cannot be told from none (2
    standard errors of its own). Beside the cross-entropy, of which the information may be a hundredth, every fit would
    pass.

    Args:
        late_gain: held-out nats that the last quarter of the steps brought.
        late_gain_stderr: its standard error.
        information: of the point, in nats.
        information_stderr: its standard error, over images and fits.

    >>> near_plateau(1.5, 0.1, 22.0, 0.4), near_plateau(0.3, 0.1, 22.0, 0.4)
    (False, True)
    """
    tolerance = max(information_stderr, LATE_SHARE * abs(information))
    return late_gain <= tolerance or late_gain <= SURE * late_gain_stderr


def contradictions(
    information: Interval, label_low: float | None = None, ceiling: float | None = None
) -> tuple[str, ...]:
    """Sentences on what cannot be true together; none where all of it can.

    The label is a function of the image, so that I(x;h) >= I(y;h) (data processing). I(x;h) <= H(h), which is finite
    where h is discrete or quantized.

    Args:
        information: of the image in h.
        label_low: the lower end of the interval of I(y;h), in the same unit.
        ceiling: H(h), where there is one.

    >>> contradictions(Interval(1.0, 1.8), label_low=2.1)
    ('I(x;h) lies below I(y;h): its decoder reads less of the image than another reads of the label.',)
    >>> contradictions(Interval(1.0, 1.8), label_low=1.5, ceiling=2.0)
    ()
    """
    found = []
    if label_low is not None and information.high < label_low:
        found.append(
            "I(x;h) lies below I(y;h): its decoder reads less of the image than another reads of the label."
        )
    if ceiling is not None and information.low > ceiling:
        found.append(
            f"I(x;h) lies above the ceiling H(h) by its whole {LEVEL:.0%} interval: p(x) is fitted too badly."
        )
    return tuple(found)


def reconstructs(residual: float, residual_stderr: float, smallest_claim: float) -> bool:
    """Whether decoders that are told the image itself miss less than what the experiment claims to tell apart.

    Args:
        residual: CE(x | x), whose truth is 0.
        residual_stderr: its standard error.
        smallest_claim: the smallest information, or difference of information, that is called anything but 0 or
            undecided; in the same unit.

    >>> reconstructs(0.6, 0.1, smallest_claim=1.0), reconstructs(0.6, 0.3, smallest_claim=1.0)
    (True, False)
    """
    return residual + SURE * residual_stderr < smallest_claim
