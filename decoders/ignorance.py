"""Optional ignorance: p(x) takes the place of a fitted p(x | h) that is no better on held-out images."""

from dataclasses import replace

import numpy as np
import torch

from decoders.density import Decoder
from decoders.evaluation import nats_per_example
from decoders.fitting import Fit
from decoders.pairs import Pairs
from decoders.saving import build_decoder
from decoders.spec import FitSpec
from decoders.training.batches import divide


def allow_ignorance(
    decoder: Decoder,
    fitted: Fit,
    marginal: Decoder,
    pairs: Pairs,
    spec: FitSpec,
    *,
    device: torch.device | str = "cpu",
) -> tuple[Decoder, Fit]:
    """Return the fitted p(x | h), or p(x) where it is no worse on the held-out share.

    Predictive V-information is defined for families with optional ignorance: for every q(x) the family contains a
    q(x | h) that equals it for all h (Xu et al. 2020, arXiv 2002.10689, definition 1). A conditional PixelCNN++
    contains every p(x), at zero weights on h, but a fit on few images may end elsewhere: it overfits h, and the
    measured information of an independent h becomes negative.

    The choice uses the held-out share of the fit. Neither decoder was fitted to it, provided that the marginal was
    fitted with no smaller holdout.

    Args:
        decoder: conditional, fitted.
        fitted: outcome of its fit.
        marginal: unconditional, fitted, of the same sizes.
        pairs: the pairs of that fit, from which its held-out share is drawn.
        spec: the recipe of that fit.
        device: where the marginal is evaluated.

    Returns:
        The chosen decoder and its fit; `ignores_h` is True for the marginal.

    Raises:
        ContextError: the two decoders differ in more than the layers that read h.
    """
    ignorant = build_decoder(decoder.description())
    ignorant.start_from(marginal)
    _, holdout = divide(len(pairs), spec.holdout)
    nats = nats_per_example(ignorant, pairs, device, spec.batch_size, rows=holdout, precision=spec.precision)
    if fitted.holdout_nats < nats.mean():
        return decoder, fitted
    stderr = float(nats.std(ddof=1) / np.sqrt(len(nats)))
    chosen = replace(fitted, holdout_nats=float(nats.mean()), holdout_stderr_nats=stderr, ignores_h=True)
    return ignorant.eval(), chosen
