"""Cross-entropies and their difference, from the nats of held-out images."""

from numpy.typing import ArrayLike

from ib_analysis.information.measurement.estimate import Bound, Estimate
from ib_analysis.information.measurement.nats import mean_with_error, per_image
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.measurement.skewness import skewness_warning

CROSS_ENTROPY = "mean of -log q over evaluation images"
DIFFERENCE = "difference of cross-entropies"
KNOWN_ENTROPY = "known entropy less conditional cross-entropy"


def cross_entropy(nats: ArrayLike, quantity: Quantity) -> Estimate:
    """CE = mean of -log q(x_i) over images that q was not fitted to.

    E[-log q(x)] = H(x) + KL(p || q) >= H(x): an upper bound on the entropy in expectation.

    >>> cross_entropy([1.0, 3.0], Quantity.IMAGE_CROSS_ENTROPY).value
    2.0
    """
    values = per_image(nats, f"nats of {quantity.value}")
    value, stderr = mean_with_error(values)
    return Estimate(
        quantity=quantity,
        value=value,
        stderr=stderr,
        n=len(values),
        method=CROSS_ENTROPY,
        bound=Bound.UPPER,
    )


def information(
    nats_marginal: ArrayLike | None,
    nats_conditional: ArrayLike,
    *,
    quantity: Quantity = Quantity.IMAGE_INFORMATION,
    known_entropy_nats: float | None = None,
) -> Estimate:
    """I(x; h), the information about x in h that the decoders can use.

    Without known entropy: CE(x) - CE(x | h) = mean of (-log q(x_i)) - (-log q(x_i | h_i)), with the standard
    error of that mean of *paired* differences, which is far below that of two independent means because an
    image that is hard for one decoder is hard for the other. Since I = H(x) - H(x | h) and each cross-entropy
    exceeds its entropy by its own divergence, the difference is I + KL_marginal - KL_conditional: neither a
    lower nor an upper bound (McAllester & Stratos 2020; predictive V-information of Xu et al. 2020).

    With H(x) known: H(x) - CE(x | h) = I - KL_conditional, a lower bound in expectation (Barber & Agakov
    2003).

    The value is never clipped at 0. A negative value means that the conditional decoder is fitted less well.

    Args:
        nats_marginal: -log q(x_i), shape (images,); may be None where the entropy is known.
        nats_conditional: -log q(x_i | h_i) of the same images in the same order.
        quantity: I(x; h) or I(y; h).
        known_entropy_nats: H(x), where the images' source is known in closed form.

    Raises:
        UserError: arrays that do not belong together, or values that are not finite.
    """
    conditional = per_image(nats_conditional, "nats of the conditional decoder")
    if known_entropy_nats is not None:
        differences = known_entropy_nats - conditional
        bound, method = Bound.LOWER, KNOWN_ENTROPY
    else:
        marginal = per_image(
            () if nats_marginal is None else nats_marginal, "nats of the marginal decoder", len(conditional)
        )
        differences = marginal - conditional
        bound, method = Bound.NONE, DIFFERENCE
    value, stderr = mean_with_error(differences)
    return Estimate(
        quantity=quantity,
        value=value,
        stderr=stderr,
        n=len(conditional),
        method=method,
        bound=bound,
        warnings=(*negative_warning(value, stderr), *skewness_warning(differences)),
    )


def negative_warning(value: float, stderr: float) -> tuple[str, ...]:
    """A sentence where an information is negative beyond its error, else nothing."""
    if value >= -2.0 * stderr:
        return ()
    return (
        "The estimate is negative beyond two standard errors: the decoder that reads h is fitted worse than what it is "
        "compared with; give it more steps or more images.",
    )
