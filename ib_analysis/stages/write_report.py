"""Write the report: one HTML page that opens offline."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field

from ib_analysis import spec
from ib_analysis.artefacts import Artefact, made_from, read_json, read_record
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.decoder_files import decoder_of, fits_path
from ib_analysis.encoders.sight import UNKNOWN, Sight, sight_path
from ib_analysis.encoders.training.training_curve import CurveRow, curve_path
from ib_analysis.figures.checks import trust as trust_figure
from ib_analysis.figures.samples import read_samples
from ib_analysis.figures.style.saving import save
from ib_analysis.forgetting.table import ForgettingRow
from ib_analysis.information.inference.fit_checks import SURE, near_plateau
from ib_analysis.information.measurement.evaluation import INFORMATION
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.agreement import Agreement
from ib_analysis.information.tables.calibration import CalibrationRow
from ib_analysis.information.tables.consistency import ConsistencyRow
from ib_analysis.information.tables.controls import ControlRow
from ib_analysis.information.tables.information import InformationRow
from ib_analysis.information.tables.learned import LearnedRow
from ib_analysis.information.tables.mixture import ComponentRow
from ib_analysis.information.tables.two_stages import StagesRow
from ib_analysis.information.tables.validation import ValidationRow
from ib_analysis.point import Network, Point
from ib_analysis.provenance import Job
from ib_analysis.report.content import (
    NEIGHBOUR,
    PRETRAINED,
    DecoderSummary,
    EncoderSummary,
    FitSummary,
    Illustration,
    Provenance,
    ReportContent,
    Sheet,
)
from ib_analysis.report.page import write_page, write_tables
from ib_analysis.rows import read_rows
from ib_analysis.seen_by_network import SENTENCES, Seen
from ib_analysis.studies.verdict import Verdict
from ib_analysis.units import bits, nats

FIGURES = {
    "information_plane": "Information plane",
    "deep_plane": "Information plane of the deep taps",
    "plane_frames": "The plane, epoch by epoch",
    "information_curves": "Information along the training",
    "tap_curves": "Each tap on its own scale",
    "two_stages": "Fitting and compression",
    "training_curves": "Training",
    "baseline_planes": "Every estimator",
}
BESIDE = {
    "ladder": "Codes of known information, estimate against truth",
    "calibration": "Known cases, estimate against truth",
    "consistency": "Consistency",
}
"""Titles of the figures whose captions stand in files beside them."""
TRUSTED = {"controls": "Controls"}
R = TypeVar("R")


class Spec(spec.Spec):
    """The whole experiment, because the report prints the configuration."""

    experiment: dict[str, Any]
    seen_by_network: dict[str, Seen] = Field(default_factory=dict)


def run(
    slice_: Spec,
    job: Job,
    *,
    dataset: Artefact,
    table: Artefact,
    two_stages: Artefact,
    mixture: Artefact,
    calibration: list[Artefact],
    checkpoints: list[Artefact],
    marginal: list[Artefact],
    decoders: list[Artefact],
    controls: list[Artefact],
    agreement: list[Artefact],
    learned: list[Artefact],
    validation: list[Artefact],
    consistency: list[Artefact],
    verdicts: list[Artefact],
    figures: list[Artefact],
    sheets: Artefact,
    samples: list[Artefact],
    forgetting: list[Artefact],
    trust: Path,
    tables: Path,
    out: Path,
) -> None:
    """Write `out`, one HTML page, its tables as CSV and LaTeX into the folder `tables`, and the figure `trust`."""
    folder, rows = figures[0].parent, read_rows(table, InformationRow)
    content = ReportContent(
        **_of_experiment(slice_.experiment),
        **_pictures(folder, slice_.experiment["studies"], calibration, validation, consistency),
        dataset=open_dataset(dataset.parent).header,
        encoders=tuple(_encoders(slice_.experiment, slice_.seen_by_network, checkpoints)),
        rows=rows,
        stages=read_rows(two_stages, StagesRow),
        mixture=read_rows(mixture, ComponentRow),
        fits=tuple(fit_summaries(marginal, decoders, rows)),
        ladder=_every_row(calibration, CalibrationRow),
        samples=tuple(_sheets(sheets)),
        drawn=tuple(map(read_samples, samples)),
        forgetting=_every_row(forgetting, ForgettingRow),
        controls=_every_row(controls, ControlRow),
        validation=_every_row(validation, ValidationRow),
        consistency=_every_row(consistency, ConsistencyRow),
        papers=_every_row(verdicts, Verdict),
        agreement=_every_row(agreement, Agreement),
        learned=_every_row(learned, LearnedRow),
        provenance=tuple(_provenance(dataset, checkpoints, marginal, decoders, table)),
        versions=job.provenance()["versions"],
    )
    summed_up, drawn = _trust(trust, content)
    write_page(out, replace(content, trusted=(summed_up, *content.trusted)))
    write_tables(tables, content)
    for path in (out, tables, *drawn):
        job.record(path, dataset=content.dataset.fingerprint)


def _trust(stem: Path, content: ReportContent) -> tuple[Illustration, list[Path]]:
    """The figure that sums up how far to trust the numbers, and its files."""
    information = {row.point: row.bits for row in content.rows if row.quantity is Quantity.IMAGE_INFORMATION}
    fits = [
        {
            "bits": information[fit.point],
            "late_gain_bits": bits(fit.late_gain_nats),
            "near_plateau": fit.near_plateau,
        }
        for fit in content.fits
        if fit.target == "image" and fit.point in information
    ]
    checked = (content.ladder, content.controls, fits)
    files = save(trust_figure.draw(*checked), stem)
    return Illustration("How far to trust I(x;h)", stem, trust_figure.caption(*checked)), list(files.values())


def _every_row(tables: Iterable[Path], kind: type[R]) -> tuple[R, ...]:
    """The rows of all tables of one kind."""
    return tuple(row for table in tables for row in read_rows(table, kind))


def _of_experiment(experiment: Mapping[str, Any]) -> dict[str, Any]:
    """What the configuration alone tells: titles, decoders, seeds."""
    return {
        "title": experiment["title"] or experiment["name"],
        "experiment": experiment["name"],
        "decoders": tuple(_decoders(experiment)),
        "seeds": {
            "split into parts": str(experiment["dataset"]["seed"]),
            "decoder fits": ", ".join(map(str, experiment["decoders"]["seeds"])),
            "samples": str(experiment["samples"]["seed"]),
        },
    }


def _pictures(
    folder: Path,
    studies: Mapping[str, Any],
    calibration: Sequence[Path],
    validation: Sequence[Path],
    consistency: Sequence[Path],
) -> dict[str, Any]:
    """The figures in `folder`: of the measurement, of known information and controls, and of the studies."""
    checks = [name for name, tables in (("ladder", calibration), ("calibration", validation)) if tables]
    return {
        "figures": (*_figures(folder, FIGURES), *(_beside(folder, "consistency") for _ in consistency)),
        "trusted": (*(_beside(folder, name) for name in checks), *_figures(folder, TRUSTED)),
        "studies": tuple(_studies(studies, folder)),
    }


def _encoders(
    experiment: Mapping[str, Any], seen: Mapping[str, Seen], checkpoints: Sequence[Path]
) -> Iterator[EncoderSummary]:
    for name, study in experiment["encoders"].items():
        for regime, training in study["regimes"].items():
            folders = [p for p in checkpoints if Network.of(made_from(p))[:2] == (name, regime)]
            sights = list(_sights(folders))
            yield EncoderSummary(
                encoder=name,
                regime=regime,
                architecture=_words(study["architecture"]),
                training=_words(training) if regime != "fixed" else "none",
                seeds=tuple(study["seeds"]),
                epochs=tuple(study["epochs"]),
                taps=tuple(study["taps"]),
                score=_score(folders),
                remarks=tuple(_remarks(seen.get(name), sights)),
                blind=tuple(sight.sentence for sight in sights if sight is not None and sight.unseen),
            )


def _sights(folders: Sequence[Path]) -> Iterator[Sight | None]:
    """What given networks see of an image; None where it is not known."""
    for folder in folders:
        if sight_path(folder).exists():
            found = read_json(sight_path(folder))
            yield None if found is None else Sight(**found)


def _remarks(seen: Seen | None, sights: Sequence[Sight | None]) -> Iterator[str]:
    """What limits the numbers of a given network: what it has learned on, and what it sees of an image."""
    if seen:
        yield SENTENCES[seen]
    for sight in sights:
        yield UNKNOWN if sight is None else sight.sentence


def _score(folders: Sequence[Path]) -> str:
    """Text of the mean held-out score over seeds at the last epoch."""
    curves = [read_rows(curve_path(folder), CurveRow) for folder in folders]
    last = [curve[-1] for curve in curves if curve]
    held_out = [row.held_out_part for row in last if row.held_out_part is not None]
    if not held_out:
        return ""
    mean = sum(held_out) / len(held_out)
    if last[0].metric == "accuracy":
        return f"{100 * mean:.1f} % of held-out images classified correctly"
    return f"held-out mean squared error {mean:.4f} per sub-pixel"


def _decoders(experiment: Mapping[str, Any]) -> Iterator[DecoderSummary]:
    specs = experiment["decoders"]
    image, label = _words(specs["image"]), _words(specs["label"])
    if specs["pretrained_fit"] is not None:
        yield DecoderSummary(PRETRAINED, image, _words(specs["pretrained_fit"]))
    yield DecoderSummary("p(x)", image, _words(specs["image_fit"]))
    yield DecoderSummary("p(x|h)", image, _words(specs["image_fit"]))
    if specs["neighbour_fit"] is not None:
        yield DecoderSummary(NEIGHBOUR, image, _words(specs["neighbour_fit"]))
    yield DecoderSummary("p(y|h)", label, _words(specs["label_fit"]))


def _words(settings: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{key.replace('_', ' ')} {_value(value)}" for key, value in settings.items() if value is not None
    )


def _value(value: Any) -> str:
    return "-".join(map(str, value)) if isinstance(value, list) else str(value)


def fit_summaries(
    marginal: Sequence[Path], decoders: Sequence[Path], rows: Sequence[InformationRow]
) -> Iterator[FitSummary]:
    """The fits; each is judged by the information that it is for, p(x) by the smallest that is told from 0."""
    informations = {(row.point, row.quantity): row for row in rows if row.quantity in INFORMATION.values()}
    told = [
        row for row in informations.values() if row.quantity.of_image and row.bits > SURE * row.stderr_bits
    ]
    smallest = min(told, key=lambda row: row.bits, default=None)
    for folder in marginal:
        (record,) = read_json(fits_path(folder)).values()
        seed = made_from(folder)["fit"]["seed"]
        facts = _fit_facts(record, smallest)
        yield FitSummary(point=None, target="image", decoder_seed=seed, **facts)
    for folder in decoders:
        made = made_from(folder)
        for name, record in read_json(fits_path(folder)).items():
            target, tap = decoder_of(name)
            point = Network.of(made).at(made["epoch"], tap)
            facts = _fit_facts(record, informations.get((point, INFORMATION[target])))
            seed = made[f"{target}_fit"]["seed"]
            yield FitSummary(point=point, target=target, decoder_seed=seed, **facts)


def _fit_facts(record: Mapping[str, Any], row: InformationRow | None) -> dict[str, Any]:
    """What is said of a fit, and whether it is near its plateau beside the information of that row."""
    facts = {name: record[name] for name in FitSummary.__dataclass_fields__ if name in record}
    gain, stderr = record["late_gain_nats"], record["late_gain_stderr_nats"]
    information, error = (0.0, 0.0) if row is None else (row.nats, nats(row.stderr_bits))
    return facts | {"near_plateau": near_plateau(gain, stderr, information, error)}


def _figures(folder: Path, titles: Mapping[str, str]) -> Iterator[Illustration]:
    """The figures of these kinds in the order of their titles."""
    kinds = list(titles)
    captions = [
        (*name.partition("-"), name, caption)
        for name, caption in read_json(folder / "captions.json").items()
        if name.partition("-")[0] in kinds
    ]
    for kind, _, network, name, caption in sorted(captions, key=lambda entry: kinds.index(entry[0])):
        title = titles[kind] + (f": {network.replace('-', ' ')}" if network else "")
        yield Illustration(title, folder / name, caption)


def _beside(folder: Path, name: str) -> Illustration:
    """A figure with its caption from the file beside it."""
    caption: str = read_json(folder / f"{name}.caption.json")
    return Illustration(BESIDE[name], folder / name, caption)


def _studies(studies: Mapping[str, Any], folder: Path) -> Iterator[Illustration]:
    for name, study in studies.items():
        layers = [f"{name}-layers"] if study and study["encoders"] else []
        for stem in [folder / figure for figure in ([name, *layers] if study else [])]:
            title = stem.name.replace("_", " ").replace("-layers", ": what each layer keeps")
            yield Illustration(title, stem, read_json(stem.with_name(f"{stem.name}.caption.json")))


def _sheets(folder: Path) -> Iterator[Sheet]:
    for sheet in read_json(folder / "sheets.json"):
        points = tuple(Point(**point) for point in sheet["points"])
        yield Sheet(sheet["title"], folder / sheet["file"], sheet["caption"], sheet["group"], points)


def _provenance(
    dataset: Path,
    checkpoints: Sequence[Path],
    marginal: Sequence[Path],
    decoders: Sequence[Path],
    table: Path,
) -> Iterator[Provenance]:
    made = {
        "images": dataset,
        **{f"encoder {_network(p)}": p for p in checkpoints},
        **{f"{made_from(p)['variant']}, decoder p(x)": p for p in marginal},
        **{_decoders_name(p): p for p in decoders},
        "information.csv": table,
    }
    for name, path in made.items():
        record = read_record(path)
        device = record.get("device_name", record["device"])
        yield Provenance(name, record["made_by"], record["code"], device, record["seconds"])


def _decoders_name(folder: Path) -> str:
    made = made_from(folder)
    return f"{made['variant']}, decoders {_network(folder)}/epoch{made['epoch']}"


def _network(folder: Path) -> str:
    network = Network.of(made_from(folder))
    return f"{network.encoder}/{network.regime}/seed{network.seed}"
