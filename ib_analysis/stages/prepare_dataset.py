"""Read a source of images, drop duplicates, and write three disjoint parts."""

from pathlib import Path

from ib_analysis import spec
from ib_analysis.datasets.prepare import FILES, prepare_dataset
from ib_analysis.errors import UserError
from ib_analysis.provenance import Job

SMALLEST_EVALUATION = 4
"""Smallest evaluation part: the test of the two stages uses halves of it."""


class Spec(spec.Spec):
    """Slice of the experiment."""

    dataset: spec.Described
    listing: str | None = None
    """What the folder of the images held when the workflow started, so that a change of it runs this stage again."""


def run(slice_: Spec, job: Job, *, out: Path) -> None:
    """Write the folder `out`."""
    source_class, source_spec = slice_.dataset.load()
    source = source_class(source_spec)
    if len(source.class_names) < 2 and source_spec.labelled:
        raise UserError(
            f"{source.name} has one class, {source.class_names[0]}: a label needs two classes or more."
        )
    header = prepare_dataset(source, source_spec, out)
    if (count := header.counts["evaluation"]) < SMALLEST_EVALUATION:
        raise UserError(
            f"{header.name}: {count} images in the evaluation part are too few: give it more images."
        )
    for name in FILES:
        job.record(out / name, fingerprint=header.fingerprint, seed=source_spec.seed)
    counts = ", ".join(f"{count} {part}" for part, count in header.counts.items())
    print(f"{header.name}: {counts}; {header.duplicates_dropped} duplicates dropped")
