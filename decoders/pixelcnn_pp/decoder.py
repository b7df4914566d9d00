"""PixelCNN++ as a decoder: the density q(x | h), its draws, its initialisation and its warm start.

Source: Salimans, Karpathy, Chen & Kingma 2017 (arXiv 1701.05517).
"""

from typing import Any

import torch
from torch import Generator, Tensor, nn

from decoders.density import Decoder, Density
from decoders.errors import ContextError
from decoders.pixelcnn_pp.causal_convolution import data_dependent_initialization
from decoders.pixelcnn_pp.network import PixelCNNPPNetwork
from decoders.pixelcnn_pp.sampling import sample_images
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.spec import ImageTarget


class PixelCNNPPDensity(Density):
    """q(. | h): the network together with the maps that carry h, computed once."""

    def __init__(self, network: PixelCNNPPNetwork, context: tuple[Tensor, ...] | None) -> None:
        self.network = network
        self.context = context

    def pixel_log_prob(self, target: Tensor) -> Tensor:
        """Nats of every pixel given those before it, all channels together, (batch, height, width)."""
        return self.network.mixture.log_prob(self.network.parameters_of(target, self.context), target)

    def log_prob(self, target: Tensor) -> Tensor:
        """Nats of each image, (batch,), for levels (batch, C, H, W)."""
        return self.pixel_log_prob(target).sum((1, 2))

    def sample(self, generator: Generator, count: int = 1) -> Tensor:
        """Images (count, batch, C, H, W) as uint8 levels, by the cached sampler."""
        return sample_images(self.network, self.context, generator, count)


class PixelCNNPP(PixelCNNPPNetwork, Decoder):
    """The decoder of images: a network whose call returns the density q(. | h).

    Args:
        spec: sizes of the network.
        target: shape and levels of an image.
        context: shape of one h, (D,) or (C, height, width); None for an unconditional decoder.
    """

    Spec = PixelCNNPPSpec

    def __init__(
        self, spec: PixelCNNPPSpec, target: ImageTarget, context: tuple[int, ...] | None = None
    ) -> None:
        super().__init__(spec, target, context)
        self.from_another: frozenset[str] = frozenset()

    def forward(self, h: Tensor | None) -> PixelCNNPPDensity:
        """q(. | h) for h of shape (batch, *context), None for an unconditional decoder.

        Raises:
            ValueError: h does not have the shape the decoder was built for.
        """
        self._check_context(h)
        if h is None or self.context_maps is None:
            return PixelCNNPPDensity(self, None)
        return PixelCNNPPDensity(self, self.context_maps(h))

    def _check_context(self, h: Tensor | None) -> None:
        shape = None if h is None else tuple(h.shape[1:])
        if shape != self.context:
            raise ValueError(f"h has shape {shape} an example but this decoder was built for {self.context}.")

    def start_from(self, other: Decoder) -> None:
        """Take over the weights of a fitted decoder of the same sizes.

        From an unconditional one (a trunk) the body comes, and as what h adds starts at 0, so does the law; from
        one of an h of the same shape (the same tap at another epoch) comes also what reads h.

        Raises:
            ContextError: the other decoder reads an h of another shape, or is of another size.
        """
        weights = other.state_dict()
        try:
            missing, unexpected = self.load_state_dict(weights, strict=False)
        except RuntimeError:
            raise ContextError(
                "the decoder to start from has other sizes than this one: fit it anew"
            ) from None
        if unexpected or any("context" not in name for name in missing):
            raise ContextError("the decoder to start from has other layers than this one: fit it anew")
        self.from_another = frozenset(weights)

    def taken_over(self) -> list[nn.Parameter]:
        """The weights that came from another decoder by `start_from`."""
        return [p for name, p in self.named_parameters() if name in self.from_another]

    @torch.no_grad()
    def initialise(self, target: Tensor, h: Tensor | None) -> None:
        """Data-dependent initialization from one batch: standardise h, then every layer's gain and bias.

        The last layer's are chosen such that the mixture starts with the mean and deviation of each channel: with
        those of [-1, 1] the fit of images that hardly vary takes hundreds of steps to come near them. After
        `start_from` only what is new is initialised; h is standardised anew.

        Raises:
            ValueError: a level lies outside 0..levels-1, or a shape does not fit.
        """
        self._check_target(target)
        self._check_context(h)
        was_training = self.training
        self.eval()
        try:
            if h is not None and self.context_maps is not None:
                self.context_maps.standardise.measure(h)
            fresh = self._not_taken_over()
            if fresh is not None:
                with data_dependent_initialization(fresh):
                    self(h).log_prob(target)
            if fresh is self:
                start = self.mixture.start(target)
                self.head.bias.mul_(start.spread).add_(start.centre)
                self.head.gain.mul_(start.spread)
        finally:
            self.train(was_training)

    def _not_taken_over(self) -> nn.Module | None:
        """The part that is still as it was built: all of it, what reads h, or nothing."""
        if not self.from_another:
            return self
        reads_h = any(name.startswith("context_maps.") for name in self.from_another)
        return None if reads_h else self.context_maps

    def _check_target(self, target: Tensor) -> None:
        t = self.target
        if tuple(target.shape[1:]) != (t.channels, t.height, t.width):
            raise ValueError(f"images of shape {tuple(target.shape[1:])} given to a decoder of {t}.")
        low, high = int(target.min()), int(target.max())
        if low < 0 or high >= t.levels:
            raise ValueError(
                f"levels {low} to {high} given to a decoder of {t.levels} levels (0 to {t.levels - 1})."
            )

    def description(self) -> dict[str, Any]:
        """What builds this decoder again: implementation, spec, target and context, as JSON."""
        return {
            **self.spec.described(),
            "target": self.target.model_dump(mode="json"),
            "context": None if self.context is None else list(self.context),
        }
