"""Draw sheets of samples: all epochs of each tap, all taps of each epoch, and p(x)."""

from pathlib import Path

import numpy as np

from ib_analysis import spec
from ib_analysis.artefacts import Artefact, replacing_folder, write_json
from ib_analysis.figures import sample_grid
from ib_analysis.figures.samples import Samples, read_samples
from ib_analysis.figures.style.saving import save
from ib_analysis.provenance import Job


class Spec(spec.Spec):
    """Empty: the stage reads all that it needs from its inputs."""


def run(slice_: Spec, job: Job, *, samples: list[Artefact], marginal: Artefact, out: Path) -> None:
    """Write the sheets and their captions (captions.json) into the folder `out`."""
    captions: dict[str, str] = {}
    with replacing_folder(out) as folder:
        for path in samples:
            captions |= _of_network(folder, read_samples(path))
        with np.load(marginal, allow_pickle=False) as archive:
            images, levels = archive["images"], int(archive["levels"])
        save(sample_grid.draw_unconditional(images, levels), folder / "unconditional")
        captions["unconditional"] = sample_grid.caption_unconditional(images)
        write_json(folder / "captions.json", captions)
        job.record(folder)


def _of_network(folder: Path, samples: Samples) -> dict[str, str]:
    name = "{}-{}-seed{}".format(*samples.network)
    captions = {}
    for tap in samples.taps():
        save(sample_grid.draw_epochs(samples, tap), folder / f"{name}-{tap}")
        captions[f"{name}-{tap}"] = sample_grid.caption_epochs(samples, tap)
    for epoch in samples.epochs():
        save(sample_grid.draw_taps(samples, epoch), folder / f"{name}-epoch{epoch}")
        captions[f"{name}-epoch{epoch}"] = sample_grid.caption_taps(samples, epoch)
    return captions
