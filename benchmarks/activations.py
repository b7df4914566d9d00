"""Stored against recomputed activations: seconds for a batch of 32, bytes on disk, error of float16.

    python -m benchmarks.activations [--images 1024] [--device cpu]

The network is a ResNet (2, 2, 2, 2) with a quarter of the usual widths (16..128) on 3x32x32; the images are
noise. A time is the least of the repetitions; stored rows come from a warm page cache. "fill s" is the time
to compute and write all rows once.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ib_analysis.activations.activations import Activations
from ib_analysis.activations.compute import store_activations
from ib_analysis.activations.recomputed import RecomputedActivations
from ib_analysis.activations.store import ActivationStore, Precision
from ib_analysis.datasets.dataset import Part
from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.resnet import ResNet
from ib_analysis.encoders.specs.resnet import ResNetSpec

BATCH = 32
IMAGE = ImageShape(channels=3, height=32, width=32, levels=256)
SPEC = ResNetSpec(blocks=(2, 2, 2, 2), widths=(16, 32, 64, 128))
PRECISIONS: tuple[Precision, ...] = ("float32", "float16")


def main() -> None:
    arguments = parsed()
    part = noise(arguments.images)
    encoder = ResNet(SPEC, "classifier", IMAGE, 10)
    recomputed = RecomputedActivations(encoder, part, arguments.device)
    times = f"{'recomputed':>12}{'float32':>10}{'float16':>10}"
    print(f"{'tap':<8}{times}{'MB 32':>8}{'MB 16':>8}{'fill s':>8}{'error 16':>10}")
    for tap in recomputed.shapes:
        with tempfile.TemporaryDirectory() as folder:
            print(
                row(tap, encoder, part, recomputed, Path(folder), arguments.device, arguments.repetitions),
                flush=True,
            )


def row(
    tap: str,
    encoder: ResNet,
    part: Part,
    recomputed: RecomputedActivations,
    folder: Path,
    device: str,
    repetitions: int,
) -> str:
    """One line of the table: milliseconds for a batch of 32, megabytes, seconds to fill, relative error."""
    fills, stores = zip(*(timed_store(tap, encoder, part, folder / p, device, p) for p in PRECISIONS))
    milliseconds = [
        1000 * seconds_per_batch(source, tap, repetitions, device) for source in (recomputed, *stores)
    ]
    megabytes = [(folder / p / f"{tap}.npy").stat().st_size / 1e6 for p in PRECISIONS]
    error = relative_error(stores[0], stores[1], tap)
    times = f"{milliseconds[0]:>9.2f} ms{milliseconds[1]:>7.2f} ms{milliseconds[2]:>7.2f} ms"
    return f"{tap:<8}{times}{megabytes[0]:>8.1f}{megabytes[1]:>8.1f}{fills[0]:>8.2f}{error:>10.1e}"


def timed_store(
    tap: str, encoder: ResNet, part: Part, folder: Path, device: str, precision: Precision
) -> tuple[float, ActivationStore]:
    start = time.perf_counter()
    store = store_activations(
        encoder,
        part,
        (tap,),
        folder,
        fingerprint="noise",
        checkpoint_digest="untrained",
        device=device,
        precision=precision,
    )
    return time.perf_counter() - start, store


def seconds_per_batch(source: Activations, tap: str, repetitions: int, device: str) -> float:
    """Least of several batches, after one to warm up; on a GPU the rows are brought there and waited for."""
    rows = batches(len(source), repetitions + 1)
    return min([timed(source, tap, r, device) for r in rows][1:])


def timed(source: Activations, tap: str, rows: NDArray[np.int64], device: str) -> float:
    start = time.perf_counter()
    source.rows(tap, rows).to(device)
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return time.perf_counter() - start


def relative_error(full: ActivationStore, half: ActivationStore, tap: str) -> float:
    """Root mean square error of float16 over the root mean square of h, on 256 images."""
    rows = np.arange(min(256, len(full)))
    h = full.rows(tap, rows)
    return float((half.rows(tap, rows) - h).square().mean().sqrt() / h.square().mean().sqrt())


def batches(count: int, number: int) -> Iterator[NDArray[np.int64]]:
    rng = np.random.default_rng(0)
    return (rng.choice(count, BATCH, replace=False) for _ in range(number))


def noise(count: int) -> Part:
    images = np.random.default_rng(0).integers(0, 256, (count, 3, 32, 32), dtype=np.uint8)
    return Part("decoder", images, np.zeros(count, np.int64))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=1024)
    parser.add_argument("--repetitions", type=int, default=15)
    parser.add_argument("--device", default="cpu")
    return parser.parse_args()


if __name__ == "__main__":
    main()
