"""Nats of every evaluation image under p(x)."""

from pathlib import Path

from decoders.evaluation import nats_per_example
from decoders.saving import load_decoder
from ib_analysis import spec
from ib_analysis.activations.pairs import ImagePairs
from ib_analysis.artefacts import Artefact
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.decoder_files import weights_path
from ib_analysis.device import resolve_device
from ib_analysis.information.measurement.evaluation import MarginalEvaluation, write_marginal_evaluation
from ib_analysis.provenance import Job


class Spec(spec.Spec):
    """Slice of the experiment."""

    variant: str
    decoder: spec.Described


def run(slice_: Spec, job: Job, *, dataset: Artefact, decoder: Artefact, out: Path) -> None:
    """Write `out`: nats per evaluation image."""
    device = resolve_device(job.device, job.threads)
    part = open_dataset(dataset.parent).evaluation
    marginal = load_decoder(weights_path(decoder, "image")).to(device)
    nats = nats_per_example(marginal, ImagePairs(part, device), device=device)
    write_marginal_evaluation(out, MarginalEvaluation(slice_.variant, nats))
    job.record(out)
