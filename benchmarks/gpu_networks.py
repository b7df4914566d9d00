"""Networks that benchmarks.gpu_plane and benchmarks.gpu_gallery measure: trained several at once, then read."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from shutil import rmtree
from typing import Any

import torch
from torch import Tensor

from decoders.training.atomic_file import replacing
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.encoders.checkpoint import checkpoint_name, load_checkpoint, save_checkpoint
from ib_analysis.encoders.encoder import Encoder, ImageShape
from ib_analysis.encoders.resnet import ResNet
from ib_analysis.encoders.specs.resnet import ResNetSpec
from ib_analysis.encoders.specs.training import Regime, TrainingSpec
from ib_analysis.encoders.training.train import train
from ib_analysis.errors import UserError

SETTINGS = "settings.json"
GPU = torch.device("cuda" if torch.cuda.is_available() else "cpu")
CURVE_HEADER = "regime,network,epoch,learning_rate,loss,metric,encoder_part,held_out_part,seconds\n"


@dataclass(frozen=True)
class Networks:
    """ResNets of one size on one data set; `folder` holds one folder of checkpoints for each regime and seed."""

    dataset: Path
    folder: Path
    widths: tuple[int, ...]
    blocks: int
    bottleneck: int
    epochs: tuple[int, ...]
    batch_size: int
    learning_rate: float
    weight_decay: float
    flip: bool = False

    @property
    def sizes(self) -> dict[str, Any]:
        """Plain values of everything but the folders."""
        return {name: value for name, value in asdict(self).items() if name not in ("dataset", "folder")}

    def of(self, regime: Regime, seed: int) -> Path:
        """Folder of the checkpoints and of the curve of a network."""
        return self.folder / f"{regime}-{seed}"

    def training(self, regime: Regime) -> TrainingSpec:
        """How a network is trained; weight decay is of the classifier, and hardly any of the autoencoder."""
        return TrainingSpec(
            epochs=self.epochs[-1],
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay if regime == "classifier" else 1e-5,
            schedule="steps",
            warmup_epochs=1.0,
            gradient_clip=5.0,
            flip=self.flip,
        )


def demand_same_settings(out: Path, settings: dict[str, Any], dataset: Path) -> None:
    """Keep the settings of a run beside its parts; the next run into the folder must have the same.

    Args:
        out: folder of the run.
        settings: plain values; what may differ between two runs is left out.
        dataset: folder of the prepared images, which are known by their fingerprint.

    Raises:
        UserError: the parts in the folder were made from other settings or other images.
    """
    fingerprint = open_dataset(dataset).header.fingerprint
    wanted = json.loads(json.dumps(settings | {"images": fingerprint}, default=str))
    path = out / SETTINGS
    kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else wanted
    other = sorted(name for name in kept.keys() | wanted.keys() if kept.get(name) != wanted.get(name))
    if other:
        was, now = kept.get(other[0]), wanted.get(other[0])
        raise UserError(
            f"{out} holds parts made with {other[0]} {was}, and this run has {now}: choose another --out, or the same "
            "settings"
        )
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(wanted, indent=1), encoding="utf-8")


def train_network(networks: Networks, regime: Regime, seed: int) -> str:
    """Train one network in this process, unless its curve is there; the curve as CSV lines."""
    folder = networks.of(regime, seed)
    finished = folder / "curve.csv"
    if finished.is_file():
        return finished.read_text(encoding="utf-8")
    torch.backends.cudnn.benchmark = False
    data = open_dataset(networks.dataset)
    spec = ResNetSpec(
        blocks=(networks.blocks,) * len(networks.widths),
        widths=networks.widths,
        bottleneck=networks.bottleneck,
    )
    network = ResNet(spec, regime, ImageShape.of(data.header), len(data.header.class_names))
    folder.mkdir(parents=True, exist_ok=True)

    def keep(epoch: int, trained: Encoder) -> None:
        save_checkpoint(trained, folder / checkpoint_name(epoch), epoch=epoch, seed=seed)

    curve = train(
        network,
        data.encoder,
        networks.training(regime),
        seed=seed,
        epochs_to_keep=networks.epochs,
        device=GPU,
        scratch=folder / "scratch",
        keep=keep,
        held_out=data.decoder,
        label=f"{regime} {seed}",
    )
    rows = [asdict(row) for row in curve.rows]
    text = "".join(f"{regime},{seed}," + ",".join(str(row[key]) for key in rows[0]) + "\n" for row in rows)
    with replacing(finished) as path:
        path.write_text(text, encoding="utf-8")
    rmtree(folder / "scratch")
    return text


@contextmanager
def training_networks(
    networks: Networks, jobs: Sequence[tuple[Regime, int]], processes: int, curves: Path
) -> Iterator[None]:
    """All networks, several processes at once, beside what is done inside; their curves when they are done."""
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        futures = [pool.submit(train_network, networks, regime, seed) for regime, seed in jobs]
        yield
        texts = [future.result() for future in futures]
    curves.write_text(CURVE_HEADER + "".join(texts), encoding="utf-8")


@torch.no_grad()
def activations(networks: Networks, regime: Regime, seed: int, epoch: int, tap: str, x: Tensor) -> Tensor:
    """h of images at an epoch and a tap of a network, float16, (images, *shape)."""
    encoder = load_checkpoint(networks.of(regime, seed) / checkpoint_name(epoch)).encoder.to(GPU).eval()
    blocks = [encoder.activations(block, (tap,))[tap].half() for block in x.split(2048)]
    return torch.cat(blocks)
