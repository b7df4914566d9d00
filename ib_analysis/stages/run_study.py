"""Measure one piece of a paper's own experiment."""

from pathlib import Path
from shutil import rmtree
from typing import cast

from ib_analysis import spec
from ib_analysis.artefacts import Artefact
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.device import describe_device, resolve_device
from ib_analysis.provenance import Job, digest_of
from ib_analysis.rows import write_rows
from ib_analysis.scratch import locked
from ib_analysis.studies.study import Setting, Study


class Spec(spec.Spec):
    """Slice of the experiment."""

    study: spec.Described
    piece: str


def run(slice_: Spec, job: Job, *, dataset: list[Artefact], scratch: Path, out: Path) -> None:
    """Write `out`, the rows of the piece; `dataset` is empty for a study that draws its own data."""
    device = resolve_device(job.device, job.threads)
    study = built(slice_.study)
    data = open_dataset(dataset[0].parent) if dataset else None
    fingerprint = data.header.fingerprint if data else ""
    key = {"slice": slice_.model_dump(mode="json"), "code": job.code, "dataset": fingerprint}
    with locked(scratch):
        own = scratch / digest_of(key)
        own.mkdir(exist_ok=True)
        rows = study.measure(slice_.piece, Setting(device, own, data))
        write_rows(out, study.Row, rows)
        job.record(out, dataset=fingerprint, device_name=describe_device(device))
        rmtree(own)  # the states of trainings; the rows are safe


def built(described: spec.Described) -> Study:
    """The study that a slice describes."""
    study_class, settings = described.load()
    return cast(Study, study_class(settings))
