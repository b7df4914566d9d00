"""Cached sampling against the naive loop of the same decoder, 3x32x32, in one run: python -m benchmarks.sampling.

The naive loop is one full forward for each pixel and its draw. All its 1024 steps cost the same, so that a
few of them are timed and multiplied: the number timed is in the name of the row.
"""

import torch
from torch import Generator, Tensor

from benchmarks.measurement import Measurement, arguments, interleaved_seconds, print_table
from decoders.pixelcnn_pp.logistic_mixture import Noise
from decoders.pixelcnn_pp.network import PixelCNNPP
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.spec import ImageTarget

TARGET = ImageTarget(channels=3, height=32, width=32, levels=256)
GOALS = {("cpu", 64): 400.0, ("cpu", 32): 300.0, ("cuda", 64): 200.0, ("cuda", 32): 200.0}
COMMAND = "python -m benchmarks.sampling"


def initialised_decoder(filters: int, layers: int, device: str) -> PixelCNNPP:
    """An unconditional decoder, fitted to nothing: the cost of a draw does not depend on the weights."""
    torch.manual_seed(0)
    spec = PixelCNNPPSpec(filters=filters, layers=layers, mixtures=5)
    decoder = PixelCNNPP(spec, TARGET, None).to(device)
    decoder.initialise(torch.randint(0, 256, (16, 3, 32, 32), dtype=torch.uint8, device=device), None)
    return decoder.eval()


@torch.inference_mode()
def naive_pixels(decoder: PixelCNNPP, x: Tensor, noise: Noise, pixels: int) -> None:
    """The first steps of the naive loop."""
    for step in range(pixels):
        i, j = divmod(step, TARGET.width)
        p = decoder.parameters_of(x, None)[:, :, i, j]
        x[:, :, i, j] = decoder.mixture.draw(p, Noise(noise.gumbel[i, j], noise.logistic[i, j])).to(x.dtype)


def sampling_rows(
    filters: int, layers: int, images: int = 16, quick: bool = False, device: str = "cpu"
) -> list[Measurement]:
    """Seconds of a batch, both ways, and their ratio."""
    decoder = initialised_decoder(filters, layers, device)
    pixels, rounds = (1, 3) if quick else (4, 5)
    x = torch.zeros(images, 3, 32, 32, dtype=torch.uint8, device=device)
    noise = decoder.mixture.noise(Generator().manual_seed(0), (32, 32, images))
    noise = Noise(*(n.to(device, torch.float32) for n in noise))
    medians = interleaved_seconds(
        {
            "naive": lambda: naive_pixels(decoder, x, noise, pixels),
            "cached": lambda: decoder(None).sample(Generator().manual_seed(0), images),
        },
        rounds,
    )
    naive = medians["naive"] / pixels * TARGET.height * TARGET.width
    size, on = f"{filters}_{layers}", "" if device == "cpu" else f"_{device}"
    goal = GOALS.get((device, filters))
    return [
        Measurement(f"sampling_cached_seconds_{size}{on}", medians["cached"], "s / 16 images", None, COMMAND),
        Measurement(
            f"sampling_naive_seconds_{size}{on}_from_{pixels}", naive, "s / 16 images", None, COMMAND
        ),
        Measurement(f"sampling_speedup_{size}{on}", naive / medians["cached"], "times", goal, COMMAND),
    ]


def measure(quick: bool = False, device: str = "cpu") -> list[Measurement]:
    """All figures of this file."""
    return [row for size in ((32, 1), (64, 2)) for row in sampling_rows(*size, quick=quick, device=device)]


if __name__ == "__main__":
    chosen = arguments(__doc__)
    print_table(measure(chosen.quick, chosen.device))
