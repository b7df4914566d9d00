"""Optional ignorance: a decoder that may take no notice of h, so that reading h never costs more than it gives."""

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


def free_to_ignore(
    decoder: Decoder,
    fitted: Fit,
    marginal: Decoder,
    pairs: Pairs,
    spec: FitSpec,
    *,
    device: torch.device | str = "cpu",
) -> tuple[Decoder, Fit]:
    """p(x | h) as it was fitted, or p(x) in its place where that is no worse on the held-out share.

    Information that a family of decoders can use is defined for families that may ignore h: for every q(x) there
    must be a q(x | h) that equals it whatever h is (Xu et al. 2020, arXiv 2002.10689, definition 1). Without it
    the measured information of an h that says nothing is negative: few examples are learnt by heart. A conditional
    PixelCNN++ holds every p(x) (what h adds is 0), but the weights that a fit ends with need not be those.

    The examples of the choice are those that stopped the fit: neither decoder was fitted to them, as long as the
    marginal was fitted with the same seed and no smaller holdout.

    Args:
        decoder: conditional, fitted.
        fitted: how its fit went.
        marginal: unconditional, finished, of the same sizes.
        pairs: what `decoder` was fitted to; the held-out share is the fit's own.
        spec: the recipe of that fit.
        device: where the marginal is evaluated.

    Returns:
        The decoder to be used, with its fit; `ignores_h` says whether it is the marginal.

    Raises:
        ContextError: the two decoders differ in more than what reads h.
    """
    ignorant = build_decoder(decoder.description())
    ignorant.start_from(marginal)
    _, holdout = divide(len(pairs), spec.holdout, spec.seed)
    nats = nats_per_example(ignorant, pairs, device, spec.batch_size, rows=holdout, precision=spec.precision)
    if fitted.holdout_nats < nats.mean():
        return decoder, fitted
    stderr = float(nats.std(ddof=1) / np.sqrt(len(nats)))
    chosen = replace(fitted, holdout_nats=float(nats.mean()), holdout_stderr_nats=stderr, ignores_h=True)
    return ignorant.eval(), chosen
