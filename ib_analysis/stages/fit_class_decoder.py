"""Fit q(x | y), the decoder of images that is told the label, with the budget of every point."""

from pathlib import Path

from ib_analysis.activations.pairs import ClassPairs
from ib_analysis.artefacts import Artefact
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.decoder_files import CLASSES
from ib_analysis.device import resolve_device
from ib_analysis.provenance import Job
from ib_analysis.stages import fit_marginal
from ib_analysis.stages.fit_marginal import Told, fit_told

DATA_PARALLEL = True  # several processes may share this stage


class Spec(fit_marginal.Spec):
    """Slice of the experiment: that of p(x)."""


def run(
    slice_: Spec, job: Job, *, dataset: Artefact, pretrained: list[Artefact], scratch: Path, out: Path
) -> None:
    """Write the folder `out`: the decoder, its history, and fits.json."""
    device = resolve_device(job.device, job.threads)
    data = open_dataset(dataset.parent)
    classes = len(data.header.class_names)
    told = Told(CLASSES, (classes,), ClassPairs(data.decoder, device, classes))
    fit_told(slice_, job, data, told, device, pretrained=pretrained, scratch=scratch, out=out)
