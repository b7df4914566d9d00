"""Write the page of what is there while a run goes on; it reads finished artefacts alone, and makes none of them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from ib_analysis import spec
from ib_analysis.artefacts import made_from, read_json, record_path
from ib_analysis.decoder_files import decoder_of, fits_path
from ib_analysis.encoders.training.training_curve import CurveRow, curve_path
from ib_analysis.figures.information import tap_curves
from ib_analysis.figures.style.saving import save_as
from ib_analysis.point import Network, Point
from ib_analysis.provenance import Job
from ib_analysis.report.so_far import FirstEstimate, SoFar, TrainedNetwork, Work, write_so_far
from ib_analysis.rows import read_rows
from ib_analysis.units import bits

Fits = Mapping[str, Mapping[str, Any]]
"""The record of a folder of decoders: facts of each fit by the name of the decoder."""


class Spec(spec.Spec):
    """Slice of the experiment."""

    title: str


def run(
    slice_: Spec,
    job: Job,
    *,
    checkpoints: list[Path],
    marginal: list[Path],
    decoders: list[Path],
    nats: list[Path],
    samples: list[Path],
    results: list[Path],
    out: Path,
) -> None:
    """Write `out`, an HTML page, and beside it the figure of first estimates as `out`.png where there are any.

    The lists name all that the whole run will make; what is not there yet is counted as left.
    """
    estimates = list(_estimates(_there(marginal), _there(decoders)))
    figure = out.with_suffix(".png") if estimates else None
    if figure is not None:
        save_as(tap_curves.draw([_row(one) for one in estimates]), figure)
    kinds = {
        "networks": checkpoints,
        "decoders p(x)": marginal,
        "decoders of a checkpoint": decoders,
        "evaluations": nats,
        "samples": samples,
    }
    found = SoFar(
        title=slice_.title,
        work=[Work(name, len(paths), tuple(map(_seconds, _there(paths)))) for name, paths in kinds.items()],
        networks=list(_networks(_there(checkpoints))),
        estimates=estimates,
        finished=_there(results),
        figure=figure,
    )
    write_so_far(out, found)
    print(f"{out}: open it in a browser")


def _there(paths: Sequence[Path]) -> list[Path]:
    """Artefacts that are whole: their provenance is written last, or with them."""
    return [path for path in paths if path.exists() and record_path(path).exists()]


def _seconds(path: Path) -> float:
    return float(read_json(record_path(path))["seconds"])


def _networks(folders: Sequence[Path]) -> Iterator[TrainedNetwork]:
    for folder in folders:
        for row in read_rows(curve_path(folder), CurveRow)[-1:]:
            network = Network.of(made_from(folder))
            yield TrainedNetwork(network, row.metric, row.encoder_part, row.held_out_part)


def _estimates(marginal: Sequence[Path], decoders: Sequence[Path]) -> Iterator[FirstEstimate]:
    """CE(x) less CE(x | h) on the held-out share, variant by variant, then the mean of the variants of a point."""
    unconditional = {made_from(folder)["variant"]: next(iter(_fits(folder).values())) for folder in marginal}
    points: dict[Point, list[FirstEstimate]] = {}
    for folder in decoders:
        made = made_from(folder)
        alone = unconditional.get(made["variant"])
        for name, fit in _fits(folder).items() if alone else ():
            target, tap = decoder_of(name)
            if target == "image" and alone is not None:
                point = Network.of(made).at(made["epoch"], tap)
                points.setdefault(point, []).append(_estimate(point, alone, fit))
    for point, found in points.items():
        yield FirstEstimate(
            point,
            fmean(one.nats for one in found),
            fmean(one.stderr_nats for one in found),
            fmean(one.late_nats for one in found),
            len(found),
        )


def _fits(folder: Path) -> Fits:
    found: Fits = read_json(fits_path(folder))
    return found


def _estimate(point: Point, alone: Mapping[str, Any], fit: Mapping[str, Any]) -> FirstEstimate:
    error = (alone["holdout_stderr_nats"] ** 2 + fit["holdout_stderr_nats"] ** 2) ** 0.5
    return FirstEstimate(
        point, alone["holdout_nats"] - fit["holdout_nats"], error, float(fit["late_gain_nats"]), 1
    )


def _row(one: FirstEstimate) -> dict[str, Any]:
    """The estimate as a row of the table of information has it, for the figure; without an error bar.

    The error contains that of CE(x), which all points share and which would hide how they lie to each other.
    """
    return one.point._asdict() | {
        "quantity": "I(x;h)",
        "bits": bits(one.nats),
        "stderr_bits": None,
        "bound": "none",
        "n_images": None,
    }
