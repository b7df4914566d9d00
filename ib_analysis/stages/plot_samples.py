"""Draw sheets of samples: all epochs of each tap, all taps of each epoch, one image in all regimes, and p(x)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ib_analysis import spec
from ib_analysis.artefacts import Artefact, replacing_folder, write_json
from ib_analysis.figures import sample_grid
from ib_analysis.figures.samples import Samples, read_samples
from ib_analysis.figures.style.saving import save
from ib_analysis.provenance import Job


class Spec(spec.Spec):
    """Slice of the experiment."""

    shown: int | None
    """How many images stand on a sheet; None for all."""


def run(slice_: Spec, job: Job, *, samples: list[Artefact], marginal: Artefact, out: Path) -> None:
    """Write the sheets and their captions (captions.json) into the folder `out`."""
    captions: dict[str, str] = {}
    with replacing_folder(out) as folder:
        networks = [read_samples(path).first(slice_.shown) for path in samples]
        for network in networks:
            captions |= _of_network(folder, network)
        captions |= _of_regimes(folder, networks)
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


def _of_regimes(folder: Path, networks: Sequence[Samples]) -> dict[str, str]:
    """Sheets of one image for the first seed of each encoder, at the taps that all its regimes have."""
    captions = {}
    for encoder in dict.fromkeys(samples.network.encoder for samples in networks):
        own = [samples for samples in networks if samples.network.encoder == encoder]
        seed = own[0].network.seed
        first = [samples for samples in own if samples.network.seed == seed]
        shared = [tap for tap in first[0].taps() if all(tap in samples.taps() for samples in first)]
        for tap in shared if len(first) > 1 else ():
            name = f"{encoder}-one-image-seed{seed}-{tap}"
            save(sample_grid.draw_regimes(first, tap), folder / name)
            captions[name] = sample_grid.caption_regimes(first, tap)
    return captions
