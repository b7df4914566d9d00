"""Draws from PixelCNN++ by fixed-point iteration: all pixels are drawn again from the last image until none changes.

With the noise fixed, an image is the solution of x = draw(parameters(x), noise), where a pixel depends on earlier
pixels alone. One pass is one full forward for all pixels at once. The pixels before the first that changed equal those
of the naive loop, and so does that pixel, which depends on them alone. Each pass therefore settles at least one more
pixel, and at most height x width passes lead to the naive image, up to rounding, which may move a value across the edge
of two levels.

On a CPU it is hardly ever faster, because a cached draw runs whole rows in C. With an h that nearly determines x, a
wrong neighbour rarely changes a level: small fitted decoders needed 4 to 5 passes of 256, and 7 to 12 times the time of
cached sampling. Without h they needed 56 to 58 passes (3x16x16, docs/performance.md). A GPU runs operations in
sequence: a cached draw has 59,000 of them and a forward 570 (32 filters, 1 layer, 3x32x32). By that count the methods
balance at about a hundred passes; the time on a GPU has not been measured.

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
    """Draws a fixed number of images at once, like `CachedSampler`; `passes` counts those of the last draw.

    Args:
        network: its weights are read at every draw.
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
        with evaluation_mode(network):
            solved = [
                solve(network, select_images(context, part), Noise(*(n[part] for n in noise)))
                for part in parts
            ]
        self.passes = torch.cat([passes for _, passes in solved])
        return torch.cat([x for x, _ in solved])


def solve(network: PixelCNNPPNetwork, context: Context, noise: Noise) -> tuple[Tensor, Tensor]:
    """Images (n, C, H, W) for noise (n, H, W, K or C), and the number of passes of each, (n,)."""
    target, device = network.target, noise.gumbel.device
    n, pixels = len(noise.gumbel), target.height * target.width
    # The middle level has the value 0, a neutral start.
    x = noise.gumbel.new_full((n, target.channels, pixels), target.levels // 2, dtype=torch.uint8)
    left, place = torch.arange(n, device=device), torch.arange(pixels, device=device)
    settled, passes = torch.zeros(2, n, dtype=torch.int64, device=device)
    while len(left):
        old = x[left]
        images = old.unflatten(2, (target.height, target.width))
        parameters = network.parameters_of(images, select_images(context, left))
        new = draw_everywhere(network.mixture, parameters, Noise(*(m[left] for m in noise))).to(x.dtype)
        # Settled pixels stay: the rounding of a convolution may depend on later pixels and must not change them.
        moved = (new != old).any(1) & (place >= settled[left, None])
        x[left] = torch.where(moved[:, None], new, old)
        settled[left] = torch.where(moved.any(1), moved.byte().argmax(1) + 1, pixels)
        passes[left] += 1
        left = left[settled[left] < pixels]
    return x.unflatten(2, (target.height, target.width)), passes


def draw_everywhere(mixture: LogisticMixture, parameters: Tensor, noise: Noise) -> Tensor:
    """Levels (n, C, H * W) of every pixel, from parameters (n, outputs, H, W) and noise (n, H, W, K or C)."""
    of_pixels = parameters.permute(0, 2, 3, 1).flatten(0, 2)
    levels = mixture.draw(of_pixels, Noise(*(m.flatten(0, 2) for m in noise)))
    return levels.unflatten(0, (len(parameters), -1)).transpose(1, 2)


def select_images(context: Context, index: Tensor) -> Context:
    """The context of the images with these indices."""
    return None if context is None else tuple(s[index] for s in context)


def numbers_of_image(network: PixelCNNPPNetwork) -> int:
    """Number of activations that a forward keeps per image: both streams of each stored map, and one layer."""
    height, width = network.padded
    return 8 * network.spec.filters * (network.spec.layers + 2) * height * width


def images_of_a_pass(network: PixelCNNPPNetwork) -> int:
    """Number of images in one forward, which bounds the memory of a pass."""
    return max(1, NUMBERS_OF_A_PASS // numbers_of_image(network))


@contextmanager
def evaluation_mode(network: PixelCNNPPNetwork) -> Iterator[None]:
    """Run the block without dropout, and restore the mode of the network afterwards."""
    was_training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(was_training)
