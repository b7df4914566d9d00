"""python -m benchmarks.gpu_gallery: what the layers of a ResNet keep of CIFAR-10 at 32x32, within minutes of one GPU.

Trains a network a regime beside a long fit of p(x), then fits one decoder a point, each from that p(x), and keeps the
nats and samples of images that neither saw. Each part is written whole, and the next run does what is missing: the time
of several runs adds up. `benchmarks.gpu_gallery_figures` makes the table and the pictures.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.gpu_networks import GPU, Networks, activations, demand_same_settings, training_networks
from decoders.errors import DecoderError, FitError
from decoders.evaluation import nats_per_example
from decoders.fitting import fit
from decoders.pairs import TensorPairs
from decoders.pixelcnn_pp.decoder import PixelCNNPP
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.saving import load_decoder, save_decoder
from decoders.spec import FitSpec, ImageTarget
from decoders.training.atomic_file import replacing
from decoders.training.disk import DiskError
from ib_analysis.datasets.cifar10 import Cifar10
from ib_analysis.datasets.dataset import Part
from ib_analysis.datasets.prepare import open_dataset, prepare_dataset
from ib_analysis.datasets.specs.cifar import Cifar10Spec
from ib_analysis.datasets.specs.source import Shares
from ib_analysis.encoders.specs.training import Regime
from ib_analysis.errors import UserError

TAPS: dict[Regime, tuple[str, ...]] = {
    "classifier": ("pooled", "h4", "h3", "h2", "h1"),
    "autoencoder": ("bottleneck", "h4", "h3", "h2", "h1"),
}
MARGINAL, LABEL = "p(x)", "label"


@dataclass(frozen=True)
class Point:
    """What a decoder is told: nothing, the label, or h of a tap."""

    tap: str
    regime: Regime | None = None
    epoch: int = 0

    @property
    def name(self) -> str:
        """Stem of the point's files."""
        return f"{self.regime}-epoch{self.epoch}-{self.tap}" if self.regime else self.tap.replace("(x)", "x")


@dataclass(frozen=True)
class Settings:
    """Sizes of a run; two runs into one folder must agree in all but the seconds (`demand_same_settings`)."""

    out: Path
    trained: Networks
    filters: int
    layers: int
    marginal_steps: int
    marginal_batch: int
    steps: int
    batch: int
    images: int
    drawn: int
    draws: int
    seconds: float

    @property
    def sizes(self) -> dict[str, Any]:
        """Plain values of everything but the folders and the seconds."""
        own = {
            name: value for name, value in asdict(self).items() if name not in ("out", "trained", "seconds")
        }
        return own | self.trained.sizes

    def points(self) -> Iterator[Point]:
        """Most wanted first: the trained classifier, its start, the trained autoencoder, and what lies between."""
        yield Point(MARGINAL)
        yield Point(LABEL)
        first, *between, last = self.trained.epochs
        order: tuple[tuple[Regime, tuple[int, ...]], ...] = (
            ("classifier", (last, first)),
            ("autoencoder", (last,)),
            ("classifier", tuple(between)),
            ("autoencoder", (first, *between)),
        )
        for regime, epochs in order:
            for epoch in epochs:
                yield from (Point(tap, regime, epoch) for tap in TAPS[regime])


@dataclass(frozen=True)
class Images:
    """Images and labels on the device: those that decoders are fitted to, and those they are judged on."""

    x: Tensor
    y: Tensor

    @classmethod
    def of(cls, part: Part, count: int | None = None) -> "Images":
        """The first images of a part."""
        x = torch.from_numpy(np.array(part.images[:count])).to(GPU)
        return cls(x, torch.from_numpy(np.array(part.labels[:count]).astype(np.int64)).to(GPU))


class Gallery:
    """A run: its clock, its images and its files."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.start = time.monotonic()
        data = open_dataset(settings.trained.dataset)
        self.decoder, self.evaluation = (
            Images.of(data.decoder),
            Images.of(data.evaluation, settings.images),
        )
        self.classes = len(data.header.class_names)

    def left(self) -> float:
        """Seconds until the run must have ended."""
        return self.settings.seconds - (time.monotonic() - self.start)

    def say(self, words: str) -> None:
        """One line with the time."""
        print(f"[{time.monotonic() - self.start:6.1f} s] {words}", flush=True)

    def new_decoder(self, context: tuple[int, ...] | None) -> PixelCNNPP:
        """A decoder with new weights."""
        torch.manual_seed(0)
        s = self.settings
        spec = PixelCNNPPSpec(
            filters=s.filters,
            layers=s.layers,
            mixtures=5,
            dropout=0.0,
            context_filters=s.filters // 2,
            context_layers=1,
        )
        channels, height, width = self.decoder.x.shape[1:]
        target = ImageTarget(channels=channels, height=height, width=width, levels=256)
        return PixelCNNPP(spec, target, context)

    def recipe(self, steps: int, batch: int, rate: float) -> FitSpec:
        """How a decoder is fitted."""
        return FitSpec(
            steps=steps,
            batch_size=batch,
            learning_rate=rate,
            pretrained_rate=1.0,
            warmup_steps=min(200, steps // 5),
            gradient_clip=300.0,
            average_decay=0.99,
            holdout=0.02,
            evaluate_every=max(1, steps // 4),
            precision="mixed",
        )

    def told(self, point: Point, images: Images) -> Tensor | None:
        """h of the images, as float16 holds it, (images, *shape) float32."""
        if point.tap == MARGINAL:
            return None
        if point.regime is None:
            return torch.nn.functional.one_hot(images.y, self.classes).float()
        trained = self.settings.trained
        return activations(trained, point.regime, 0, point.epoch, point.tap, images.x).float()

    def fit_pretrained(self) -> PixelCNNPP:
        """The long fit of p(x) that every point starts from; a fit that was interrupted goes on."""
        path, s = self.settings.out / "pretrained.safetensors", self.settings
        if path.is_file():
            found = load_decoder(path)
            assert isinstance(found, PixelCNNPP)
            return found
        decoder, state = self.new_decoder(None), s.out / "pretrained-state.safetensors"
        fitted = fit(
            decoder,
            TensorPairs(self.decoder.x),
            self.recipe(s.marginal_steps, s.marginal_batch, 4e-3),
            device=GPU,
            state_path=state,
            label="p(x)",
        )
        self.write_facts("pretrained", fitted.as_dict())
        save_decoder(decoder, path)
        state.unlink(missing_ok=True)
        self.say(
            f"p(x): {fitted.holdout_nats:.0f} nats held out, "
            f"{fitted.steps * s.marginal_batch / fitted.seconds:.0f} images a second"
        )
        return decoder.cpu()

    def fit_point(self, point: Point, pretrained: PixelCNNPP) -> None:
        """Fit, judge and draw; writes the point's files."""
        s, begun = self.settings, time.monotonic()
        h, judged = self.told(point, self.decoder), self.told(point, self.evaluation)
        decoder = self.new_decoder(None if h is None else tuple(h.shape[1:]))
        decoder.start_from(pretrained)
        pairs = TensorPairs(self.decoder.x, h)
        fitted = fit(decoder, pairs, self.recipe(s.steps, s.batch, 2e-3), device=GPU, label=point.name)
        fit_seconds = time.monotonic() - begun
        nats = nats_per_example(decoder, TensorPairs(self.evaluation.x, judged), GPU, 512)
        drawn = self.draw(decoder, judged)
        with replacing(s.out / "points" / f"{point.name}.npz") as path:
            np.savez_compressed(path, nats=nats.astype(np.float32), drawn=drawn)
        seconds = time.monotonic() - begun
        self.write_facts(
            f"points/{point.name}",
            asdict(point) | fitted.as_dict() | {"fit_seconds": fit_seconds, "point_seconds": seconds},
        )
        self.say(f"{point.name}: {nats.mean():.1f} nats, {seconds:.1f} s, {fit_seconds:.1f} of them the fit")

    @torch.no_grad()
    def draw(self, decoder: PixelCNNPP, h: Tensor | None) -> np.ndarray:
        """Samples of the first evaluation images, (draws, images, C, H, W) uint8."""
        s, generator = self.settings, torch.Generator(device=GPU).manual_seed(0)
        if h is None:
            found = decoder(None).sample(generator, s.draws * s.drawn)
            return found.cpu().numpy().reshape(s.draws, s.drawn, *found.shape[2:])
        found = decoder(h[: s.drawn]).sample(generator, s.draws)
        drawn: np.ndarray = found.cpu().numpy()
        return drawn

    def write_facts(self, name: str, facts: dict[str, object]) -> None:
        """What is known of a fit, with the machine and the sizes of the run."""
        device = torch.cuda.get_device_name() if GPU.type == "cuda" else "cpu"
        about = {"device": device, "torch": str(torch.__version__), "settings": self.settings.sizes}
        with replacing(self.settings.out / f"{name}.json") as path:
            path.write_text(json.dumps(about | facts), encoding="utf-8")


def run(settings: Settings) -> list[str]:
    """Everything that is missing, most wanted first, while there is time; the names of points that cannot be fitted.

    Raises:
        UserError: the folder holds parts of a run with other settings.
    """
    settings.out.mkdir(parents=True, exist_ok=True)
    demand_same_settings(settings.out, settings.sizes, settings.trained.dataset)
    gallery = Gallery(settings)
    jobs: list[tuple[Regime, int]] = [(regime, 0) for regime in TAPS]
    with training_networks(settings.trained, jobs, len(jobs), settings.out / "curves.csv"):
        gallery.say("networks begun")
        pretrained = gallery.fit_pretrained()
    gallery.say("networks trained")
    for line in (settings.out / "curves.csv").read_text(encoding="utf-8").splitlines():
        if not line[-1].isdigit() or int(line.split(",")[2]) in settings.trained.epochs:
            print(line, flush=True)
    x, y = gallery.evaluation.x[: settings.drawn].cpu().numpy(), gallery.evaluation.y.cpu().numpy()
    with replacing(settings.out / "originals.npz") as path:
        np.savez_compressed(path, x=x, y=y)
    return fit_points(gallery, pretrained)


def fit_points(gallery: Gallery, pretrained: PixelCNNPP) -> list[str]:
    """The points that are missing, until the longest one so far would end too late; the names of those that failed."""
    folder = gallery.settings.out / "points"
    failed: list[str] = []
    earlier = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")]
    longest = max((facts["point_seconds"] for facts in earlier), default=0.0)
    for point in gallery.settings.points():
        if (folder / f"{point.name}.json").is_file():
            continue
        if gallery.left() < 1.2 * longest:
            gallery.say(f"{point.name}: not reached, and none after it")
            return failed
        begun = time.monotonic()
        try:
            gallery.fit_point(point, pretrained)
        except FitError as error:
            gallery.say(f"{point.name}: {error}")
            failed.append(point.name)
        torch.cuda.empty_cache()
        longest = max(longest, time.monotonic() - begun)
    gallery.say("all points are there" if not failed else "all other points are there")
    return failed


def settings_of(chosen: argparse.Namespace) -> Settings:
    """From the command line; --smoke makes everything tiny."""
    tiny = bool(chosen.smoke)
    trained = Networks(
        dataset=chosen.dataset,
        folder=chosen.out / "networks",
        widths=(8, 8, 16, 16) if tiny else (32, 64, 128, 256),
        blocks=1 if tiny else 2,
        bottleneck=16 if tiny else 256,
        epochs=(0, 1, 2) if tiny else tuple(chosen.epochs),
        batch_size=128,
        learning_rate=0.1,
        weight_decay=5e-4,
        flip=True,
    )
    return Settings(
        out=chosen.out,
        trained=trained,
        filters=16 if tiny else 64,
        layers=1 if tiny else 2,
        marginal_steps=20 if tiny else chosen.marginal_steps,
        marginal_batch=16 if tiny else 128,
        steps=10 if tiny else chosen.steps,
        batch=16 if tiny else 64,
        images=64 if tiny else 4000,
        drawn=4 if tiny else 48,
        draws=2 if tiny else 4,
        seconds=chosen.seconds,
    )


def prepare_cifar10(folder: Path) -> None:
    """CIFAR-10 in three parts, unless it is there.

    Raises:
        UserError: the images are neither here nor to be had.
    """
    if not (folder / "header.json").is_file():
        spec = Cifar10Spec(shares=Shares(encoder=0.4, decoder=0.5, evaluation=0.1))
        prepare_dataset(Cifar10(spec), spec, folder)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--dataset", type=Path, help="folder of a prepared data set of square images; by default CIFAR-10"
    )
    parser.add_argument("--out", type=Path, required=True, help="the same folder continues a run")
    parser.add_argument("--epochs", type=int, nargs="+", default=[0, 2, 30])
    parser.add_argument("--marginal_steps", type=int, default=3000)
    parser.add_argument("--steps", type=int, default=700)
    parser.add_argument(
        "--seconds",
        type=float,
        default=480.0,
        help="no point begins that would end later; the networks and p(x) are made in any case",
    )
    parser.add_argument("--smoke", action="store_true", help="tiny, to see that all of it runs")
    chosen = parser.parse_args()
    if GPU.type != "cuda" and not chosen.smoke:
        print("gpu_gallery: PyTorch sees no GPU here; --smoke tries it on the processor.", file=sys.stderr)
        return 1
    try:
        if chosen.dataset is None:
            chosen.dataset = chosen.out / "dataset"
            prepare_cifar10(chosen.dataset)
        failed = run(settings_of(chosen))
    except (UserError, DecoderError, DiskError) as error:
        print(f"gpu_gallery: {error}", file=sys.stderr)
        return 1
    if failed:
        print(f"gpu_gallery: no fit of {', '.join(failed)}: see above why.", file=sys.stderr)
    return min(1, len(failed))


if __name__ == "__main__":
    sys.exit(main())
