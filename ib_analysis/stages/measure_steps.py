"""Measure how long a gradient step of each decoder takes here, before a run; prints JSON."""

import json
import statistics
import time

import torch

from decoders.density import Decoder
from decoders.evaluation import NegativeLogLikelihood
from decoders.spec import FitSpec, ImageTarget, LabelTarget, Precision
from decoders.training.gradient_step import build_adam
from decoders.training.graphed_step import EAGER_STEPS, build_step
from ib_analysis import spec
from ib_analysis.device import resolve_device
from ib_analysis.provenance import Job

UNITS = 64
"""Width of the vector h that the steps are measured with."""
STEPS = 3
ENOUGH_SECONDS = 3.0
"""No further step is measured after so long."""


class Spec(spec.Spec):
    """The decoders of an experiment, the size of their batches, and what they predict."""

    image: spec.Described
    image_batch: int
    label: spec.Described
    label_batch: int
    precision: Precision
    image_target: ImageTarget
    label_target: LabelTarget


def run(slice_: Spec, job: Job) -> None:
    """Print seconds a step of the image decoder, of the label decoder, and of the start of a process."""
    start = time.process_time()
    device = resolve_device(job.device, job.threads)
    torch.manual_seed(0)
    image, label = slice_.image_target, slice_.label_target
    shape = (slice_.image_batch, image.channels, image.height, image.width)
    x = torch.randint(0, image.levels, shape, dtype=torch.uint8, device=device)
    y = torch.randint(0, label.classes, (slice_.label_batch,), device=device)
    seconds = {
        "image": step_seconds(_built(slice_.image, image), x, slice_.precision),
        "label": step_seconds(_built(slice_.label, label), y, slice_.precision),
        "start": start,
    }
    print(json.dumps(seconds))


def _built(decoder: spec.Described, target: ImageTarget | LabelTarget) -> Decoder:
    cls, of_decoder = decoder.load()
    built: Decoder = cls(of_decoder, target, (UNITS,))
    return built


def step_seconds(decoder: Decoder, target: torch.Tensor, precision: Precision) -> float:
    """The median seconds of a few gradient steps on one batch, taken as a fit takes them.

    The first steps are not counted: on a GPU they choose algorithms, and one is captured as a graph.
    """
    device = target.device
    decoder = decoder.to(device).train()
    h = torch.randn(len(target), UNITS, device=device)
    with torch.no_grad():
        decoder.initialise(target, h, len(target))
    spec_of_fit = FitSpec(steps=1, batch_size=len(target), precision=precision)
    optimiser = build_adam([{"params": list(decoder.parameters())}], spec_of_fit, device)
    loss = NegativeLogLikelihood(decoder)
    step = build_step(lambda x, h: loss(x, h).mean(), optimiser, spec_of_fit, device, _no_clip)
    first = 2 + EAGER_STEPS if device.type == "cuda" else 1
    times: list[float] = []
    while len(times) < first + STEPS and sum(times) < ENOUGH_SECONDS:
        begin = time.perf_counter()
        step(target, h).item()
        times.append(time.perf_counter() - begin)
    return statistics.median(times[first:] or times)


def _no_clip(norm: float) -> None:
    """The steps are too few to need one."""
