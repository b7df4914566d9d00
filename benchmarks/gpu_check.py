"""python -m benchmarks.gpu_check: one command that exercises the whole GPU path, and says what it measured.

Encoder training, a conditional PixelCNN++ fitted in bfloat16, likelihoods on GPU and CPU from the same weights, the
cached sampler against the full forward, a full-size decoder's step and memory. Ends with exit code 1 if a check fails.
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from decoders.evaluation import nats_per_example
from decoders.fitting import fit
from decoders.pixelcnn_pp.decoder import PixelCNNPP
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.spec import FitSpec, ImageTarget
from ib_analysis.activations.pairs import ImagePairs
from ib_analysis.activations.recomputed import RecomputedActivations
from ib_analysis.artefacts import read_json
from ib_analysis.datasets.dataset import Dataset
from ib_analysis.datasets.digits import Digits
from ib_analysis.datasets.prepare import open_dataset, prepare_dataset
from ib_analysis.datasets.specs.digits import DigitsSpec
from ib_analysis.decoder_fits import Piece, fit_or_reuse, fit_stacks, image_target
from ib_analysis.encoders.encoder import Encoder, ImageShape
from ib_analysis.encoders.resnet import ResNet
from ib_analysis.encoders.specs.resnet import ResNetSpec
from ib_analysis.encoders.specs.training import TrainingSpec
from ib_analysis.encoders.training.train import train
from ib_analysis.spec import Described

GPU = torch.device("cuda")
FULL_SIZE_GFLOP_AN_IMAGE = 146.0
"""Of a training step at 160 filters, 5 layers, 10 mixtures, 3x32x32."""


def main() -> int:
    if not torch.cuda.is_available():
        print("benchmarks.gpu_check: PyTorch sees no GPU here; nothing was checked.", file=sys.stderr)
        return 1
    print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}")
    failures = digits() + colour_samples() + full_size()
    for failure in failures:
        print(f"FAILED: {failure}", file=sys.stderr)
    print(f"{len(failures)} checks failed" if failures else "all checks passed")
    return min(len(failures), 1)


def digits() -> list[str]:
    """Trains, fits, evaluates and samples on real digits; what went wrong, in words."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare_dataset(Digits(DigitsSpec()), DigitsSpec(), folder / "digits")
        data = open_dataset(folder / "digits")
        encoder = ResNet(
            ResNetSpec(blocks=(1, 1), widths=(16, 32)), "classifier", ImageShape.of(data.header), 10
        )
        curve = train(
            encoder,
            data.encoder,
            TrainingSpec(epochs=10, batch_size=64),
            seed=0,
            epochs_to_keep=(0, 10),
            device=GPU,
            scratch=folder / "scratch",
            keep=lambda epoch, trained: None,
            held_out=data.decoder,
        )
        failures = [] if (curve.rows[-1].held_out_part or 0.0) > 0.8 else ["the classifier did not learn"]
        return failures + decoder_checks(encoder, data) + taps_side_by_side(encoder, data, folder)


def decoder_checks(encoder: Encoder, data: Dataset) -> list[str]:
    """bfloat16 fit, likelihoods of GPU and CPU, the cached sampler's own likelihood."""
    activations = RecomputedActivations(encoder, data.decoder, GPU)
    target = ImageTarget(channels=1, height=8, width=8, levels=17)
    spec = PixelCNNPPSpec(filters=32, layers=1, mixtures=5, dropout=0.0, context_filters=16, context_layers=1)
    decoder = PixelCNNPP(spec, target, activations.shape("h1"))
    pairs = ImagePairs(data.decoder, GPU, activations, "h1")
    fitted = fit(
        decoder, pairs, FitSpec(steps=400, batch_size=64, learning_rate=4e-3, average_decay=0.98), device=GPU
    )
    print(
        f"digits: {fitted.steps / fitted.seconds:.1f} steps a second, {fitted.holdout_nats:.1f} nats held out"
    )
    on_gpu = nats_per_example(decoder, pairs, GPU, 128)
    x, h = pairs.batch(np.arange(64))
    decoder.cpu()
    with torch.no_grad():
        on_cpu = -decoder(h.cpu() if h is not None else None).log_prob(x.cpu()).double().numpy()
    decoder.to(GPU)
    error = float(np.abs(on_gpu[:64] - on_cpu).max() / np.abs(on_cpu).mean())
    with torch.inference_mode():
        start = time.perf_counter()
        drawn = decoder(h).sample(torch.Generator(device=GPU).manual_seed(0), 4)
        torch.cuda.synchronize()
        seconds = time.perf_counter() - start
        own = float(-decoder(h).log_prob(drawn[0]).mean())
    print(
        f"likelihoods differ by {error:.1e}; {drawn[:, :, 0, 0, 0].numel() / seconds:.0f} images a second drawn"
    )
    checks = {
        "the fit did not come below 60 nats": fitted.holdout_nats < 60.0,
        "likelihoods of GPU and CPU differ by more than 1e-2": error < 1e-2,
        "own samples are not likely under the decoder": own < 1.5 * fitted.holdout_nats,
    }
    return [words for words, holds in checks.items() if not holds]


def taps_side_by_side(encoder: Encoder, data: Dataset, scratch: Path) -> list[str]:
    """The decoders of three taps, two of one shape, as a job fits them together, against their lone fits in float32."""
    activations = RecomputedActivations(encoder, data.decoder, GPU)
    spec = PixelCNNPPSpec(filters=16, layers=1, mixtures=3, dropout=0.0, context_filters=16, context_layers=1)
    recipe = FitSpec(
        steps=100,
        batch_size=32,
        learning_rate=2e-3,
        average_decay=0.98,
        evaluate_every=25,
        gradient_clip=5.0,
        precision="float32",
    )
    pieces = [
        Piece(
            f"{name}.image",
            Described(**spec.described()),
            image_target(data.header),
            activations.shape(tap),
            ImagePairs(data.decoder, GPU, activations, tap),
            recipe,
            {},
        )
        for name, tap in (("h1", "h1"), ("pooled", "pooled"), ("h1-again", "h1"))
    ]
    alone, alone_seconds = _fitted(pieces, scratch / "alone")
    start = time.perf_counter()
    fit_stacks(pieces, scratch / "together", GPU)
    stack_seconds = time.perf_counter() - start
    together, seconds_of_rest = _fitted(pieces, scratch / "together")
    apart = max(abs(a["holdout_nats"] / b["holdout_nats"] - 1) for a, b in zip(alone, together, strict=True))
    print(
        f"three taps: {alone_seconds:.1f} s one by one, {stack_seconds:.1f} s together, nats {apart:.1e} apart"
    )
    checks = {
        "a job fits its taps one by one": any(len(record["side_by_side"]) != 3 for record in together),
        "kept fits of a stack are not reused": seconds_of_rest > 1.0,
        "decoders side by side differ from their lone fits by more than 1 %": not apart < 0.01,
    }
    return [words for words, holds in checks.items() if holds]


def _fitted(pieces: Sequence[Piece], scratch: Path) -> tuple[list[dict[str, Any]], float]:
    """The record of each fit, and the seconds that all took; finished ones are reused."""
    start = time.perf_counter()
    records = [read_json(fit_or_reuse(piece, scratch, GPU) / "fit.json") for piece in pieces]
    return records, time.perf_counter() - start


def full_size(steps: int = 20, batch: int = 64) -> list[str]:
    """A step of the paper's decoder on 3x32x32 in bfloat16: images a second, TFLOP/s, memory."""
    decoder = PixelCNNPP(PixelCNNPPSpec(), ImageTarget(channels=3, height=32, width=32, levels=256), None).to(
        GPU
    )
    x = torch.randint(0, 256, (batch, 3, 32, 32), dtype=torch.uint8, device=GPU)
    decoder.initialise(x, None)
    optimizer = torch.optim.AdamW(decoder.parameters(), lr=1e-3, fused=True)
    start = 0.0
    for step in range(steps + 3):
        if step == 3:
            torch.cuda.synchronize()
            start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cuda", torch.bfloat16):
            loss = -decoder(None).log_prob(x).mean()
        loss.backward()
        optimizer.step()
    torch.cuda.synchronize()
    elapsed = time.perf_counter() - start
    rate = batch * steps / elapsed
    memory = torch.cuda.max_memory_allocated() / 2**30
    print(
        f"full size: {rate:.0f} images a second, {rate * FULL_SIZE_GFLOP_AN_IMAGE / 1000:.1f} TFLOP/s, "
        f"{memory:.1f} GiB at a batch of {batch}"
    )
    return [] if bool(torch.isfinite(loss)) else ["the loss of the full-size decoder is not finite"]


def colour_samples() -> list[str]:
    """RGB samples of the same decoder on CPU and GPU: as likely under the decoder, whoever drew them."""
    target = ImageTarget(channels=3, height=16, width=16, levels=8)
    decoder = PixelCNNPP(PixelCNNPPSpec(filters=16, layers=1, mixtures=3, dropout=0.0), target, None)
    x = torch.randint(0, 8, (64, 3, 16, 16), dtype=torch.uint8)
    decoder.initialise(x, None)
    decoder.eval()
    with torch.inference_mode():
        drawn = decoder(None).sample(torch.Generator().manual_seed(0), 64)
        decoder.to(GPU)
        on_gpu = decoder(None).sample(torch.Generator(device=GPU).manual_seed(0), 64)[:, 0]
        entropies = [
            float(-decoder(None).log_prob(images.to(GPU)).mean()) for images in (drawn[:, 0], on_gpu)
        ]
    print(f"own samples: {entropies[0]:.1f} nats drawn on the CPU, {entropies[1]:.1f} drawn on the GPU")
    return [] if abs(entropies[0] / entropies[1] - 1) < 0.05 else ["samples of CPU and GPU are not alike"]


if __name__ == "__main__":
    sys.exit(main())
