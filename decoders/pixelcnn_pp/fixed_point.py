"""Draws from PixelCNN++ by fixed-point iteration: every pixel is drawn again from the last image, until none moves.

With the noise fixed, an image is the solution of x = draw(parameters(x), noise), where a pixel depends on
those before it alone. One pass is one full forward for all pixels at once. The pixels before the first that
moved are those of the naive loop, and so is that one, which saw only them: every pass settles at least one
pixel more, so that at most height x width passes lead to the naive image (but for rounding, which may tip a
value at the edge of two levels).

When it pays. On a CPU, hardly ever: a cached draw runs whole rows in C. With an h that nearly determines x,
where a wrong neighbour seldom moves a pixel by a level, small fitted decoders took 4 to 5 passes of 256 and 7
to 12 times as long as cached; without h 56 to 58 passes (3x16x16, docs/performance.md). A GPU waits for one
operation after another: a cached draw is 59,000 of them and a forward 570 (32 filters, 1 layer, 3x32x32),
which puts the balance at about a hundred passes by that count; the time has not been measured there.

Source: Song, Meng, Liao & Ermon 2021 (arXiv 2002.03629), Jacobi iteration for autoregressive sampling.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Generator, Tensor

from decoders.pixelcnn_pp.logistic_mixture import LogisticMixture, Noise
from decoders.pixelcnn_pp.network import PixelCNNPPNetwork

Context = tuple[Tensor, ...] | None
NUMBERS_OF_A_PASS = 2**26  # activations that one forward may keep, 256 MiB in float32


class FixedPointSampler:
    """Draws a fixed number of images at once, as `CachedSampler` does; `passes` tells what the last draw took.

    Args:
        network: the decoder; its weights are read at every draw.
        images: how many images are drawn at once.
    """

    def __init__(self, network: PixelCNNPPNetwork, images: int) -> None:
        self.network, self.images = network, images
        self.passes = torch.zeros(images, dtype=torch.int64)

    def draw(self, generator: Generator, context: Context) -> Tensor:
        """Images (images, C, H, W) as uint8 levels; context is one map a scale, for each image."""
        network, like = self.network, self.network.head.bias
        size = network.target.height, network.target.width, self.images
        noise = Noise(*(n.permute(2, 0, 1, 3).to(like) for n in network.mixture.noise(generator, size)))
        parts = torch.arange(self.images, device=like.device).split(images_of_a_pass(network))
        with evaluating(network):
            solved = [
                solve(network, of_images(context, part), Noise(*(n[part] for n in noise))) for part in parts
            ]
        self.passes = torch.cat([passes for _, passes in solved])
        return torch.cat([x for x, _ in solved])


def solve(network: PixelCNNPPNetwork, context: Context, noise: Noise) -> tuple[Tensor, Tensor]:
    """The images (n, C, H, W) of this noise, (n, H, W, K or C), and the passes that each of them took, (n,)."""
    target, device = network.target, noise.gumbel.device
    n, pixels = len(noise.gumbel), target.height * target.width
    # The middle level is the value 0, which a network fitted to standardised maps takes for nothing special.
    x = noise.gumbel.new_full((n, target.channels, pixels), target.levels // 2, dtype=torch.uint8)
    left, place = torch.arange(n, device=device), torch.arange(pixels, device=device)
    settled, passes = torch.zeros(2, n, dtype=torch.int64, device=device)
    while len(left):
        old = x[left]
        images = old.unflatten(2, (target.height, target.width))
        parameters = network.parameters_of(images, of_images(context, left))
        new = draw_everywhere(network.mixture, parameters, Noise(*(m[left] for m in noise))).to(x.dtype)
        # What is settled stays: a convolution whose rounding depends on later pixels must not undo it.
        moved = (new != old).any(1) & (place >= settled[left, None])
        x[left] = torch.where(moved[:, None], new, old)
        settled[left] = torch.where(moved.any(1), moved.byte().argmax(1) + 1, pixels)
        passes[left] += 1
        left = left[settled[left] < pixels]
    return x.unflatten(2, (target.height, target.width)), passes


def draw_everywhere(mixture: LogisticMixture, parameters: Tensor, noise: Noise) -> Tensor:
    """Levels (n, C, H * W) of every pixel from (n, outputs, H, W) and noise (n, H, W, K or C)."""
    of_pixels = parameters.permute(0, 2, 3, 1).flatten(0, 2)
    levels = mixture.draw(of_pixels, Noise(*(m.flatten(0, 2) for m in noise)))
    return levels.unflatten(0, (len(parameters), -1)).transpose(1, 2)


def of_images(context: Context, index: Tensor) -> Context:
    """The context of some images."""
    return None if context is None else tuple(s[index] for s in context)


def numbers_of_image(network: PixelCNNPPNetwork) -> int:
    """Activations that a forward keeps for an image: both streams of each stored map, and one layer's own."""
    height, width = network.padded
    return 8 * network.spec.filters * (network.spec.layers + 2) * height * width


def images_of_a_pass(network: PixelCNNPPNetwork) -> int:
    """How many images go through the network together, which bounds the memory of a pass."""
    return max(1, NUMBERS_OF_A_PASS // numbers_of_image(network))


@contextmanager
def evaluating(network: PixelCNNPPNetwork) -> Iterator[None]:
    """Without dropout, as the cached sampler draws, whatever mode the network is in."""
    was_training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(was_training)
