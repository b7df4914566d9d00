"""PixelCNN++ as a decoder: the density q(x | h), its draws, its initialisation and its warm start.

Source: Salimans, Karpathy, Chen & Kingma 2017 (arXiv 1701.05517).
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Generator, Tensor, nn

from decoders.density import Decoder, Density
from decoders.errors import ContextError
from decoders.memory import examples_at_once
from decoders.pixelcnn_pp.causal_convolution import initialize_from_data
from decoders.pixelcnn_pp.memory import DecoderMemory
from decoders.pixelcnn_pp.network import PixelCNNPPNetwork
from decoders.pixelcnn_pp.sampling import sample_images
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.spec import ImageTarget


class PixelCNNPPDensity(Density):
    """q(. | h): the network and its context maps, which are computed once."""

    def __init__(self, network: PixelCNNPPNetwork, context: tuple[Tensor, ...] | None) -> None:
        self.network = network
        self.context = context

    def pixel_log_prob(self, target: Tensor) -> Tensor:
        """Log-probability of every pixel given those before it, over all channels: (batch, height, width), in nats."""
        return self.network.mixture.log_prob(self.network.parameters_of(target, self.context), target)

    def log_prob(self, target: Tensor) -> Tensor:
        """Log-probability of each image: (batch,), in nats, for levels (batch, C, H, W)."""
        return self.pixel_log_prob(target).sum((1, 2))

    def sample(self, generator: Generator, count: int = 1) -> Tensor:
        """Images (count, batch, C, H, W) as uint8 levels, drawn by the cached sampler."""
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
        self.pretrained_names: frozenset[str] = frozenset()

    def forward(self, h: Tensor | None) -> PixelCNNPPDensity:
        """q(. | h) for h of shape (batch, *context), None for an unconditional decoder.

        Raises:
            ValueError: h does not have the shape that the decoder was built for.
        """
        self._check_context(h)
        if h is None or self.context_maps is None:
            return PixelCNNPPDensity(self, None)
        return PixelCNNPPDensity(self, self.context_maps(h))

    def _check_context(self, h: Tensor | None) -> None:
        shape = None if h is None else tuple(h.shape[1:])
        if shape != self.context:
            raise ValueError(f"an h has shape {shape} but this decoder was built for {self.context}.")

    def start_from(self, other: Decoder) -> None:
        """Copy the weights of a fitted decoder of the same sizes.

        From an unconditional decoder come all weights but those that read h. These start at 0, so the density is that
        of the other decoder. From a decoder of an h of the same shape (the same tap at another epoch) come all weights.

        Raises:
            ContextError: the other decoder reads an h of another shape, or is of another size.
        """
        weights = other.state_dict()
        try:
            missing, unexpected = self.load_state_dict(weights, strict=False)
        except RuntimeError:
            raise ContextError(
                "the decoder to start from has other sizes than this one; fit it again"
            ) from None
        if unexpected or any("context" not in name for name in missing):
            raise ContextError("the decoder to start from has other layers than this one; fit it again")
        self.pretrained_names = frozenset(weights)

    def pretrained_parameters(self) -> list[nn.Parameter]:
        """The weights that `start_from` copied."""
        return [p for name, p in self.named_parameters() if name in self.pretrained_names]

    @torch.no_grad()
    def initialise(self, target: Tensor, h: Tensor | None, batch_size: int = 1) -> None:
        """Data-dependent initialization: standardise h, then set the gain and bias of every layer in one pass.

        As many of the images pass as the memory of `decoders/memory.py` holds, or a step of `batch_size`: evenly spaced
        ones of those that are given. The standardisation and the start of the mixture are of all images.

        The last layer is set such that the mixture starts with the mean and deviation of each channel. If it started
        from the range [-1, 1], the fit of images with little variation would need hundreds of steps to approach them.
        After `start_from` only the new layers are initialised, and h is standardised again.

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
            fresh = self._new_part()
            if fresh is not None:
                initialize_from_data(fresh, self._pass_given(target, h, batch_size))
            if fresh is self:
                start = self.mixture.start(target)
                self.head.bias.mul_(start.spread).add_(start.centre)
                self.head.gain.mul_(start.spread)
        finally:
            self.train(was_training)

    def _pass_given(self, target: Tensor, h: Tensor | None, batch_size: int) -> Callable[[], object]:
        """A pass of as many images as their memory allows, through the layers that are not copied."""
        count = examples_at_once(self.bytes_per_example, len(target), batch_size * self.memory.step)
        rows = torch.arange(count) * len(target) // count
        given = None if h is None else h[rows]
        if self.pretrained_names and given is not None:
            return partial(self, given)
        return lambda: self.parameters_of(target[rows], self(given).context)

    @property
    def bytes_per_example(self) -> int:
        """Memory that one image takes in a pass without gradients."""
        return self.memory.evaluation

    @property
    def memory(self) -> DecoderMemory:
        """Bytes of an image and of a fit, by the sizes."""
        features = math.prod(self.context or (0,))
        return DecoderMemory(self.spec, self.target, features, self.mixture.is_in_c(self.head.bias))

    def _new_part(self) -> nn.Module | None:
        """The part without copied weights: the whole network, the layers that read h, or None."""
        if not self.pretrained_names:
            return self
        reads_h = any(name.startswith("context_maps.") for name in self.pretrained_names)
        return None if reads_h else self.context_maps

    def _check_target(self, target: Tensor) -> None:
        t = self.target
        if tuple(target.shape[1:]) != (t.channels, t.height, t.width):
            raise ValueError(
                f"images have shape {tuple(target.shape[1:])} but this decoder was built for {t}."
            )
        low, high = int(target.min()), int(target.max())
        if low < 0 or high >= t.levels:
            raise ValueError(
                f"levels {low} to {high} lie outside those of this decoder (0 to {t.levels - 1})."
            )

    def description(self) -> dict[str, Any]:
        """Description from which `build_decoder` builds this decoder again."""
        return {
            **self.spec.described(),
            "target": self.target.model_dump(mode="json"),
            "context": None if self.context is None else list(self.context),
        }
