"""A network of the user's own as an encoder."""

from collections.abc import Collection
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn

from ib_analysis.encoders.encoder import ImageShape, Tap
from ib_analysis.encoders.given import GivenEncoder
from ib_analysis.encoders.specs.torch_module import TorchModuleSpec
from ib_analysis.encoders.specs.training import Regime
from ib_analysis.encoders.torch_module.build import build_network
from ib_analysis.encoders.torch_module.preprocess import Preprocess
from ib_analysis.encoders.torch_module.seen_pixels import seen_pixels
from ib_analysis.encoders.torch_module.tap_reader import TapReader, type_of_weights
from ib_analysis.encoders.torch_module.verification import (
    IMAGES,
    demand_deterministic,
    demand_independent_of_batch,
)
from ib_analysis.encoders.torch_module.weights_file import load_weights
from ib_analysis.errors import UserError
from ib_analysis.own_modules import OBJECT


class TorchModule(GivenEncoder):
    """Any torch module behind its preprocessing, always in evaluation mode; h is read at the names of its modules.

    Raises:
        UserError: the network cannot be built or does not accept the images, a tap is not readable, or the taps are not
            in the order of the forward pass.
    """

    Spec = TorchModuleSpec

    def __init__(self, spec: TorchModuleSpec, regime: Regime, image: ImageShape, classes: int) -> None:
        super().__init__(spec, regime, image, classes)
        self.noisy = spec.deliberate_noise
        self.preprocess = Preprocess(spec.preprocess, image)
        self.network = build_network(spec.build, spec.arguments)
        _demand_plain_state(self.network.state_dict(), spec.build)
        self.reader = _reader(spec, self.network, self.preprocess(_random_images(image)))
        self.taps = tuple(Tap(name, self.reader.shapes[name]) for name in self.reader.names)
        if self.reader.names != spec.tap_names(regime):
            raise UserError(
                f"taps: the forward pass reaches them in another order: write {', '.join(self.reader.names)}."
            )

    def train(self, mode: bool = True) -> Self:
        """Stays in evaluation mode: dropout is off, and batch norm uses its running statistics."""
        return super().train(False)

    def activations(self, x: Tensor, taps: Collection[str]) -> dict[str, Tensor]:
        """h of uint8 images (batch, C, H, W) at the taps, float32; the forward pass ends behind the deepest of them."""
        return self.reader.read(self._as_wanted(x), self.in_network_order(taps))

    def forward(self, x: Tensor) -> Tensor:
        """h at the last tap: the workflow does not know what the network's own output means."""
        last = self.taps[-1].name
        return self.activations(x, (last,))[last]

    def initialise(self, generator: torch.Generator) -> None:
        """Does nothing: the weights are given."""

    def set_normalisation(self, mean: Tensor, std: Tensor) -> None:
        """Does nothing: preprocess says what the network was trained with."""

    def load_weights(self, path: Path) -> None:
        """Takes all weights of the network from a file of safetensors or of torch.save; executes nothing from it."""
        load_weights(self.network, path)

    @torch.no_grad()
    def verify(self, x: Tensor) -> None:
        """Checks that two passes agree and that h of an image does not depend on the others in the batch."""
        wanted = self._as_wanted(x[:IMAGES])
        others = self._as_wanted(self.image.levels - 1 - x[:IMAGES])

        def read(images: Tensor) -> dict[str, Tensor]:
            return self.reader.read(images, self.reader.names)

        if not self.noisy:
            demand_deterministic(self.network, read, wanted)
        demand_independent_of_batch(self.network, read, wanted, others)

    def seen_pixels(self, x: Tensor) -> Tensor | None:
        """Which pixels can change h, by the gradient of all taps with respect to the image."""

        def read(levels: Tensor) -> dict[str, Tensor]:
            return self.reader.read(self._as_wanted(levels), self.reader.names, detach=False)

        return seen_pixels(read, x)

    def _as_wanted(self, x: Tensor) -> Tensor:
        return self.preprocess(x).to(type_of_weights(self.network))


def ordered_taps(spec: TorchModuleSpec, image: ImageShape) -> tuple[Tap, ...]:
    """The taps of a spec, which may name them in any order, in that of the forward pass.

    Raises:
        UserError: as `TorchModule`.
    """
    network, preprocess = build_network(spec.build, spec.arguments), Preprocess(spec.preprocess, image)
    reader = _reader(spec, network, preprocess(_random_images(image)))
    return tuple(Tap(name, reader.shapes[name]) for name in reader.names)


def _reader(spec: TorchModuleSpec, network: nn.Module, example: Tensor) -> TapReader:
    shape = tuple(example.shape[1:])
    listing = f"python -m ib_analysis taps {spec.build} --shape {'x'.join(map(str, shape))}"
    if spec.build.startswith(OBJECT):
        listing = f"ib_analysis.describe_taps(model, {shape})"
    places = {tap.name: tap.reads for tap in spec.taps}
    return TapReader(network, places, example.to(type_of_weights(network)), listing)


def _random_images(image: ImageShape) -> Tensor:
    """Two images of random levels, on which shapes and calls are read."""
    generator = torch.Generator().manual_seed(0)
    shape = (2, image.channels, image.height, image.width)
    return torch.randint(image.levels, shape, generator=generator, dtype=torch.uint8)


def _demand_plain_state(state: dict[str, object], build: str) -> None:
    for name, value in state.items():
        if not isinstance(value, Tensor):
            raise UserError(
                f"build {build}: its state holds {name}, which is no tensor: a checkpoint cannot keep it."
            )
