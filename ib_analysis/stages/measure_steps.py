"""Measure how long a gradient step of each decoder takes here, before a run; prints JSON."""

import json
import statistics
import time

import torch

from decoders.density import Decoder
from decoders.evaluation import NegativeLogLikelihood
from decoders.spec import FitSpec, ImageTarget, LabelTarget
from decoders.training.graphed_step import EAGER_STEPS
from decoders.training.optimisation import Optimisation
from decoders.training.process_group import Ranks
from ib_analysis import spec
from ib_analysis.device import resolve_device
from ib_analysis.provenance import Job

UNITS = 64
"""Width of the vector h that the steps are measured with."""
STEPS = 3
ENOUGH_SECONDS = 3.0
"""No further step is measured after so long."""


class Spec(spec.Spec):
    """The decoders of an experiment, how they are fitted, and what they predict."""

    image: spec.Described
    image_fit: FitSpec
    label: spec.Described
    label_fit: FitSpec
    image_target: ImageTarget
    label_target: LabelTarget


def run(slice_: Spec, job: Job) -> None:
    """Print seconds a step of the image decoder, of the label decoder, and of the start of a process."""
    start = time.process_time()
    device = resolve_device(job.device, job.threads)
    begin = time.perf_counter()
    torch.zeros(1, device=device).item()  # the first touch of a GPU takes seconds
    start += time.perf_counter() - begin
    torch.manual_seed(0)
    image, label = slice_.image_target, slice_.label_target
    shape = (slice_.image_fit.batch_size, image.channels, image.height, image.width)
    x = torch.randint(0, image.levels, shape, dtype=torch.uint8, device=device)
    y = torch.randint(0, label.classes, (slice_.label_fit.batch_size,), device=device)
    seconds = {
        "image": step_seconds(_built(slice_.image, image), x, slice_.image_fit),
        "label": step_seconds(_built(slice_.label, label), y, slice_.label_fit),
        "start": start,
    }
    print(json.dumps(seconds))


def _built(decoder: spec.Described, target: ImageTarget | LabelTarget) -> Decoder:
    cls, of_decoder = decoder.load()
    built: Decoder = cls(of_decoder, target, (UNITS,))
    return built


def step_seconds(decoder: Decoder, target: torch.Tensor, fit: FitSpec) -> float:
    """The median seconds of a few gradient steps on one batch, as a fit takes them.

    The first steps are not counted: on a GPU they choose algorithms, and one is captured as a graph.
    """
    device = target.device
    decoder = decoder.to(device).train()
    h = torch.randn(len(target), UNITS, device=device)
    with torch.no_grad():
        decoder.initialise(target, h, len(target))
    loss = NegativeLogLikelihood(decoder)
    optimisation = Optimisation(decoder, loss, [], fit, len(target), device, Ranks.current())
    first = 2 + EAGER_STEPS if device.type == "cuda" else 1
    times: list[float] = []
    while len(times) < first + STEPS and sum(times[first:]) < ENOUGH_SECONDS:
        begin = time.perf_counter()
        optimisation.take_step(len(times), target, h).item()
        times.append(time.perf_counter() - begin)
    return statistics.median(times[first:])
