"""python -m benchmarks.gpu_plane: the planes of several networks on one GPU, from images to nats, in minutes.

Trains each network in both regimes, fits the decoders of one tap (networks x epochs x decoder seeds) side by side, and
writes the nats of every evaluation image under every decoder, the same for images that the networks were trained on,
and samples. A decoder reads the same float16 h in its fit and in its evaluation. Every part is written as it ends.
"""

import argparse
import csv
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from torch import Tensor

from benchmarks.gpu_networks import GPU, Networks, activations, demand_same_settings, training_networks
from decoders.errors import FitError
from decoders.fitting import Fit
from decoders.pixelcnn_pp.decoder import PixelCNNPP
from decoders.pixelcnn_pp.sampling import sample_images
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.pixelcnn_pp.stacked import StackedPixelCNNPP
from decoders.side_by_side import StackedPairs, fit_side_by_side
from decoders.spec import FitSpec, ImageTarget
from ib_analysis.datasets.dataset import Part
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.encoders.specs.training import Regime
from ib_analysis.errors import UserError

TAPS: dict[Regime, tuple[str, ...]] = {
    "classifier": ("h2", "h3", "h4", "pooled"),
    "autoencoder": ("h2", "h3", "h4", "bottleneck"),
}
EARLY = 7.0
"""Seconds that are left to write the last results."""


@dataclass(frozen=True)
class Settings:
    """Sizes of a run."""

    out: Path
    trained: Networks
    networks: int
    processes: int
    filters: int
    steps: int
    marginal_steps: int
    decoder_seeds: int
    images: int
    neighbours: int
    draws: int
    compiled: bool
    seconds: float


@dataclass(frozen=True)
class Member:
    """One decoder of a stack: which network and epoch it reads, at which tap, from which seed."""

    regime: str
    network: int
    epoch: int
    tap: str
    decoder_seed: int


# ---- decoders


@dataclass(frozen=True)
class Parts:
    """Images on the device: those that decoders are fitted to, those they are judged on, and some of the networks'."""

    decoder: Tensor
    evaluation: Tensor
    seen: Tensor
    labels: dict[str, NDArray[np.int64]]

    @classmethod
    def of(cls, settings: Settings) -> "Parts":
        """From a prepared data set."""
        data = open_dataset(settings.trained.dataset)

        def images(part: Part, count: int | None) -> Tensor:
            return torch.from_numpy(np.array(part.images[:count])).to(GPU)

        n, half = settings.images, settings.images // 2
        labels = {
            "decoder": np.array(data.decoder.labels),
            "evaluation": np.array(data.evaluation.labels[:n]),
            "seen": np.array(data.encoder.labels[:half]),
        }
        return cls(images(data.decoder, None), images(data.evaluation, n), images(data.encoder, half), labels)


def new_decoder(
    settings: Settings, size: int, context: tuple[int, ...] | None, seed: int, start: PixelCNNPP | None = None
) -> PixelCNNPP:
    """A decoder with the weights of its seed, or of the unconditional decoder `start` and new ones that read h."""
    torch.manual_seed(seed)
    spec = PixelCNNPPSpec(
        filters=settings.filters, layers=1, mixtures=5, dropout=0.0, context_filters=32, context_layers=1
    )
    decoder = PixelCNNPP(spec, ImageTarget(channels=3, height=size, width=size, levels=256), context)
    if start is not None:
        decoder.start_from(start)
    return decoder


def recipe(settings: Settings, steps: int) -> FitSpec:
    """How every decoder is fitted; only p(x) has more steps."""
    return FitSpec(
        steps=steps,
        batch_size=32,
        learning_rate=4e-3,
        pretrained_rate=1.0,
        warmup_steps=min(100, steps // 4),
        gradient_clip=300.0,
        average_decay=0.99,
        holdout=0.05,
        evaluate_every=max(1, steps // 8),
        precision="mixed",
    )


@torch.no_grad()
def nats_of(decoders: Sequence[PixelCNNPP], x: Tensor, h: Sequence[Tensor] | None) -> NDArray[np.float32]:
    """-log q of every image under every decoder, float32 arithmetic, (members, images)."""
    stack = StackedPixelCNNPP(decoders).to(GPU).eval()
    width = max(1, 2048 // len(decoders))
    blocks = []
    for start in range(0, len(x), width):
        block = x[start : start + width].expand(len(decoders), -1, -1, -1, -1)
        read = None if h is None else torch.stack([one[start : start + width] for one in h]).float()
        blocks.append(stack(block, read))
    found: NDArray[np.float32] = torch.cat(blocks, 1).cpu().numpy()
    return found


class Results:
    """Nats and facts of the members so far, written whole after every stack."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.members: list[dict[str, Any]] = []
        self.nats: dict[str, list[NDArray[np.float32]]] = {"evaluation": [], "seen": []}
        self.marginals: list[PixelCNNPP] = []
        self.start = time.monotonic()

    def add(
        self, members: Sequence[dict[str, Any]], fits: Sequence[Fit], nats: dict[str, NDArray[np.float32]]
    ) -> None:
        """Take in a stack."""
        for member, fitted in zip(members, fits, strict=True):
            record = {k: v for k, v in fitted.as_dict().items() if k != "history"}
            record["holdout_history"] = [(row.step, round(row.holdout_nats, 3)) for row in fitted.history]
            self.members.append(dict(member) | record)
        for name, values in nats.items():
            self.nats[name].append(values)
        self.write()

    def write(self) -> None:
        """`members.json` in the order of the rows of `evaluation.npz` and `seen.npz`."""
        out = self.settings.out
        facts = {k: str(v) for k, v in asdict(self.settings).items()}
        device = torch.cuda.get_device_name() if GPU.type == "cuda" else "cpu"
        about = {"device": device, "torch": str(torch.__version__), "settings": facts}
        (out / "members.json").write_text(json.dumps(about | {"members": self.members}))
        for name, blocks in self.nats.items():
            np.savez_compressed(out / f"{name}.npz", nats=np.concatenate(blocks))

    def left(self) -> float:
        """Seconds until everything must be written."""
        return self.settings.seconds - (time.monotonic() - self.start) - EARLY

    def say(self, words: str) -> None:
        """One line with the time."""
        print(f"[{time.monotonic() - self.start:6.1f} s] {words}", flush=True)


def fit_marginals(settings: Settings, parts: Parts, results: Results, seeds: int = 3) -> None:
    """p(x) of several seeds, longer than the points."""
    size = parts.decoder.shape[-1]
    decoders = [new_decoder(settings, size, None, seed) for seed in range(seeds)]
    pairs = StackedPairs(parts.decoder, None, seeds)
    fits = fit_side_by_side(
        decoders, pairs, recipe(settings, settings.marginal_steps), range(seeds), device=GPU, label="p(x)"
    )
    nats = {
        "evaluation": nats_of(decoders, parts.evaluation, None),
        "seen": nats_of(decoders, parts.seen, None),
    }
    results.add([asdict(Member("", 0, 0, "p(x)", seed)) for seed in range(seeds)], fits, nats)
    results.marginals = decoders


def codes(parts: Parts) -> Iterator[tuple[str, dict[str, NDArray[np.int64]]]]:
    """Rungs of known information: the label, and k-means codes fitted on the decoder part."""
    yield "label", parts.labels

    def flat(x: Tensor) -> NDArray[np.float32]:
        return x.flatten(1).float().cpu().numpy()

    images = {name: flat(getattr(parts, name)) for name in ("decoder", "evaluation", "seen")}
    for k in (4, 16, 64, 256):
        found = KMeans(k, n_init=1, max_iter=30, random_state=0).fit(images["decoder"][:8000])
        yield f"kmeans{k}", {name: found.predict(rows).astype(np.int64) for name, rows in images.items()}


def fit_rungs(settings: Settings, parts: Parts, results: Results) -> None:
    """Every code as a one-hot vector of 256 units, bare and in noise; `codes.npz` holds the codes."""
    members, h = [], []
    kept: dict[str, Any] = {}
    for name, code in codes(parts):
        kept |= {f"{name}/{part}": values for part, values in code.items()}
        for noise in (0.0, 1.0):
            told = {}
            for p, (part, values) in enumerate(code.items()):
                one_hot = np.eye(256, dtype=np.float32)[values]
                draws = np.random.default_rng([7, p]).standard_normal(one_hot.shape, dtype=np.float32)
                told[part] = torch.from_numpy(one_hot * 16 + noise * draws).half().to(GPU)
            for seed in range(settings.decoder_seeds):
                members.append(Member("", 0, 0, name + (" in noise" if noise else ""), seed))
                h.append(told)
    np.savez_compressed(settings.out / "codes.npz", **kept)
    fit_stack(settings, parts, results, members, h, "rungs")


def fit_stack(
    settings: Settings,
    parts: Parts,
    results: Results,
    members: Sequence[Member],
    h: Sequence[dict[str, Tensor]],
    label: str,
) -> list[PixelCNNPP]:
    """Fit, judge and record the decoders of one shape of h."""
    size, shape = parts.decoder.shape[-1], tuple(h[0]["decoder"].shape[1:])
    starts = results.marginals
    decoders = [
        new_decoder(settings, size, shape, member.decoder_seed, starts[member.decoder_seed])
        for member in members
    ]
    pairs = StackedPairs(parts.decoder, tuple(one["decoder"] for one in h), len(members))
    begun = time.monotonic()
    fits = fit_side_by_side(
        decoders,
        pairs,
        recipe(settings, settings.steps),
        [member.decoder_seed for member in members],
        device=GPU,
        compiled=settings.compiled,
        label=label,
    )
    fitted = time.monotonic()
    nats = {
        name: nats_of(decoders, getattr(parts, name), [one[name] for one in h])
        for name in ("evaluation", "seen")
    }
    results.add([asdict(member) for member in members], fits, nats)
    rate = len(members) * settings.steps / (fitted - begun)
    results.say(
        f"{label}: {len(members)} decoders, {rate:.0f} decoder-steps/s, judged in {time.monotonic() - fitted:.1f} s, "
        f"{torch.cuda.max_memory_allocated() / 2**30 if GPU.type == 'cuda' else 0:.1f} GiB"
    )
    return decoders


def fit_tap(settings: Settings, parts: Parts, results: Results, regime: Regime, tap: str) -> None:
    """All networks, epochs and decoder seeds of a tap, then samples of the first network."""
    members, h = [], []
    for network in range(settings.networks):
        for epoch in settings.trained.epochs:
            told: dict[str, Tensor] = {}
            for seed in range(settings.decoder_seeds):
                member = Member(regime, network, epoch, tap, seed)
                if not told:
                    told = {
                        name: activations(settings.trained, regime, network, epoch, tap, getattr(parts, name))
                        for name in ("decoder", "evaluation", "seen")
                    }
                members.append(member)
                h.append(told)
    decoders = fit_stack(settings, parts, results, members, h, f"{regime} {tap}")
    if results.left() > 0 and settings.draws:
        draw(settings, parts, results, decoders, members, h)
    if results.left() > 0 and settings.neighbours:
        mix_neighbours(settings, parts, results, decoders, members, h)


@torch.no_grad()
def draw(
    settings: Settings,
    parts: Parts,
    results: Results,
    decoders: Sequence[PixelCNNPP],
    members: Sequence[Member],
    h: Sequence[dict[str, Tensor]],
) -> None:
    """Samples of twelve evaluation images at every epoch of the first network, from its first decoder seed."""
    tap = members[0].tap
    drawn: dict[str, Any] = {"original": parts.evaluation[:12].cpu().numpy()}
    for decoder, member, told in zip(decoders, members, h, strict=True):
        if member.network or member.decoder_seed or results.left() < 0:
            continue
        s = decoder(told["evaluation"][:12].float()).context
        generator = torch.Generator(device=GPU).manual_seed(0)
        drawn[f"epoch{member.epoch}"] = sample_images(decoder, s, generator, settings.draws).cpu().numpy()
    np.savez_compressed(settings.out / f"samples-{members[0].regime}-{tap}.npz", **drawn)
    results.say(f"samples of {members[0].regime} {tap}")


@torch.no_grad()
def mix_neighbours(
    settings: Settings,
    parts: Parts,
    results: Results,
    decoders: Sequence[PixelCNNPP],
    members: Sequence[Member],
    h: Sequence[dict[str, Tensor]],
    images: int = 1000,
) -> None:
    """-log of 1/N sum_j q(x | h_j) over the nearest h_j of the N images of the decoder part: a density of x."""
    last = max(member.epoch for member in members)
    kept = {}
    for decoder, member, told in zip(decoders, members, h, strict=True):
        if member.network or member.decoder_seed or member.epoch != last:
            continue
        others, own = told["decoder"].flatten(1).float(), told["evaluation"][:images].flatten(1).float()
        scale = others.std(0).clamp(min=1e-3)
        distance = torch.cdist(own / scale, others / scale)
        nearest = distance.topk(settings.neighbours, largest=False).indices
        terms = []
        for start in range(0, len(own), 64):
            rows = nearest[start : start + 64]
            x = parts.evaluation[start : start + len(rows)].repeat_interleave(settings.neighbours, 0)
            terms.append(decoder(told["decoder"][rows.flatten()].float()).log_prob(x).view(len(rows), -1))
        mixture = torch.logsumexp(torch.cat(terms), 1) - np.log(len(others))
        kept[f"{member.regime}/{member.tap}/epoch{last}"] = (-mixture).cpu().numpy()
    path = settings.out / f"mixture-{members[0].regime}-{members[0].tap}.npz"
    np.savez_compressed(path, **kept)


def run(settings: Settings) -> None:
    """Everything, most wanted first; what would begin too late is left out."""
    settings.out.mkdir(parents=True, exist_ok=True)
    demand_same_settings(settings.out, settings.trained.sizes, settings.trained.dataset)
    results = Results(settings)
    parts = Parts.of(settings)
    jobs = [(regime, seed) for seed in range(settings.networks) for regime in TAPS]
    with training_networks(settings.trained, jobs, settings.processes, settings.out / "curves.csv"):
        fit_marginals(settings, parts, results)
        results.say("p(x) fitted")
        fit_rungs(settings, parts, results)
    results.say("networks trained")
    for line in list(csv.reader((settings.out / "curves.csv").open()))[1:]:
        if int(line[2]) in settings.trained.epochs:
            print(*line, flush=True)
    order: list[tuple[Regime, str]] = [
        ("classifier", "h4"),
        ("autoencoder", "h4"),
        ("classifier", "pooled"),
        ("autoencoder", "bottleneck"),
        ("classifier", "h3"),
        ("autoencoder", "h3"),
        ("classifier", "h2"),
        ("autoencoder", "h2"),
    ]
    longest = 0.0
    for regime, tap in order:
        begun = time.monotonic()
        if results.left() < longest:
            results.say(f"{regime} {tap}: not reached")
            continue
        try:
            fit_tap(settings, parts, results, regime, tap)
        except FitError as error:
            results.say(f"{regime} {tap}: {error}")
        torch.cuda.empty_cache()
        longest = max(longest, time.monotonic() - begun)
    results.say("done")


def settings_of(chosen: argparse.Namespace) -> Settings:
    """From the command line; --smoke makes everything tiny."""
    tiny = bool(chosen.smoke)
    epochs = (0, 1, 2) if tiny else tuple(chosen.epochs)
    trained = Networks(
        dataset=chosen.dataset,
        folder=chosen.out / "networks",
        widths=(16, 32, 64, 128) if tiny else tuple(chosen.widths),
        blocks=1,
        bottleneck=32 if tiny else 256,
        epochs=epochs,
        batch_size=chosen.batch_size,
        learning_rate=chosen.learning_rate,
        weight_decay=5e-4,
    )
    return Settings(
        out=chosen.out,
        trained=trained,
        networks=1 if tiny else chosen.networks,
        processes=2 if tiny else chosen.processes,
        filters=16 if tiny else chosen.filters,
        steps=20 if tiny else chosen.steps,
        marginal_steps=20 if tiny else chosen.marginal_steps,
        decoder_seeds=1 if tiny else chosen.decoder_seeds,
        images=256 if tiny else chosen.images,
        neighbours=4 if tiny else 32,
        draws=1 if tiny else 3,
        compiled=chosen.compiled,
        seconds=chosen.seconds,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--dataset", type=Path, required=True, help="folder of a prepared data set of square images"
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--networks", type=int, default=3)
    parser.add_argument("--processes", type=int, default=6)
    parser.add_argument("--widths", type=int, nargs="+", default=[64, 128, 256, 512])
    parser.add_argument("--epochs", type=int, nargs="+", default=[0, 1, 3, 10, 25, 50])
    parser.add_argument("--batch_size", type=int, default=128)
    parser.add_argument("--learning_rate", type=float, default=0.1)
    parser.add_argument("--filters", type=int, default=24)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--marginal_steps", type=int, default=6000)
    parser.add_argument("--decoder_seeds", type=int, default=2)
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--seconds", type=float, default=500.0, help="nothing begins that would end later")
    parser.add_argument("--compiled", action="store_true")
    parser.add_argument("--smoke", action="store_true", help="tiny, to see that all of it runs")
    try:
        run(settings_of(parser.parse_args()))
    except UserError as error:
        print(f"gpu_plane: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
