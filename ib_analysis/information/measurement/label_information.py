"""I(y; h) from below: the entropy of the labels less the cross-entropy of a classifier of h."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ib_analysis.errors import UserError
from ib_analysis.information.measurement.cross_entropy import negative_warning
from ib_analysis.information.measurement.estimate import Bound, Estimate
from ib_analysis.information.measurement.nats import mean_with_error, per_image
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.measurement.skewness import skewness_warning

PLUG_IN = "class frequencies of the evaluation part"
VARIATIONAL = "label entropy less cross-entropy of a classifier"


def label_nats(labels: ArrayLike) -> NDArray[np.float64]:
    """-log f(y_i) of each evaluation image, f the class frequencies of these very images; shape (images,).

    Their mean is H(y). They have the role in I(y; h) that the nats of the unconditional decoder have in I(x; h).

    >>> label_nats([0, 1, 1, 0]).round(4).tolist()
    [0.6931, 0.6931, 0.6931, 0.6931]
    """
    y = np.asarray(labels)
    if y.ndim != 1 or len(y) < 2:
        raise UserError(f"labels have shape {y.shape}: labels of two images or more are needed, one each.")
    _, index, counts = np.unique(y, return_inverse=True, return_counts=True)
    nats: NDArray[np.float64] = -np.log(counts / len(y))[index]
    return nats


def label_entropy(labels: ArrayLike) -> Estimate:
    """H(y) = -sum over classes of f_c log f_c, with f_c the share of class c among the evaluation images.

    It is the entropy of the label of an image drawn at random from the evaluation part, and for that it is
    exact. The parts are stratified by class, so f is also the share of class c in the whole data set up to
    rounding; it is not drawn at random, and the plug-in entropy has here neither the downward bias
    (classes - 1) / 2n nor the sampling error that it has for independent draws: its standard error is 0.

    >>> round(label_entropy([0, 1, 2, 3]).value - float(np.log(4)), 12)
    0.0
    """
    nats = label_nats(labels)
    return Estimate(
        quantity=Quantity.LABEL_ENTROPY,
        value=float(nats.mean()),
        stderr=0.0,
        n=len(nats),
        method=PLUG_IN,
        bound=Bound.EXACT,
    )


def label_information(labels: ArrayLike, nats_conditional: ArrayLike) -> Estimate:
    """I(y; h) >= H(y) - CE(y | h), by -E[log q(y | h)] >= H(y | h) (Barber & Agakov 2003): a lower bound.

    The standard error is that of the mean of -log f(y_i) + log q(y_i | h_i) over images. It takes the labels
    for independent draws; under stratification the truth is that or smaller.

    Args:
        labels: y_i of the evaluation images, shape (images,).
        nats_conditional: -log q(y_i | h_i) of the same images in the same order.

    Raises:
        UserError: arrays that do not belong together, or values that are not finite.
    """
    marginal = label_nats(labels)
    conditional = per_image(nats_conditional, "nats of the label decoder", len(marginal))
    contributions = marginal - conditional
    value, stderr = mean_with_error(contributions)
    return Estimate(
        quantity=Quantity.LABEL_INFORMATION,
        value=value,
        stderr=stderr,
        n=len(conditional),
        method=VARIATIONAL,
        bound=Bound.LOWER,
        warnings=(*negative_warning(value, stderr), *skewness_warning(contributions)),
    )
