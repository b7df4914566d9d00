"""q(x | h) of a point: its decoder, free to ignore h, and the class mixture that h tells.

Three densities of x given h are mixed, with weights that the held-out images choose:

- `h`: what the point's decoder says;
- `nothing`: the mixture that makes CE(x), so that h may be ignored (optional ignorance: Xu et al. 2020, arXiv
  2002.10689, definition 1);
- `label`: sum_y q(y | h) q(x | y), the class mixture of CE(x) with the frequencies that h tells. Without it CE(x) would
  profit from decoders that were told the label, and CE(x | h) would not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from decoders.mixture import averaged, mixed, mixture_weights
from ib_analysis.information.measurement.evaluation import MixedMarginal, PointNats
from ib_analysis.information.measurement.parts import Parts, stacked

Nats = NDArray[np.float64]
OWN, IGNORED, LABEL = "h", "nothing", "label"


@dataclass(frozen=True)
class Reading:
    """An information at a point from all its fits, in nats.

    `marginal` is -log q(x) or -log f(y) of each evaluation image, shape (images,). `averaged` is -log of the average of
    the fits' probabilities given h, and `alone` what the decoder gives by itself. `members`, shape (fits, images), are
    of each fit and such that `marginal` less them is its own information, by its own CE(x): what a fit is worse by at
    CE(x) and at CE(x | h) alike is no error of their difference. `fitted` is the information of images that the
    decoders were fitted to. `weight` is the share of the decoder in its density.
    """

    marginal: Nats
    averaged: Nats
    members: Nats
    conditional: Nats
    """-log q(x | h) of each fit as it is, shape (fits, images)."""
    alone: Nats
    fitted: float
    weight: float

    @property
    def information(self) -> float:
        """Of the evaluation images."""
        return float((self.marginal - self.averaged).mean())

    @property
    def raw(self) -> float:
        """Of the evaluation images, by the decoder alone."""
        return float((self.marginal - self.alone).mean())


def read_image(fits: Sequence[PointNats], marginals: Sequence[MixedMarginal]) -> Reading:
    """I(x; h) at a point from the fits of its decoders, each beside the CE(x) mixture of the same fit.

    Args:
        fits: what the decoders of each fit say.
        marginals: the mixture of each fit, in the same order, of the same images.

    Raises:
        FitError: nats that are not finite.
    """
    of_fits = [_components(fit, marginal) for fit, marginal in zip(fits, marginals, strict=True)]
    names = tuple(of_fits[0])
    each = {name: stacked([components[name] for components in of_fits]).map(averaged) for name in names}
    weights = mixture_weights(np.stack([each[name].holdout for name in names]))
    whole = stacked([each[name] for name in names]).map(lambda nats: mixed(nats, weights))
    marginal = average_marginal(marginals)
    conditional = np.stack(
        [mixed(np.stack([found[name].evaluation for name in names]), weights) for found in of_fits]
    )
    own_marginals = np.stack([own.image.evaluation for own in marginals])
    return Reading(
        marginal=marginal.evaluation,
        averaged=whole.evaluation,
        members=conditional + marginal.evaluation - own_marginals,
        conditional=conditional,
        alone=each[OWN].evaluation,
        fitted=float((marginal.fitted - whole.fitted).mean()),
        weight=float(weights[names.index(OWN)]),
    )


def read_label(fits: Sequence[PointNats], entropy: Nats) -> Reading:
    """I(y; h) at a point from the fits of its decoders.

    Args:
        fits: what the decoders of each fit say.
        entropy: -log f(y) of each evaluation image, whose mean is H(y).
    """
    labels = stacked([fit.of_target("label") for fit in fits])
    found = averaged(labels.evaluation)
    fitted = float(entropy.mean() - averaged(labels.fitted).mean())
    of_fits = labels.evaluation
    return Reading(entropy, found, of_fits, of_fits, found, fitted, 1.0)


def average_marginal(marginals: Sequence[MixedMarginal]) -> Parts:
    """-log of the mean of the fits' mixtures, whose mean over evaluation images is CE(x)."""
    return stacked([marginal.image for marginal in marginals]).map(averaged)


def _components(fit: PointNats, marginal: MixedMarginal) -> dict[str, Parts]:
    components = {OWN: fit.image, IGNORED: marginal.image}
    if marginal.of_classes is not None and fit.classes is not None:
        components[LABEL] = fit.classes.map(_class_mixture, marginal.of_classes)
    return components


def _class_mixture(log_classes: Nats, of_classes: Nats) -> Nats:
    """-log sum_y q(y | h) q(x | y), from (images, classes) and (classes, images)."""
    found: Nats = -np.logaddexp.reduce(log_classes.T - of_classes, axis=0)
    return found
