"""What the decoders of the calibration ladder say of images, rung by rung."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from ib_analysis.information.measurement.evaluation import (
    HEADER,
    PointNats,
    open_arrays,
    read_point,
    write_points,
)

TruthKind = Literal["exact", "ceiling", "equal"]


@dataclass(frozen=True)
class Truth:
    """What is known of an information, in nats with its standard error: itself, or that it is no higher.

    `equal` says that it is that of all rungs of the family, whose mean stands for it.
    """

    kind: TruthKind
    nats: float = 0.0
    stderr_nats: float = 0.0


@dataclass(frozen=True)
class RungNats:
    """What the decoders of one rung say, and what is known of I(x; h) and of I(y; h); None where nothing is."""

    name: str
    family: str
    calibrates: bool
    image_truth: Truth
    label_truth: Truth | None
    nats: PointNats


@dataclass(frozen=True)
class RungEvaluation:
    """The rungs of one group under the decoders of one variant."""

    variant: str
    rungs: tuple[RungNats, ...]


def write_rung_evaluation(path: Path, evaluation: RungEvaluation) -> None:
    """Write the arrays and what is known of each rung to an .npz file, atomically."""
    rungs = [_described(rung) for rung in evaluation.rungs]
    header = json.dumps({"variant": evaluation.variant, "rungs": rungs})
    write_points(path, header, [rung.nats for rung in evaluation.rungs])


def read_rung_evaluation(path: Path) -> RungEvaluation:
    """Read what `write_rung_evaluation` wrote.

    Raises:
        UserError: the file is missing, truncated, or something else.
    """
    with open_arrays(path) as archive:
        header = json.loads(str(archive[HEADER]))
        rungs = [_rung(found, read_point(archive, k)) for k, found in enumerate(header["rungs"])]
        return RungEvaluation(str(header["variant"]), tuple(rungs))


def _described(rung: RungNats) -> dict[str, object]:
    return {
        "name": rung.name,
        "family": rung.family,
        "calibrates": rung.calibrates,
        "image_truth": asdict(rung.image_truth),
        "label_truth": None if rung.label_truth is None else asdict(rung.label_truth),
    }


def _rung(found: Mapping[str, object], nats: PointNats) -> RungNats:
    of_label, of_image = found["label_truth"], found["image_truth"]
    assert isinstance(of_image, dict)
    label = Truth(**of_label) if isinstance(of_label, dict) else None
    return RungNats(
        str(found["name"]), str(found["family"]), bool(found["calibrates"]), Truth(**of_image), label, nats
    )
