"""How often the 95 % intervals, the bands and the tests are right, on images whose information is known.

python -m benchmarks.coverage [TABLE ...] [--repetitions 4000] [--quick]: the tables of docs/validation.md.
"""

import argparse
from collections.abc import Iterable, Sequence

from benchmarks.known_curves import (
    Curve,
    finite_labels,
    finite_top_rows,
    raster_label,
    raster_single_rows,
    raster_top_rows,
)
from benchmarks.simulated_coverage import (
    Share,
    band_coverage,
    false_alarms,
    family_false_alarms,
    gain_coverage,
    interval_coverage,
)
from ib_analysis.datasets.raster_markov import RasterMarkov
from ib_analysis.datasets.rectangles import Rectangles

IMAGES = (100, 200, 500, 2000)
FEWER_IMAGES = (100, 500, 2000)
SLOW = ("bands", "alarms", "gains")

INDEPENDENT = RasterMarkov(4, 16, 0.0, 1.5)
MARKOV = RasterMarkov(4, 16, 0.9, 1.0)
TOO_WIDE, LESS_WIDE = RasterMarkov(4, 16, 0.7, 1.3), RasterMarkov(4, 16, 0.85, 1.2)
RECTANGLES = Rectangles(6, 16)

CURVES = (
    raster_top_rows("independent pixels", INDEPENDENT),
    raster_top_rows("Markov field", MARKOV),
    raster_top_rows(
        "Markov field, decoders that fit badly", MARKOV, marginal=TOO_WIDE, conditional=LESS_WIDE
    ),
    finite_top_rows("rectangles", RECTANGLES).at(range(5)),  # all six rows are the image: no variance
)
LABELS = (
    raster_label("Markov field, 10 % of labels flipped", MARKOV, 0.1),
    finite_labels("rectangles, 10 % of labels flipped", RECTANGLES, 0.1),
)
RARE = tuple(
    raster_label(f"Markov field, {100 * noise:.0f} % of labels flipped", MARKOV, noise)
    for noise in (0.05, 0.01)
)
FLAT = (
    raster_single_rows("single rows, independent pixels", INDEPENDENT),
    raster_single_rows("single rows, Markov field", MARKOV),
    raster_single_rows("single rows, Markov field of 6 x 6", RasterMarkov(6, 16, 0.9, 1.0)),
)
UP_AND_DOWN = (0, 2, 3, 2, 1)  # rows seen, less one: a curve that rises and falls


def main() -> None:
    tables = {table.__name__: table for table in (intervals, rare, bands, alarms, gains)}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", help=f"some of {', '.join(tables)}; all by default")
    parser.add_argument(
        "--repetitions", type=int, default=4000, help="half as many for bands, alarms and gains"
    )
    parser.add_argument("--quick", action="store_true", help="200 repetitions")
    options = parser.parse_args()
    if unknown := set(options.tables) - set(tables):
        parser.error(f"no table {', '.join(sorted(unknown))}; there are {', '.join(tables)}")
    for name in options.tables or tables:
        repetitions = 200 if options.quick else options.repetitions
        tables[name](repetitions // 2 if name in SLOW else repetitions)


def intervals(repetitions: int) -> None:
    head("Interval of one information: Student's t (normal quantile)", IMAGES)
    for curve in (*CURVES, *LABELS):
        points = sorted({0, len(curve.truth_nats) // 2})
        found = {n: interval_coverage(curve.at(points), n, repetitions) for n in IMAGES}
        for k, point in enumerate(points):
            name = f"{curve.quantity.value}, {curve.name}, rows seen: {point + 1}"
            row(name, (found[n][k] for n in IMAGES))


def rare(repetitions: int) -> None:
    head("The same where few images carry the variance", IMAGES)
    for curve in RARE:
        row(curve.name, (interval_coverage(curve, n, repetitions)[0] for n in IMAGES))


def bands(repetitions: int) -> None:
    head("Whole curve: simultaneous band (intervals of single points)", FEWER_IMAGES)
    for curve in (*CURVES, LABELS[1]):
        name = f"{curve.quantity.value}, {curve.name}, {len(curve.truth_nats)} points"
        row(name, (band_coverage(curve, n, repetitions) for n in FEWER_IMAGES))


def alarms(repetitions: int) -> None:
    head("False compression on a flat curve, nominal at most 2.5 (Bonferroni over epochs)", FEWER_IMAGES)
    for curve in FLAT:
        row(curve.name, ([false_alarms(curve, n, repetitions)] for n in FEWER_IMAGES))
    name = "any of 6 tests at these 3 taps, after Holm"
    row(name, ([family_false_alarms(FLAT, n, repetitions)] for n in FEWER_IMAGES))


def gains(repetitions: int) -> None:
    head("Interval of the compression", FEWER_IMAGES)
    for curve in CURVES[:3]:
        risen: Curve = curve.at(UP_AND_DOWN)
        row(f"{curve.name}, two rows lost", ([gain_coverage(risen, n, repetitions)] for n in FEWER_IMAGES))


def head(title: str, images: Sequence[int]) -> None:
    cells = " | ".join(f"n = {n:,}" for n in images)
    print(f"\n| {title} | {cells} |\n| --- |{' ---: |' * len(images)}")


def row(name: str, cells: Iterable[Sequence[Share]]) -> None:
    print(f"| {name} | {' | '.join(map(percent, cells))} |", flush=True)


def percent(shares: Sequence[Share]) -> str:
    """95.1 (94.9)"""
    first, *others = (f"{100 * share.value:.1f}" for share in shares)
    return f"{first} ({others[0]})" if others else first


if __name__ == "__main__":
    main()
