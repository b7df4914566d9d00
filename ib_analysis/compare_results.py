"""python -m ib_analysis compare results/a results/b: one page with both planes and the differences at equal taps."""

from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ib_analysis.artefacts import read_json, undamaged
from ib_analysis.errors import UserError
from ib_analysis.experiment import Experiment, load_experiment
from ib_analysis.figures.samples import read_samples
from ib_analysis.forgetting.table import ForgettingRow
from ib_analysis.information.inference.network_comparison import compare_networks
from ib_analysis.information.inference.repeated_fits import FitSpread
from ib_analysis.information.measurement.evaluation import INFORMATION
from ib_analysis.information.measurement.repeated_evaluation import RepeatedEvaluation
from ib_analysis.information.tables.controls import ControlRow
from ib_analysis.information.tables.difference import DifferenceRow, difference_row
from ib_analysis.information.tables.information import InformationRow
from ib_analysis.point import Target
from ib_analysis.report.comparison import (
    ComparisonContent,
    difference_sentence,
    totals_sentence,
    write_comparison,
)
from ib_analysis.report.content import Illustration
from ib_analysis.report.explorer.block import Explored
from ib_analysis.report.text.of_samples import said_of_samples
from ib_analysis.rows import read_rows, write_rows
from ib_analysis.stages.tabulate_information import Measured, read_measured
from ib_analysis.stages.write_report import fit_summaries

Values = NDArray[np.float64]
Side = tuple[str, str]
"""An encoder and a regime."""
R = TypeVar("R")


@dataclass(frozen=True)
class Results:
    """A finished experiment: its folder, its configuration, and everything that was evaluated."""

    name: str
    folder: Path
    experiment: Experiment
    measured: Measured

    @property
    def sides(self) -> dict[Side, list[RepeatedEvaluation]]:
        """The networks of each encoder and regime, one a seed."""
        found: dict[Side, list[RepeatedEvaluation]] = {}
        for network in self.measured.networks:
            found.setdefault(network.network[:2], []).append(network)
        return found


def main(arguments: Sequence[str]) -> None:
    """Write the page and its table, and print what they say.

    Raises:
        UserError: a folder without finished results, or experiments that were not evaluated on the same images.
    """
    parser = ArgumentParser(prog="python -m ib_analysis compare", description=__doc__)
    parser.add_argument("first", type=Path, help="a folder of results, as results/demo")
    parser.add_argument("second", type=Path, help="another, evaluated on the same images")
    parser.add_argument(
        "--out", type=Path, default=Path("comparison.html"), help="the page; a .csv stands beside it"
    )
    options = parser.parse_args(arguments)
    content = compare(options.first, options.second)
    write_comparison(options.out, content)
    write_rows(options.out.with_suffix(".csv"), DifferenceRow, content.differences)
    print(
        difference_sentence(content),
        totals_sentence(content),
        f"\nComparison: {options.out.resolve()}",
        sep="\n",
    )


def compare(first: Path, second: Path) -> ComparisonContent:
    """Both experiments with their differences, the first less the second."""
    names = (first.resolve().name, second.resolve().name)
    if first.resolve() == second.resolve():
        raise UserError(f"{first} and {second} are one folder: name two.")
    names = names if names[0] != names[1] else (str(first), str(second))
    a, b = (read_results(folder, name) for folder, name in zip((first, second), names, strict=True))
    _demand_same_images(a, b)
    pairs = _paired(a, b)
    differences = [row for side, other in pairs for row in _differences(a, b, side, other)]
    if not differences:
        raise UserError(
            f"{first} and {second} share no encoder, regime, epoch and tap: nothing can be compared."
        )
    return ComparisonContent(
        _explored(a), _explored(b), differences, [*_planes(a), *_planes(b)], _left_out(a, b, pairs)
    )


def read_results(folder: Path, name: str) -> Results:
    """A finished experiment from its folder.

    Raises:
        UserError: the folder holds no finished results.
    """
    record = folder / "report.html.json"
    if not record.exists():
        raise UserError(
            f"{folder} holds no finished report: name a folder such as results/demo, or finish its run."
        )
    experiment = load_experiment(read_json(record)["spec"]["experiment"])
    variants = [variant.name for variant in experiment.fitted]
    ladder = [undamaged(folder / "calibration.csv") for _ in range(experiment.calibration is not None)]
    measured = read_measured(
        folder / "dataset/header.json",
        [undamaged(folder / variant / "nats/mixture.npz") for variant in variants],
        [
            undamaged(
                folder / variant / "nats" / network.encoder / network.regime / f"seed{network.seed}.npz"
            )
            for variant in variants
            for network in experiment.networks
        ],
        ladder,
    )
    return Results(name, folder, experiment, measured)


def _demand_same_images(a: Results, b: Results) -> None:
    """Differences are paired by image, so both must have the same evaluation part, in the same order."""
    parts = [results.measured.data.evaluation for results in (a, b)]
    same = parts[0].images.shape == parts[1].images.shape and np.array_equal(parts[0].images, parts[1].images)
    if not same or not np.array_equal(parts[0].labels, parts[1].labels):
        raise UserError(
            f"{a.folder} and {b.folder} were not evaluated on the same images: give both the same dataset section, "
            "with the same seed and shares."
        )


def _paired(a: Results, b: Results) -> list[tuple[Side, Side]]:
    """Encoders of one name and regime; a lone encoder on each side is compared whatever its name."""
    lone = [next(iter(r.experiment.encoders)) for r in (a, b) if len(r.experiment.encoders) == 1]
    renamed = {lone[0]: lone[1]} if len(lone) == 2 else {}
    wanted = {side: (renamed.get(side[0], side[0]), side[1]) for side in a.sides}
    return [(side, other) for side, other in wanted.items() if other in b.sides]


def _differences(a: Results, b: Results, side: Side, other: Side) -> Iterator[DifferenceRow]:
    first, second = a.sides[side], b.sides[other]
    encoder = side[0] if side == other else f"{side[0]}, {other[0]}"
    targets: tuple[Target, ...] = ("image", "label")
    for epoch, tap in _common(first, second):
        for target in targets:
            found = compare_networks(
                _information(a.measured, first, epoch, tap, target),
                _information(b.measured, second, epoch, tap, target),
                (
                    _spread(a.measured, first, epoch, tap, target),
                    _spread(b.measured, second, epoch, tap, target),
                ),
            )
            images = len(a.measured.data.evaluation.labels)
            yield difference_row(found, encoder, side[1], epoch, tap, INFORMATION[target], images)


def _common(
    first: Sequence[RepeatedEvaluation], second: Sequence[RepeatedEvaluation]
) -> list[tuple[int, str]]:
    return [
        (epoch, tap)
        for epoch in first[0].epochs
        for tap in first[0].taps
        if epoch in second[0].epochs and tap in second[0].taps
    ]


def _information(
    measured: Measured, networks: Sequence[RepeatedEvaluation], epoch: int, tap: str, target: Target
) -> list[Values]:
    """Nats of information of each network by fit and image."""
    marginal = measured.marginals[target]
    points = [network.network.at(epoch, tap) for network in networks]
    return [marginal - measured.readings[point, target].members for point in points]


def _spread(
    measured: Measured, networks: Sequence[RepeatedEvaluation], epoch: int, tap: str, target: Target
) -> FitSpread | None:
    """By how much one fit lies from the mean, as the first network tells it: all points of an experiment share it."""
    return measured.estimates[networks[0].network.at(epoch, tap), target].fits


def _left_out(a: Results, b: Results, pairs: Sequence[tuple[Side, Side]]) -> list[str]:
    """What only one of the two experiments has."""
    sentences = []
    for results, index in ((a, 0), (b, 1)):
        alone = [side for side in results.sides if side not in [pair[index] for pair in pairs]]
        sentences += [f"{results.name} alone has {encoder} ({regime})." for encoder, regime in alone]
    for side, other in pairs:
        first, second = a.sides[side][0], b.sides[other][0]
        for results, own, its in ((a, first, second), (b, second, first)):
            alone_at = [f"epoch {e}" for e in own.epochs if e not in its.epochs]
            alone_at += [tap for tap in own.taps if tap not in its.taps]
            if alone_at:
                sentences.append(
                    f"{results.name} alone has {', '.join(alone_at)} of {own.network.encoder} ({side[1]})."
                )
    return sentences


def _explored(results: Results) -> Explored:
    folder, experiment = results.folder, results.experiment
    controls, forgetting = folder / "controls.csv", folder / "forgetting.csv"
    variants = [variant.name for variant in experiment.fitted]
    decoders = [
        folder / variant / "decoders" / n.encoder / n.regime / f"seed{n.seed}" / f"epoch{epoch}"
        for variant in variants
        for n in experiment.networks
        for epoch in experiment.measured(n.encoder).epochs
    ]
    samples = [
        folder / variants[0] / "samples" / n.encoder / n.regime / f"seed{n.seed}.npz"
        for n in experiment.networks
    ]
    rows = read_rows(undamaged(folder / "information.csv"), InformationRow)
    return Explored(
        rows=rows,
        fits=tuple(fit_summaries([], decoders, rows)),
        controls=_rows_if_there(controls, ControlRow),
        drawn=tuple(read_samples(undamaged(path)) for path in samples),
        said_of_samples=said_of_samples(_rows_if_there(forgetting, ForgettingRow)),
        name=results.name,
    )


def _rows_if_there(table: Path, kind: type[R]) -> tuple[R, ...]:
    """The rows of a table that an experiment may lack."""
    return read_rows(undamaged(table), kind) if table.exists() else ()


def _planes(results: Results) -> Iterator[Illustration]:
    """The plane as it was drawn for papers: one figure, or one for each encoder."""
    figures = results.folder / "figures"
    captions = read_json(figures / "captions.json")
    for stem in sorted(name for name in captions if name.partition("-")[0] == "information_plane"):
        yield Illustration(f"{results.name}: information plane", figures / stem, captions[stem])
