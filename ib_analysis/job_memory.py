"""What the jobs of an experiment will need, in megabytes, before any of them starts: from the decoder's size alone."""

import math
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from decoders.memory import BUDGET, MOST_AT_ONCE, examples_at_once
from decoders.pixelcnn_pp.memory import DecoderMemory
from decoders.spec import FitSpec, ImageTarget
from ib_analysis.datasets.specs.dataset import DatasetSpec
from ib_analysis.datasets.specs.digits import DigitsSpec
from ib_analysis.datasets.specs.image_folder import ImageFolderSpec
from ib_analysis.datasets.specs.known_information import KnownInformationSpec
from ib_analysis.experiment import Experiment

PROCESS = 600 * 2**20
"""Bytes of a process that has loaded torch, the networks and the pages of the images that it reads."""
FEATURES = 1024
"""Values of an h, where a decoder reads one. A few thousand more are little beside the maps of an image."""
ALLOCATOR = 1.25
"""What the allocator keeps of what was freed, as a factor."""
USUAL = 6000
"""Megabytes of a job whose need no formula says, and of the host of a GPU, where the maps are not in its memory."""
MEGABYTE = 10**6


def memory_of_jobs(experiment: Experiment, on_gpu: bool) -> dict[str, int]:
    """Megabytes of every job that fits or evaluates image decoders, by its rule.

    A gradient step grows with `batch_size`. An initialisation and an evaluation take no more than `decoders.memory`
    allows them, or one image. `USUAL` where the size of the images stands in the files alone and these cannot be read.
    """
    jobs = dict(_jobs(experiment))
    target = image_target(experiment.dataset)
    if on_gpu or target is None:
        return dict.fromkeys(jobs, USUAL)
    memory = {
        features: DecoderMemory(experiment.decoders.image, target, features) for features in (0, FEATURES)
    }
    return {rule: _megabytes(memory[FEATURES * reads_h], fits) for rule, (reads_h, fits) in jobs.items()}


def image_target(dataset: DatasetSpec) -> ImageTarget | None:
    """Shape of the images of a data set, as far as its spec or one image file says it."""
    if isinstance(dataset, ImageFolderSpec):
        size, channels = (
            dataset.resize or _size_of_an_image(Path(dataset.folder)),
            1 + 2 * (dataset.mode == "rgb"),
        )
    elif isinstance(dataset, KnownInformationSpec):
        size, channels = (dataset.size, dataset.size), dataset.channels
    else:
        size, channels = ((8, 8), 1) if isinstance(dataset, DigitsSpec) else ((32, 32), 3)
    return size and ImageTarget(channels=channels, height=size[0], width=size[1], levels=256)


def _size_of_an_image(folder: Path) -> tuple[int, int] | None:
    """Height and width of the first file that is an image; None where there is none."""
    for path in sorted(folder.expanduser().glob("*/*")):
        try:
            with Image.open(path) as image:
                return image.height, image.width
        except OSError:  # what is no image is refused later, by the stage that reads all
            continue
    return None


def _jobs(experiment: Experiment) -> Iterator[tuple[str, tuple[bool, list[FitSpec]]]]:
    """Whether the decoder of a rule reads h, and the fits that one job of it may do."""
    decoders = experiment.decoders
    given = {"fit_pretrained": decoders.pretrained_fit, "neighbour": decoders.neighbour_fit}
    fits = {name: [fit] for name, fit in given.items() if fit is not None}
    yield "fit_pretrained", (False, fits.get("fit_pretrained", []))
    yield "fit_marginal", (False, [decoders.image_fit])
    yield "fit_class_decoder", (True, [decoders.image_fit])
    yield "measure_calibration", (True, [decoders.image_fit])
    yield "fit_decoders", (True, [decoders.image_fit, *fits.get("neighbour", [])])
    for rule in ("evaluate_marginal", "evaluate_decoders", "mix_marginal"):
        yield rule, (rule != "evaluate_marginal", [])


def _megabytes(memory: DecoderMemory, fits: list[FitSpec]) -> int:
    at_once = examples_at_once(memory.evaluation, MOST_AT_ONCE)
    needs = [memory.weights + at_once * memory.evaluation]
    needs += [memory.fit(fit.batch_size, max(BUDGET, memory.evaluation)) for fit in fits]
    return math.ceil((PROCESS + ALLOCATOR * max(needs)) / MEGABYTE)
