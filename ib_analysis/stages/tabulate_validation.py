"""All cases in one table, each interval given by known cases of other families; printed, and as a figure."""

from collections.abc import Sequence
from pathlib import Path

from ib_analysis import spec
from ib_analysis.artefacts import Artefact, write_json
from ib_analysis.figures.checks import calibration
from ib_analysis.figures.style.saving import save
from ib_analysis.information.inference.calibrated_interval import FEWEST, Case, inside, judged
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.validation import ValidationRow, validation_summary
from ib_analysis.provenance import Job
from ib_analysis.rows import read_rows, write_rows
from ib_analysis.units import bits


class Spec(spec.Spec):
    """Everything that this stage needs stands in its inputs."""


def run(
    slice_: Spec, job: Job, *, cases: list[Artefact], calibrating: list[Artefact], table: Path, figure: Path
) -> None:
    """Write the table, the figure `figure`.pdf, .svg and .png, and its caption `figure`.caption.json."""
    rows = with_intervals(_rows_of(cases), _rows_of(calibrating))
    write_rows(table, ValidationRow, rows)
    job.record(table)
    for path in save(calibration.draw(rows), figure).values():
        job.record(path)
    caption = figure.with_name(f"{figure.name}.caption.json")
    write_json(caption, calibration.caption(rows))
    job.record(caption)
    print(validation_summary(rows))


def _rows_of(paths: Sequence[Path]) -> list[ValidationRow]:
    return [row for path in paths for row in read_rows(path, ValidationRow)]


def with_intervals(
    rows: Sequence[ValidationRow], calibrating: Sequence[ValidationRow]
) -> list[ValidationRow]:
    """The rows; each information by the decoders with the interval that calibrating cases of other families give it.

    I(x;h) and I(y;h) calibrate each other nowhere. Where a case has fewer than three of other families, no interval is
    told.
    """
    found = list(rows)
    for quantity in (Quantity.IMAGE_INFORMATION, Quantity.LABEL_INFORMATION):
        cases, others = _known(rows, quantity), list(_known(calibrating, quantity).values())
        families = [case.family for case in others]
        if any(len(others) - families.count(case.family) < FEWEST for case in cases.values()):
            continue
        intervals = judged(list(cases.values()), others, lambda case: case.family)
        for (i, case), interval in zip(cases.items(), intervals, strict=True):
            ends = {"low_bits": bits(interval.low), "high_bits": bits(interval.high)}
            found[i] = rows[i].model_copy(update=ends | {"inside": inside(case, interval)})
    return found


def _known(rows: Sequence[ValidationRow], quantity: Quantity) -> dict[int, Case]:
    """What the decoders read of a quantity, by the number of its row."""
    known = {i: row.known for i, row in enumerate(rows) if row.quantity is quantity}
    return {i: case for i, case in known.items() if case is not None}
