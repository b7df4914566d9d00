"""Measure one piece of a paper's own experiment."""

from pathlib import Path

from ib_analysis import spec
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.device import describe_device, resolve_device
from ib_analysis.provenance import Job, digest_of
from ib_analysis.scratch import locked
from ib_analysis.studies.rows import write_rows
from ib_analysis.studies.study import Setting


class Spec(spec.Spec):
    """Slice of the experiment."""

    study: spec.Described
    piece: str


def run(slice_: Spec, job: Job, *, dataset: list[Path], scratch: Path, out: Path) -> None:
    """Write `out`, the rows of the piece; `dataset` is empty for a study that draws its own data."""
    device = resolve_device(job.device, job.threads)
    study_class, study_spec = slice_.study.load()
    data = open_dataset(dataset[0].parent) if dataset else None
    fingerprint = data.header.fingerprint if data else ""
    key = {"slice": slice_.model_dump(mode="json"), "code": job.code, "dataset": fingerprint}
    with locked(scratch):
        own = scratch / digest_of(key)
        own.mkdir(exist_ok=True)
        rows = study_class(study_spec).measure(slice_.piece, Setting(device, own, data))
    write_rows(out, study_class.Row, rows)
    job.record(out, dataset=fingerprint, device_name=describe_device(device))
