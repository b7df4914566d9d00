"""Small decoders, and the naive sampler: the literal definition that the cached one must equal."""

from collections.abc import Callable
from math import prod

import pytest
import torch
from torch import Generator, Tensor

from decoders.pixelcnn_pp.decoder import PixelCNNPP
from decoders.pixelcnn_pp.logistic_mixture import Noise
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.spec import ImageTarget

CONTEXTS = {"nothing": None, "vector": (5,), "map": (4, 3, 2)}


@pytest.fixture(params=CONTEXTS.values(), ids=CONTEXTS.keys())
def context(request) -> tuple[int, ...] | None:
    return request.param


def _decoder(
    channels: int = 1,
    size: tuple[int, int] = (8, 8),
    levels: int = 5,
    context: tuple[int, ...] | None = None,
    dtype: torch.dtype = torch.float64,
    seed: int = 0,
    **sizes: int,
) -> PixelCNNPP:
    """A small decoder, initialised, then with every parameter moved: nothing in it is zero or trivial."""
    torch.manual_seed(seed)
    spec = PixelCNNPPSpec(**{"filters": 6, "layers": 1, "mixtures": 3, "context_filters": 5, **sizes})
    target = ImageTarget(channels=channels, height=size[0], width=size[1], levels=levels)
    decoder = PixelCNNPP(spec, target, context).to(dtype)
    h = None if context is None else torch.randn(16, *context)
    decoder.initialise(torch.randint(0, levels, (16, channels, *size), dtype=torch.uint8), h)
    with torch.no_grad():
        for p in decoder.parameters():
            p.add_(0.1 * torch.randn_like(p))
    return decoder.eval()


@torch.inference_mode()
def _naive_samples(decoder: PixelCNNPP, h: Tensor | None, generator: Generator, count: int) -> Tensor:
    """One forward of the whole network for each pixel."""
    t, s = decoder.target, decoder(h).context
    batch = 1 if h is None else len(h)
    repeated = None if s is None else tuple(m.repeat(count, 1, 1, 1) for m in s)
    noise = decoder.mixture.noise(generator, (t.height, t.width, count * batch))
    x = torch.zeros(count * batch, t.channels, t.height, t.width, dtype=torch.uint8)
    for i in range(t.height):
        for j in range(t.width):
            p = decoder.parameters_of(x, repeated)[:, :, i, j]
            of_pixel = Noise(noise.gumbel[i, j].to(p.dtype), noise.logistic[i, j].to(p.dtype))
            x[:, :, i, j] = decoder.mixture.draw(p, of_pixel).to(torch.uint8)
    return x.unflatten(0, (count, batch))


def _every_image(channels: int, height: int, width: int, levels: int) -> Tensor:
    """All images of an enumerable alphabet, (levels ** sub-pixels, C, H, W)."""
    shape = channels, height, width
    digits = torch.cartesian_prod(*(torch.arange(levels) for _ in range(prod(shape))))
    return digits.view(-1, *shape).to(torch.uint8)


@pytest.fixture(scope="session")
def decoder() -> Callable[..., PixelCNNPP]:
    return _decoder


@pytest.fixture(scope="session")
def naive_samples() -> Callable[..., Tensor]:
    return _naive_samples


@pytest.fixture(scope="session")
def every_image() -> Callable[..., Tensor]:
    return _every_image
