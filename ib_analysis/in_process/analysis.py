"""analyse: from a network and images in memory to the information plane, through the stages of the DAG."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from decoders.spec import ImageTarget
from decoders.training.atomic_file import replacing
from decoders.training.disk import explain_disk_errors
from ib_analysis.artefacts import write_json
from ib_analysis.calibration.ladder import FEWEST_IMAGES_A_CLASS
from ib_analysis.configuration import merged
from ib_analysis.datasets.arrays import check_images, check_indices, check_labels
from ib_analysis.decoder_cost import cost_sentences
from ib_analysis.encoders.encoder import ImageShape, Tap
from ib_analysis.encoders.specs.torch_module import PreprocessSpec, TorchModuleSpec, file_name
from ib_analysis.encoders.torch_module.build import unwrapped
from ib_analysis.encoders.torch_module.encoder import ordered_taps
from ib_analysis.encoders.torch_module.objects import copied_network, offered
from ib_analysis.errors import UserError
from ib_analysis.experiment import IDENTITY, Experiment, load_experiment
from ib_analysis.in_process.plane import Plane
from ib_analysis.in_process.run import run_tasks
from ib_analysis.in_process.tasks import tasks_of
from ib_analysis.sections.presets import LADDERS, PRESETS, Preset
from ib_analysis.seen_by_network import Seen
from ib_analysis.spec import Described

MARK = "analysis.json"
"""The file by which a folder of results is known as that of an analysis."""
SECTIONS = ("decoders", "calibration", "samples", "activations", "title")
"""What `settings` may change; controls and the like are run by the workflow."""
RESERVED = ("marginal", "pretrained", "classes", IDENTITY)


def analyse(
    model: nn.Module,
    images: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    taps: Sequence[str] | Mapping[str, str],
    out: str | Path,
    checkpoints: Mapping[int, str | Path] | None = None,
    preprocess: PreprocessSpec | None = None,
    seen_by_network: Seen | None = None,
    training_indices: ArrayLike | None = None,
    preset: Preset = "standard",
    seeds: Sequence[int] = (0, 1),
    evaluation_share: float = 0.25,
    levels: int = 256,
    deliberate_noise: bool = False,
    settings: Mapping[str, Any] | None = None,
    device: str = "auto",
    threads: int | None = None,
) -> Plane:
    """The information about image and label in layers of a trained network, measured by decoders of each layer.

    It runs the stages of the workflow one after another in this process, and writes the same results below `out`.
    Called again, it goes on after an interruption, and makes anew what an input or an edit of the code has changed.
    The model itself is not changed: a copy of it, in evaluation mode and without gradients, is measured.

    Args:
        model: its h may depend on its own image alone.
        images: uint8 (n, channels, height, width); a part of them fits the decoders, the rest gives the numbers.
        labels: whole numbers (n,), a class each; None leaves I(y;h) out.
        taps: names of modules as `describe_taps` lists them, or a mapping of names of your own to them.
        out: the folder of the results.
        checkpoints: a file of weights for each epoch, safetensors or torch.save; None: the weights that the model has,
            as epoch 0.
        preprocess: what the network wants of an image; by default its pixels in 0..1.
        seen_by_network: has the network learned on these images? "yes", "no" or "unknown", which None is.
        training_indices: indices of the images that it has learned on, where it is some of them: the decoders and the
            numbers are then of the others, and both kinds are measured side by side.
        preset: "quick", "standard" or "careful": how much the decoders are fitted, and which codes of known
            information calibrate the intervals (`ib_analysis.sections.presets`).
        seeds: every decoder is fitted once a seed; with one the error over fits is unknown.
        evaluation_share: share of the images that the numbers come from, or of those that it has not learned on.
        levels: levels of a pixel, 0..levels-1.
        deliberate_noise: the network draws noise on purpose.
        settings: keys of the sections `decoders`, `calibration`, `samples`, `activations` and `title` of a
            configuration, over those of the preset.
        device: "auto", "cpu" or "cuda".
        threads: CPU threads; None: as torch has them.

    Raises:
        UserError: the input does not hold; one sentence names what and a remedy, before anything is fitted where that
            can be known.
    """
    settings = settings or {}
    _demand_sense(model, preset, evaluation_share, settings, checkpoints)
    given = _Given(images, labels, training_indices, levels, evaluation_share)
    root = Path(out).expanduser().resolve()
    _demand_own_folder(root)
    with offered(copied_network(unwrapped(model)), weights_count=not checkpoints) as build:
        architecture = {
            "kind": "torch_module",
            "build": build,
            "preprocess": (preprocess or PreprocessSpec()).model_dump(mode="json"),
            "checkpoints": checkpoints and {int(e): str(Path(f).resolve()) for e, f in checkpoints.items()},
            "deliberate_noise": deliberate_noise,
        }
        places = dict(taps) if isinstance(taps, Mapping) else {file_name(tap): tap for tap in taps}
        found = _taps(architecture, places, given.shape)
        encoder = {
            "architecture": architecture,
            "taps": {tap.name: places[tap.name] for tap in found},
            "epochs": sorted(checkpoints) if checkpoints else [0],
            "seen_by_network": seen_by_network,
        }
        configuration = _configuration(model, encoder, given, root, preset, seeds)
        experiment = load_experiment(merged([configuration, settings]))
        with explain_disk_errors("the results"):
            write_json(root / MARK, {"experiment": experiment.model_dump(mode="json")})
            given.write(root / "given")
        _say_cost(experiment, found, given)
        tasks = tasks_of(experiment, root, *given.parts)
        run_tasks(tasks, root, device=device, threads=threads or torch.get_num_threads())
    return Plane(root)


def _demand_sense(
    model: nn.Module,
    preset: Preset,
    evaluation_share: float,
    settings: Mapping[str, Any],
    checkpoints: Mapping[int, str | Path] | None,
) -> None:
    """Refuse what can be told to be a mistake without reading an image."""
    if not isinstance(model, nn.Module):
        raise UserError(f"model is a {type(model).__name__}: give a torch.nn.Module, with its weights.")
    if not 0 < evaluation_share < 1:
        raise UserError(f"evaluation_share is {evaluation_share}: it must lie between 0 and 1, such as 0.25.")
    if preset not in PRESETS:
        raise UserError(f"preset {preset!r} is none of {', '.join(PRESETS)}.")
    if unknown := [name for name in settings if name not in SECTIONS]:
        raise UserError(
            f"settings: {unknown[0]!r} is none of {', '.join(SECTIONS)}: other sections are run by the workflow."
        )
    for file in (checkpoints or {}).values():
        if not Path(file).is_file():
            raise UserError(f"checkpoints: {file} is missing: correct the path.")


def _configuration(
    model: nn.Module,
    encoder: Mapping[str, Any],
    given: "_Given",
    root: Path,
    preset: Preset,
    seeds: Sequence[int],
) -> dict[str, Any]:
    """The configuration of the experiment, before `settings`."""
    return {
        "name": _slug(root.name),
        "title": f"What the layers of {type(unwrapped(model)).__name__} keep",
        "dataset": given.section(root / "given"),
        "encoders": {_encoder_name(model): encoder},
        "decoders": _decoders(preset, seeds),
        "calibration": given.ladder(preset),
    }


class _Given:
    """Images, labels and indices in memory, checked.

    Raises:
        UserError: they are not what they should be; the sentence says how to make them so.
    """

    def __init__(
        self,
        images: ArrayLike,
        labels: ArrayLike | None,
        learned: ArrayLike | None,
        levels: int,
        evaluation_share: float,
    ) -> None:
        self.levels, self.evaluation_share = levels, evaluation_share
        self.images = check_images(_array(images), "images", levels)
        n = len(self.images)
        self.labels = None if labels is None else check_labels(_array(labels), "labels", n)
        self.learned = None if learned is None else check_indices(_array(learned), "training_indices", n)

    @property
    def shape(self) -> ImageShape:
        """Shape of one image."""
        _, channels, height, width = self.images.shape
        return ImageShape(channels=channels, height=height, width=width, levels=self.levels)

    @property
    def _arrays(self) -> dict[str, NDArray[Any]]:
        found = {"images": self.images, "labels": self.labels, "learned": self.learned}
        return {name: array for name, array in found.items() if array is not None}

    @property
    def parts(self) -> tuple[int, int]:
        """About how many images the decoder part and the evaluation part have."""
        count = len(self.images) - (0 if self.learned is None else len(self.learned))
        evaluation = round(count * self.evaluation_share)
        return count - evaluation, evaluation

    def section(self, folder: Path) -> dict[str, Any]:
        """The section `dataset`, with the files that `write` writes."""
        files = {f"{name}_file": str(self._file(folder, name)) for name in self._arrays}
        share = self.evaluation_share
        shares = {"encoder": 0.0, "decoder": 1 - share, "evaluation": share}
        return {"kind": "arrays", "levels": self.levels, "shares": shares, **files}

    def ladder(self, preset: Preset) -> dict[str, Any] | None:
        """The section `calibration`: the codes of the preset that so many images can calibrate; None without two."""
        ladder = LADDERS[preset]
        if ladder is None or self.labels is None:
            return None
        # Centres are found among the learned images, where these are known.
        found_among = self.parts[0] if self.learned is None else len(self.learned)
        most = min(self.parts[0] // FEWEST_IMAGES_A_CLASS, found_among)
        clusters = [count for count in ladder["k_means"] if count <= most]
        return {**ladder, "k_means": clusters} if len(clusters) > 1 else None

    def write(self, folder: Path) -> None:
        """Write the arrays, each where its file does not hold it already, and remove those of an earlier call."""
        files = {self._file(folder, name): array for name, array in self._arrays.items()}
        for old in folder.glob("*.npy"):
            if old not in files:
                old.unlink()
        for path, array in files.items():
            if not path.exists() or _digest(np.load(path, mmap_mode="r")) != _digest(array):
                with replacing(path) as temporary:
                    np.save(temporary, array, allow_pickle=False)

    def _file(self, folder: Path, name: str) -> Path:
        """The file of an array; its content stands in its name, so that other content makes another data set."""
        return folder / f"{name}-{_digest(self._arrays[name])}.npy"


def _digest(array: NDArray[Any]) -> str:
    """Short digest of type, shape and values."""
    digest = hashlib.sha256(f"{array.dtype} {array.shape}".encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:16]


def _array(values: Any) -> NDArray[Any]:
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu().numpy()
    return np.ascontiguousarray(values)


def _demand_own_folder(root: Path) -> None:
    """Nothing but the results of an earlier analysis may be there."""
    if root.exists() and not root.is_dir():
        raise UserError(f"out: {root} is a file: name a folder for the results.")
    if root.is_dir() and any(root.iterdir()) and not (root / MARK).exists():
        raise UserError(f"out: {root} holds files of something else: name a new folder for the results.")


def _taps(architecture: Mapping[str, Any], places: Mapping[str, str], image: ImageShape) -> tuple[Tap, ...]:
    """The taps in the order of the forward pass, with the shape of h."""
    if not places:
        raise UserError("taps is empty: name at least one; ib_analysis.describe_taps lists all.")
    named = [{"name": name, "reads": place} for name, place in places.items()]
    described = Described(implementation=TorchModuleSpec.implementation, spec={**architecture, "taps": named})
    return ordered_taps(described.load()[1], image)


def _decoders(preset: Preset, seeds: Sequence[int]) -> dict[str, Any]:
    first = {"seed": int(seeds[0])} if seeds else {}
    fits = dict.fromkeys(("pretrained_fit", "image_fit", "label_fit"), first)
    return {"preset": preset, "seeds": [int(seed) for seed in seeds], **fits}


def _say_cost(experiment: Experiment, taps: Sequence[Tap], given: _Given) -> None:
    """Print what a decoder of each tap costs, before any is fitted."""
    image, decoders = given.shape, experiment.decoders
    target = ImageTarget(**image.model_dump())
    lines = cost_sentences(
        {tap.name: tap.shape for tap in taps},
        Described(**decoders.image.described()),
        Described(**decoders.label.described()),
        target,
        1 if given.labels is None else len(np.unique(given.labels)),
        given.parts[0],
    )
    for line in lines:
        print(f"ib-analysis: {line}", flush=True)


def _encoder_name(model: nn.Module) -> str:
    name = _slug(type(unwrapped(model)).__name__)
    return f"{name}-network" if name in RESERVED else name


def _slug(text: str) -> str:
    """A name of small letters, digits and hyphens.

    >>> _slug("My_Net v2")
    'my-net-v2'
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "network"
