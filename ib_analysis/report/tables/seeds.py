"""The table of standard deviations over encoder seeds and over decoder seeds."""

from collections.abc import Sequence

from ib_analysis.figures.style.number_text import bits_text, measured_text
from ib_analysis.information.inference.seed_spread import SeededValue, SeedSpread, seed_spread
from ib_analysis.information.measurement.estimate import Bound
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.controls import ControlRow
from ib_analysis.information.tables.information import InformationRow
from ib_analysis.point import Point
from ib_analysis.report.tables.table import Column, Table
from ib_analysis.units import bits, nats

DECODER_SEED = "decoder-seed-"
OWN = ANY = -1
"""Stands for the decoder seed of the measurement itself."""
QUANTITIES = (Quantity.IMAGE_INFORMATION, Quantity.LABEL_INFORMATION)
Group = tuple[Point, Quantity]
"""A quantity at a point; its seed is ANY."""
NOTE = (
    "Standard deviations over seeds, in bits: over decoder seeds for one network (controls decoder-seed-...), and over "
    "encoder seeds. Each value of the first is of one fit; information.csv averages the fits of decoders.seeds. "
    "–: undefined for one seed. All seeds are evaluated on the same images, so the error over images is "
    "not subtracted."
)


def seeds_table(rows: Sequence[InformationRow], controls: Sequence[ControlRow]) -> Table:
    """One row for each (encoder, regime, epoch, tap, quantity) with more than one seed of any kind."""
    columns = (
        Column("encoder"),
        Column("regime"),
        Column("epoch", number=True),
        Column("tap"),
        Column("quantity"),
        Column("mean", "bits", True),
        Column("over decoder seeds", "bits", True),
        Column("over encoder seeds", "bits", True),
        Column("standard error over images", "bits", True),
        Column("values", number=True),
    )
    groups = _groups(rows, controls)
    body = tuple(_row(*group, [*values.values()]) for group, values in groups.items() if len(values) > 1)
    return Table(columns, body, NOTE).without_constant("encoder")


def _groups(
    rows: Sequence[InformationRow], controls: Sequence[ControlRow]
) -> dict[Group, dict[tuple[int, int], SeededValue]]:
    groups: dict[Group, dict[tuple[int, int], SeededValue]] = {}
    for row in rows:
        if row.quantity in QUANTITIES and row.point is not None and row.bound is not Bound.EXACT:
            value = SeededValue(row.point.seed, OWN, row.nats, nats(row.stderr_bits))
            group = row.point._replace(seed=ANY), row.quantity
            groups.setdefault(group, {})[value.encoder_seed, value.decoder_seed] = value
    for control in controls:
        if control.control.startswith(DECODER_SEED):
            group = control.point._replace(seed=ANY), control.quantity
            seed = int(control.control.removeprefix(DECODER_SEED))
            error = nats(control.stderr_bits)
            for decoder_seed, found in ((seed, control.bits), (OWN, control.point_bits)):
                value = SeededValue(control.seed, decoder_seed, nats(found), error)
                groups.setdefault(group, {})[value.encoder_seed, value.decoder_seed] = value
    return groups


def _row(point: Point, quantity: Quantity, values: Sequence[SeededValue]) -> tuple[str, ...]:
    stderr = sum(value.stderr_nats for value in values) / len(values)
    spread = seed_spread(values, shared_stderr_nats=max(value.stderr_nats for value in values))
    mean = sum(value.nats for value in values) / len(values)
    return (
        *(str(part) for name, part in point._asdict().items() if name != "seed"),
        str(quantity),
        measured_text(bits(mean), None),
        _text(spread.decoder_nats),
        _text(_over_encoders(spread)),
        bits_text(bits(stderr)),
        str(len(values)),
    )


def _over_encoders(spread: SeedSpread) -> float | None:
    """The spread over encoder seeds if that over decoder seeds is known, else the total spread."""
    return spread.encoder_nats if spread.encoder_nats is not None else spread.total_nats


def _text(value_nats: float | None) -> str:
    return "–" if value_nats is None else bits_text(bits(value_nats))
