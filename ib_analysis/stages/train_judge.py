"""Train the judge, a classifier that tells the class of a sample, on the decoder part."""

from pathlib import Path
from shutil import rmtree

from ib_analysis import spec
from ib_analysis.artefacts import Artefact, link, replacing_folder
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.device import describe_device, resolve_device
from ib_analysis.encoders.checkpoint import checkpoint_name, save_checkpoint
from ib_analysis.encoders.encoder import Encoder, ImageShape
from ib_analysis.encoders.specs.training import TrainingSpec
from ib_analysis.encoders.training.train import train
from ib_analysis.encoders.training.training_curve import CurveRow, curve_path
from ib_analysis.provenance import Job, digest_of
from ib_analysis.rows import write_rows
from ib_analysis.scratch import locked


class Spec(spec.Spec):
    """Slice of the experiment."""

    judge: spec.Described
    training: TrainingSpec
    seed: int


def run(slice_: Spec, job: Job, *, dataset: Artefact, scratch: Path, out: Path) -> None:
    """Write the folder `out`: the checkpoint of the last epoch, and the training curve.

    The held-out column of the curve is the accuracy on the encoder part, which the judge does not learn from.
    """
    device = resolve_device(job.device, job.threads)
    data = open_dataset(dataset.parent)
    judge_class, architecture = slice_.judge.load()
    judge = judge_class(architecture, "classifier", ImageShape.of(data.header), len(data.header.class_names))
    key = {"slice": slice_.model_dump(mode="json"), "code": job.code, "dataset": data.header.fingerprint}
    last = slice_.training.epochs
    with locked(scratch):
        own = scratch / digest_of(key)
        own.mkdir(parents=True, exist_ok=True)

        def keep(epoch: int, trained: Encoder) -> None:
            save_checkpoint(trained, own / checkpoint_name(epoch), epoch=epoch, seed=slice_.seed)

        curve = train(
            judge,
            data.decoder,
            slice_.training,
            seed=slice_.seed,
            epochs_to_keep=(last,),
            device=device,
            scratch=own / "state",
            keep=keep,
            held_out=data.encoder,
            label="judge",
        )
        with replacing_folder(out) as folder:
            link(own / checkpoint_name(last), folder / checkpoint_name(last))
            write_rows(curve_path(folder), CurveRow, curve.rows)
            job.record(folder, device_name=describe_device(device), dataset=data.header.fingerprint)
        rmtree(own)
    print(f"judge: {100 * (curve.rows[-1].held_out_part or 0.0):.1f} % of the encoder part told correctly")
