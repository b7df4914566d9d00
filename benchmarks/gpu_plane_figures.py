"""python -m benchmarks.gpu_plane_figures RUN_FOLDER OUT_FOLDER: figures and a table of a run of gpu_plane.

Writes `gpu-plane.csv` (one row a decoder, bits an image), `gpu-plane-samples.csv` (errors of draws),
`gpu-plane-curves.png` (I(x;h) against the epoch), `gpu-plane-trust.png` (codes of known entropy, and the fall against
the decoders' steps) and `gpu-plane-samples.png`.
"""

import argparse
import csv
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from scipy import stats

from decoders.training.atomic_file import replacing
from ib_analysis.errors import UserError
from ib_analysis.figures.style.figure_style import PAGE_INCHES, figure_style, paper_figure
from ib_analysis.figures.style.palette import OKABE_ITO
from ib_analysis.figures.style.saving import save_as
from ib_analysis.units import NATS_PER_BIT

Values = NDArray[np.float64]
Pixels = NDArray[np.uint8]
PARTS = ("evaluation", "seen")
MARGINAL = "p(x)"
IN_NOISE = " in noise"
BLUE, RED, GREEN = OKABE_ITO[:3]
GREY, PALE = "0.35", "0.75"
SHEETS = (("classifier", "h3"), ("classifier", "pooled"), ("autoencoder", "h4"))
"""Regimes and taps of the sample sheet."""
PANELS: tuple[tuple[tuple[str, str] | None, ...], ...] = (
    (("classifier", "h3"), ("classifier", "h4"), ("classifier", "pooled")),
    (None, ("autoencoder", "h4"), ("autoencoder", "bottleneck")),
)
"""Where each curve stands; None is the accuracy."""


@dataclass(frozen=True)
class Run:
    """What a run of gpu_plane left; cross-entropies in bits an image, (decoders, images), rows as in `members`."""

    members: list[dict[str, Any]]
    bits: dict[str, Values]
    codes: dict[str, NDArray[np.int64]]
    training: list[dict[str, str]]

    @classmethod
    def of(cls, folder: Path) -> "Run":
        """Read the files of a run.

        Raises:
            UserError: a file of the run is missing.
        """
        for name in ("members.json", "evaluation.npz", "seen.npz", "codes.npz", "curves.csv"):
            if not (folder / name).is_file():
                raise UserError(
                    f"{folder} holds no {name}: name the folder that gpu_plane wrote its results to."
                )
        nats = {part: np.load(folder / f"{part}.npz")["nats"].astype(np.float64) for part in PARTS}
        with np.load(folder / "codes.npz") as stored, (folder / "curves.csv").open() as lines:
            return cls(
                members=json.loads((folder / "members.json").read_text())["members"],
                bits={part: values / NATS_PER_BIT for part, values in nats.items()},
                codes={name: stored[name] for name in stored},
                training=list(csv.DictReader(lines)),
            )

    @cached_property
    def rows(self) -> dict[tuple[str, str, int, int, int], int]:
        """The row of each regime, tap, network, epoch and decoder seed."""
        keys = ("regime", "tap", "network", "epoch", "decoder_seed")
        return {tuple(m[key] for key in keys): i for i, m in enumerate(self.members)}

    @cached_property
    def marginal(self) -> dict[str, Values]:
        """-log2 of the average of the p(x), a density itself, of every image."""
        rows = [i for i, m in enumerate(self.members) if m["tap"] == MARGINAL]
        return {
            part: -np.logaddexp2.reduce(-bits[rows], axis=0) + math.log2(len(rows))
            for part, bits in self.bits.items()
        }

    @property
    def epochs(self) -> list[int]:
        """Of the networks' checkpoints."""
        return sorted({m["epoch"] for m in self.members if m["regime"]})

    @property
    def decoder_seeds(self) -> list[int]:
        """Of the points; p(x) may have more."""
        return sorted({m["decoder_seed"] for m in self.members if m["tap"] != MARGINAL})

    def of_networks(self, regime: str, tap: str, of: Mapping[int, Any] | Sequence[Any]) -> NDArray[Any]:
        """A quantity of rows, ordered by network, decoder seed and epoch: (networks, seeds, epochs, ...)."""
        networks = sorted({n for r, t, n, _, _ in self.rows if (r, t) == (regime, tap)})
        return np.array(
            [
                [[of[self.rows[regime, tap, n, e, s]] for e in self.epochs] for s in self.decoder_seeds]
                for n in networks
            ]
        )

    def information(self, regime: str, tap: str, part: str) -> Values:
        """CE(x) - CE(x|h) in bits, (networks, seeds, epochs)."""
        means = self.bits[part].mean(axis=1)
        found: Values = self.marginal[part].mean() - self.of_networks(regime, tap, means)
        return found

    def has(self, regime: str, tap: str) -> bool:
        """Whether that tap was reached."""
        return any((r, t) == (regime, tap) for r, t, *_ in self.rows)


@dataclass(frozen=True)
class Rung:
    """A code of known entropy, and what was found of it by each decoder seed, all in bits."""

    entropy: float
    bare: Values
    in_noise: Values


def rungs(run: Run) -> dict[str, Rung]:
    """H(code), counted on the evaluation images, beside CE(x) - CE(x|code)."""
    means, marginal = run.bits["evaluation"].mean(axis=1), run.marginal["evaluation"].mean()
    found = {}
    for stored, code in run.codes.items():
        name, part = stored.split("/")
        if part == "evaluation":
            shares = np.unique(code, return_counts=True)[1] / len(code)
            bare, in_noise = (
                np.array([marginal - means[run.rows["", tap, 0, 0, s]] for s in run.decoder_seeds])
                for tap in (name, name + IN_NOISE)
            )
            found[name] = Rung(float(-(shares * np.log2(shares)).sum()), bare, in_noise)
    return found


def fall_by_steps(run: Run, regime: str, tap: str) -> tuple[list[int], Values]:
    """CE(x|h) at the last epoch less that at the peak, on held-out images of the fits; (networks, seeds, looks)."""
    peak = int(run.information(regime, tap, "evaluation").mean(axis=(0, 1)).argmax())
    steps = [step for step, _ in run.members[run.rows[regime, tap, 0, run.epochs[0], 0]]["holdout_history"]]
    histories = [[nats for _, nats in m["holdout_history"]][: len(steps)] for m in run.members]
    shortest = min(len(h) for m, h in zip(run.members, histories) if m["regime"])
    shown = run.of_networks(regime, tap, [np.array(h[:shortest]) / NATS_PER_BIT for h in histories])
    return steps[:shortest], shown[:, :, -1] - shown[:, :, peak]


# ---- table


def table(run: Run) -> list[dict[str, Any]]:
    """One row a decoder, and one of the average of the p(x)."""
    rows = []
    for i, m in enumerate(run.members):
        row = {key: m[key] for key in ("regime", "network", "epoch", "tap", "decoder_seed")}
        row |= cross_entropies({part: bits[i] for part, bits in run.bits.items()})
        row |= {"steps": m["steps"]}
        row |= {"late_gain_bits": round(m["late_gain_nats"] / NATS_PER_BIT, 3), "best_step": m["best_step"]}
        rows.append(row if m["regime"] else row | {"network": "", "epoch": ""})
    rows.append(
        dict.fromkeys(rows[0], "") | {"tap": f"average of {MARGINAL}"} | cross_entropies(run.marginal)
    )
    return rows


def cross_entropies(bits: Mapping[str, Values]) -> dict[str, float]:
    """Means and their standard errors over images."""
    ce, seen = bits["evaluation"], bits["seen"]
    return {
        "ce_bits": round(float(ce.mean()), 3),
        "ce_stderr_bits": round(float(ce.std(ddof=1)) / math.sqrt(len(ce)), 3),
        "ce_seen_bits": round(float(seen.mean()), 3),
    }


def sample_errors(folder: Path) -> list[dict[str, Any]]:
    """Squared errors of draws against their original, by tap and epoch, levels as 0 to 1.

    Lightness is the mean of the three channels, colour what each channel differs from it. Both are means over draws,
    pixels and images, with the standard error over images. Epoch "other image" is the error of another original.
    """
    rows = []
    for path in sorted(folder.glob("samples-*.npz")):
        _, regime, tap = path.stem.split("-")
        with np.load(path) as stored:
            drawn = {name: stored[name] / 255.0 for name in stored}
        original = drawn.pop("original")
        for name, images in (drawn | {"other image": np.roll(original, 1, axis=0)[None]}).items():
            row: dict[str, Any] = {"regime": regime, "tap": tap, "epoch": name.removeprefix("epoch")}
            for kind, error in zip(("lightness", "colour"), squared_errors(images, original)):
                row[kind] = round(float(error.mean()), 5)
                row[f"{kind}_stderr"] = round(float(error.std(ddof=1)) / math.sqrt(len(error)), 5)
            rows.append(row)
    return rows


def squared_errors(drawn: Values, original: Values) -> tuple[Values, Values]:
    """Of lightness and of colour, an image each; draws (draws, images, 3, height, width)."""
    difference = drawn - original
    lightness = difference.mean(axis=2, keepdims=True)
    return (lightness**2).mean(axis=(0, 2, 3, 4)), ((difference - lightness) ** 2).mean(axis=(0, 2, 3, 4))


def write_table(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """As CSV, whole or not at all."""
    with replacing(path) as temporary, temporary.open("w", newline="") as lines:
        writer = csv.DictWriter(lines, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


# ---- figures


def draw_curves(run: Run) -> Figure:
    """I(x;h) against the epoch: each network, and their mean with its 95 % interval; the accuracy beside."""
    figure = paper_figure(PAGE_INCHES, 4.3)
    grid = figure.subplots(2, 3)
    for row, panels in enumerate(PANELS):
        for axes, panel in zip(grid[row], panels):
            if panel is None:
                draw_accuracy(axes, run)
            elif run.has(*panel):
                draw_curve(axes, run, *panel)
            else:
                axes.set_axis_off()
    low = [
        axes for axes, panel in zip(grid.flat, (p for r in PANELS for p in r)) if panel and panel[1] != "h3"
    ]
    limits = [axes.get_ylim() for axes in low if axes.has_data()]
    for axes in low:
        axes.set_ylim(min(a for a, _ in limits), max(b for _, b in limits))
    handles = [
        Line2D([], [], color=BLUE, marker="o", label="mean of networks, 95 % interval"),
        Line2D([], [], color=PALE, linewidth=0.9, label="each network"),
        Line2D([], [], color=RED, marker="x", linestyle="--", label="on images the networks learned from"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)
    return figure


def draw_curve(axes: Axes, run: Run, regime: str, tap: str) -> None:
    """One tap."""
    at = np.arange(len(run.epochs))
    networks = run.information(regime, tap, "evaluation").mean(axis=1)
    n = len(networks)
    for one in networks:
        axes.plot(at, one, color=PALE, linewidth=0.9, zorder=1)
    reach = stats.t.ppf(0.975, n - 1) * networks.std(axis=0, ddof=1) / math.sqrt(n) if n > 1 else None
    axes.errorbar(
        at, networks.mean(axis=0), yerr=reach, color=BLUE, marker="o", capsize=2, elinewidth=0.9, zorder=3
    )
    seen = run.information(regime, tap, "seen").mean(axis=(0, 1))
    axes.plot(at, seen, color=RED, marker="x", linestyle="--", linewidth=0.9, markersize=3.5, zorder=4)
    axes.set_title(f"{regime}, {tap}")
    axes.set_xticks(at, [str(e) for e in run.epochs])
    axes.set_xlabel("epoch (not to scale)")
    axes.set_ylabel("I(x;h) estimate, bits")


def draw_accuracy(axes: Axes, run: Run) -> None:
    """Accuracy of the classifiers on their own and on held-out images, every epoch."""
    for part, colour, style, words in (
        ("encoder_part", RED, "--", "own images"),
        ("held_out_part", BLUE, "-", "held out"),
    ):
        for network in sorted({row["network"] for row in run.training}):
            rows = [r for r in run.training if r["regime"] == "classifier" and r["network"] == network]
            values = [float(r[part]) for r in rows]
            axes.plot([int(r["epoch"]) for r in rows], values, color=colour, linestyle=style, linewidth=0.8)
            if network == "0":
                last, across = values[-1] - 0.06, axes.get_yaxis_transform()
                axes.text(0.97, last, words, transform=across, ha="right", va="top", color=colour)
    axes.set(title="classifier, training", xlabel="epoch", ylabel="accuracy", ylim=(0, 1.04))


def draw_trust(run: Run) -> Figure:
    """Codes of known entropy; the fall of each network and decoder; the fall against the steps of the decoders."""
    figure = paper_figure(PAGE_INCHES, 2.7)
    known, single, steps = figure.subplots(1, 3)
    draw_rungs(known, run)
    taps = [panel[1] for panel in PANELS[0] if panel and run.has(*panel)]
    draw_falls(single, run, taps)
    draw_steps(steps, run, taps)
    return figure


def draw_rungs(axes: Axes, run: Run) -> None:
    """What decoders find of codes of known entropy, each decoder seed a line."""
    found = sorted(rungs(run).values(), key=lambda rung: rung.entropy)
    entropy = [rung.entropy for rung in found]
    for values, colour, marker, words in (
        ([rung.bare for rung in found], BLUE, "o", "one-hot code"),
        ([rung.in_noise for rung in found], RED, "x", "the same in noise"),
    ):
        lines = axes.plot(
            entropy, np.array(values), color=colour, marker=marker, linewidth=0.8, markersize=3.5
        )
        lines[0].set_label(words)
    for seed, value in zip(run.decoder_seeds, found[-1].bare):
        axes.annotate(
            f"seed {seed}", (entropy[-1], value), (0, 4), textcoords="offset points", ha="center", fontsize=6
        )
    top = max(entropy) + 0.5
    axes.plot([0, top], [0, top], color=GREY, linestyle=":", label="truth")
    axes.set(title="Codes of known entropy", xlabel="H(code), bits", ylabel="I(x;code) estimate, bits")
    axes.set_ylim(0, 1.5 * max(float(rung.bare.max()) for rung in found))
    axes.legend(frameon=False, loc="upper left")


def draw_falls(axes: Axes, run: Run, taps: Sequence[str]) -> None:
    """Peak less end of every network and decoder seed; the band is what noise alone takes from a known code."""
    noise = np.concatenate([rung.bare - rung.in_noise for rung in rungs(run).values()])
    axes.axhspan(max(0.0, float(noise.min())), float(noise.max()), color="0.88", zorder=0)
    across = axes.get_yaxis_transform()
    axes.text(
        0.02,
        float(noise.min()),
        "a known code, in noise",
        transform=across,
        va="bottom",
        color=GREY,
        fontsize=6,
    )
    for part, colour, marker, shift in (("evaluation", BLUE, "o", -0.13), ("seen", RED, "x", 0.13)):
        for at, tap in enumerate(taps):
            values = run.information("classifier", tap, part)
            peak = int(run.information("classifier", tap, "evaluation").mean(axis=(0, 1)).argmax())
            falls = (values[:, :, peak] - values[:, :, -1]).ravel()
            spread = np.linspace(-0.07, 0.07, len(falls))
            axes.plot(at + shift + spread, falls, color=colour, marker=marker, linestyle="", markersize=3.5)
    axes.set_xticks(range(len(taps)), taps)
    axes.set(
        title="Fall, each network and decoder", xlabel="tap of the classifier", ylabel="peak less end, bits"
    )
    axes.set_xlim(-0.5, len(taps) - 0.5)
    axes.set_ylim(bottom=0)
    handles = [
        Line2D([], [], color=BLUE, marker="o", linestyle="", markersize=3.5, label="held out"),
        Line2D([], [], color=RED, marker="x", linestyle="", markersize=3.5, label="own images"),
    ]
    axes.legend(handles=handles, frameon=False, loc="upper left")
    axes.set_ylim(top=1.3 * axes.get_ylim()[1])


def draw_steps(axes: Axes, run: Run, taps: Sequence[str]) -> None:
    """The fall while the decoders are fitted: mean of networks and decoder seeds, least and most of the networks."""
    for tap, colour, marker in zip(taps, OKABE_ITO, "os^"):
        at, values = fall_by_steps(run, "classifier", tap)
        networks = values.mean(axis=1)
        axes.fill_between(
            at[1:], networks.min(axis=0)[1:], networks.max(axis=0)[1:], color=colour, alpha=0.15, linewidth=0
        )
        axes.plot(at[1:], networks.mean(axis=0)[1:], color=colour, marker=marker, markersize=3.5, label=tap)
    axes.axhline(0, color=GREY, linewidth=0.6)
    axes.set(title="Fall while decoders learn", xlabel="steps of the decoder", ylabel="peak less end, bits")
    axes.legend(frameon=False, loc="lower right")


# ---- samples


def enlarged(image: Pixels, scale: int) -> Pixels:
    """(3, height, width) as (height, width, 3), each pixel repeated."""
    return np.repeat(np.repeat(image, scale, axis=1), scale, axis=2).transpose(1, 2, 0)


def draw_samples(folder: Path, images: int = 4, draws: int = 2, scale: int = 4) -> Figure:
    """One row an image: the original, then draws conditioned on its h at every epoch; whole pixels only."""
    margin, gap, title, dpi = 4, 10, 34, 100
    sheets = [(regime, tap, folder / f"samples-{regime}-{tap}.npz") for regime, tap in SHEETS]
    sheets = [sheet for sheet in sheets if sheet[2].is_file()]
    if not sheets:
        raise UserError(f"{folder} holds no samples of {' or '.join(f'{r} {t}' for r, t in SHEETS)}.")
    with np.load(sheets[0][2]) as first:
        names = [name for name in first if name != "original"]
        side = first["original"].shape[-1] * scale
    group = draws * (side + 1) + gap
    width = 2 * margin + side + gap + len(names) * group
    block = title + images * (side + 1) + margin
    height = block * len(sheets)
    figure = Figure(figsize=(width / dpi, height / dpi), dpi=dpi, facecolor="white")

    def place(image: Pixels, left: int, top: int) -> None:
        figure.figimage(enlarged(image, scale), left, height - top - side, origin="upper")

    def write(words: str, left: int, top: int, **how: Any) -> None:
        figure.text(left / width, 1 - top / height, words, va="top", **how)

    for number, (regime, tap, path) in enumerate(sheets):
        top = number * block
        write(f"{regime}, {tap}", margin, top + 2, fontsize=8, fontweight="bold")
        write("original", margin, top + 18, fontsize=7)
        with np.load(path) as drawn:
            for column, name in enumerate(names):
                left = margin + side + gap + column * group
                write(f"epoch {name.removeprefix('epoch')}", left, top + 18, fontsize=7)
                for row in range(images):
                    for draw in range(draws):
                        place(
                            drawn[name][draw, row], left + draw * (side + 1), top + title + row * (side + 1)
                        )
            for row in range(images):
                place(drawn["original"][row], margin, top + title + row * (side + 1))
    return figure


# ---- all


def make_all(run_folder: Path, out: Path) -> list[Path]:
    """Everything into `out`; the paths."""
    run = Run.of(run_folder)
    out.mkdir(parents=True, exist_ok=True)
    names = "-curves.png", "-trust.png", "-samples.png", ".csv", "-samples.csv"
    paths = [out / f"gpu-plane{name}" for name in names]
    write_table(table(run), paths[3])
    write_table(sample_errors(run_folder), paths[4])
    with figure_style():
        save_as(draw_curves(run), paths[0])
        save_as(draw_trust(run), paths[1])
        with replacing(paths[2]) as temporary:
            draw_samples(run_folder).savefig(temporary, format="png", dpi=100, metadata={"Software": None})
    return paths


def run_command(program: str, description: str | None, make: Callable[[Path, Path], list[Path]]) -> int:
    """Read a folder of a run and a folder for results from the command line, make the files, and print their paths."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("run_folder", type=Path, help=f"folder that {program} wrote its results to")
    parser.add_argument("out_folder", type=Path, help="folder of the tables and the figures")
    chosen = parser.parse_args()
    try:
        paths = make(chosen.run_folder, chosen.out_folder)
    except UserError as error:
        print(f"{program}_figures: {error}", file=sys.stderr)
        return 1
    print(*paths, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(run_command("gpu_plane", __doc__, make_all))
