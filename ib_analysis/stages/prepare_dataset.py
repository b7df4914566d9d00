"""Read a source of images, drop shared ones, and write three disjoint parts."""

from pathlib import Path

from ib_analysis import spec
from ib_analysis.datasets.prepare import prepare_dataset
from ib_analysis.provenance import Job


class Spec(spec.Spec):
    """Slice of the experiment."""

    dataset: spec.Described


def run(slice_: Spec, job: Job, *, out: Path) -> None:
    """Write the folder `out`."""
    source_class, source_spec = slice_.dataset.load()
    header = prepare_dataset(source_class(source_spec), source_spec, out)
    job.record(out / "header.json", fingerprint=header.fingerprint, seed=source_spec.seed)
    counts = ", ".join(f"{count} {part}" for part, count in header.counts.items())
    print(f"{header.name}: {counts}; {header.duplicates_dropped} duplicates dropped")
