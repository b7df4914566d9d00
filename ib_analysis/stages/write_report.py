"""Gather what was made into one page that opens offline."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ib_analysis import spec
from ib_analysis.artefacts import provenance_path, read_json, verified
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.encoders.training_curve import read_curve
from ib_analysis.information.agreement_table import read_agreement
from ib_analysis.information.consistency_table import read_consistency
from ib_analysis.information.controls_table import read_controls
from ib_analysis.information.stages_table import read_stages
from ib_analysis.information.table import read_information_csv
from ib_analysis.information.validation_table import read_validation
from ib_analysis.provenance import Job
from ib_analysis.report.content import (
    NEIGHBOUR,
    TRUNK,
    DecoderSummary,
    EncoderSummary,
    FitSummary,
    Illustration,
    Provenance,
    ReportContent,
)
from ib_analysis.report.page import write_page, write_tables
from ib_analysis.studies.rows import read_rows
from ib_analysis.studies.verdict import Verdict

FIGURES = {
    "information_plane": "Information plane",
    "information_curves": "Information along the training",
    "tap_curves": "Each tap on its own scale",
    "two_stages": "Fitting and compression",
    "training_curves": "Training",
    "controls": "Controls",
    "rival_planes": "Every estimator",
}
DENSITIES = {"image": "p(x|h)", "label": "p(y|h)"}


class Spec(spec.Spec):
    """Slice of the experiment: all of it, for the page says what was run."""

    experiment: dict[str, Any]


def run(
    slice_: Spec,
    job: Job,
    *,
    dataset: Path,
    table: Path,
    two_stages: Path,
    checkpoints: list[Path],
    marginal: Path,
    decoders: list[Path],
    controls: list[Path],
    agreement: list[Path],
    validation: list[Path],
    consistency: list[Path],
    verdicts: list[Path],
    figures: Path,
    samples: Path,
    tables: Path,
    out: Path,
) -> None:
    """Write `out`, one HTML page, and its tables as CSV and LaTeX into the folder `tables`."""
    experiment = slice_.experiment
    header = open_dataset(dataset.parent).header
    content = ReportContent(
        title=experiment["title"] or experiment["name"],
        experiment=experiment["name"],
        dataset=header,
        encoders=tuple(_encoders(experiment, checkpoints)),
        decoders=tuple(_decoders(experiment)),
        rows=read_information_csv(table),
        stages=read_stages(two_stages),
        fits=tuple(_fits(marginal, decoders)),
        figures=(
            *_figures(figures),
            *(_beside(figures, "calibration") for _ in validation),
            *(_beside(figures, "consistency") for _ in consistency),
        ),
        samples=tuple(_sheets(samples)),
        controls=tuple(row for path in controls for row in read_controls(path)),
        validation=tuple(row for path in validation for row in read_validation(path)),
        consistency=tuple(row for path in consistency for row in read_consistency(path)),
        papers=tuple(row for path in verdicts for row in read_rows(verified(path), Verdict)),
        studies=tuple(_studies(experiment["studies"], figures)),
        agreement=tuple(row for path in agreement for row in read_agreement(path)),
        provenance=tuple(_provenance(dataset, checkpoints, marginal, decoders, table)),
        versions=job.provenance()["versions"],
        seeds={
            "split into parts": experiment["dataset"]["seed"],
            "decoder fits": experiment["decoders"]["image_fit"]["seed"],
            "samples": experiment["samples"]["seed"],
        },
    )
    write_page(out, content)
    write_tables(tables, content)
    job.record(out, dataset=header.fingerprint)


def _encoders(experiment: Mapping[str, Any], checkpoints: Sequence[Path]) -> Iterator[EncoderSummary]:
    for name, study in experiment["encoders"].items():
        for regime, training in study["regimes"].items():
            folders = [p for p in checkpoints if p.parts[-3:-1] == (name, regime)]
            yield EncoderSummary(
                encoder=name,
                regime=regime,
                architecture=_words(study["architecture"]),
                training=_words(training) if regime != "fixed" else "none",
                seeds=tuple(study["seeds"]),
                epochs=tuple(study["epochs"]),
                taps=tuple(study["taps"]),
                score=_score(folders),
            )


def _score(folders: Sequence[Path]) -> str:
    """Mean held-out score over seeds at the last epoch, in words."""
    last = [curve.rows[-1] for folder in folders if (curve := read_curve(folder / "training_curve.csv")).rows]
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
    if specs["trunk_fit"] is not None:
        yield DecoderSummary(TRUNK, image, _words(specs["trunk_fit"]))
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


def _fits(marginal: Path, decoders: Sequence[Path]) -> Iterator[FitSummary]:
    (record,) = read_json(marginal / "fits.json").values()
    yield FitSummary(density="p(x)", **_fit_facts(record))
    for folder in decoders:
        encoder, regime, seed, epoch = folder.parts[-4:]
        for name, record in read_json(folder / "fits.json").items():
            tap, _, target = name.rpartition(".")
            yield FitSummary(
                density=DENSITIES[target],  # type: ignore[arg-type]
                encoder=encoder,
                regime=regime,
                seed=int(seed.removeprefix("seed")),
                epoch=int(epoch.removeprefix("epoch")),
                tap=tap,
                **_fit_facts(record),
            )


def _fit_facts(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: record[name] for name in FitSummary.__dataclass_fields__ if name in record}


def _figures(folder: Path) -> Iterator[Illustration]:
    captions = read_json(folder / "captions.json")
    kinds = list(FIGURES)
    for name, caption in sorted(captions.items(), key=lambda entry: kinds.index(entry[0].partition("-")[0])):
        kind, _, network = name.partition("-")
        title = FIGURES[kind] + (f": {network.replace('-', ' ')}" if network else "")
        yield Illustration(title, folder / name, caption)


def _beside(folder: Path, name: str) -> Illustration:
    """A figure that has its caption in a file of its own."""
    caption: str = read_json(folder / f"{name}.caption.json")
    return Illustration(name.capitalize(), folder / name, caption)


def _studies(studies: Mapping[str, Any], folder: Path) -> Iterator[Illustration]:
    for name, study in studies.items():
        layers = [f"{name}-layers"] if study and study["encoders"] else []
        for stem in [folder / figure for figure in ([name, *layers] if study else [])]:
            title = stem.name.replace("_", " ").replace("-layers", ": what each layer keeps")
            yield Illustration(title, stem, read_json(stem.with_name(f"{stem.name}.caption.json")))


def _sheets(folder: Path) -> Iterator[Illustration]:
    for name, caption in read_json(folder / "captions.json").items():
        group, _, title = name.rpartition("-")
        yield Illustration(_sheet_title(title), folder / name, caption, group.replace("-", " ") or "p(x)")


def _sheet_title(word: str) -> str:
    if word.startswith("epoch"):
        return f"Every tap at epoch {word.removeprefix('epoch')}"
    return "Samples of p(x)" if word == "unconditional" else f"Tap {word} at every epoch"


def _provenance(
    dataset: Path, checkpoints: Sequence[Path], marginal: Path, decoders: Sequence[Path], table: Path
) -> Iterator[Provenance]:
    made = {
        "images": provenance_path(dataset),
        **{f"encoder {'/'.join(p.parts[-3:])}": p / "provenance.json" for p in checkpoints},
        "decoder p(x)": marginal / "provenance.json",
        **{f"decoders {'/'.join(p.parts[-4:])}": p / "provenance.json" for p in decoders},
        "information.csv": provenance_path(table),
    }
    for name, path in made.items():
        record = read_json(path)
        device = record.get("device_name", record["device"])
        yield Provenance(name, record["made_by"], record["code"], device, record["seconds"])
