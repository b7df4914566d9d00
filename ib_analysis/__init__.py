"""ib-analysis: an information-bottleneck laboratory for networks, first of all residual ones.

Importing it loads neither numpy nor torch.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike
    from torch import nn

    from ib_analysis.encoders.specs.torch_module import PreprocessSpec as Preprocess
    from ib_analysis.in_process.plane import Plane
    from ib_analysis.information.measurement.estimate import Estimate
    from ib_analysis.sections.presets import Preset
    from ib_analysis.seen_by_network import Seen

__all__ = ["Preprocess", "analyse", "describe_taps", "estimate_information"]


def __getattr__(name: str) -> Any:
    if name == "Preprocess":
        from ib_analysis.encoders.specs.torch_module import PreprocessSpec

        return PreprocessSpec
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def analyse(
    model: "nn.Module",
    images: "ArrayLike",
    labels: "ArrayLike | None" = None,
    *,
    taps: "Sequence[str] | Mapping[str, str]",
    out: "str | Path",
    checkpoints: "Mapping[int, str | Path] | None" = None,
    preprocess: "Preprocess | None" = None,
    seen_by_network: "Seen | None" = None,
    training_indices: "ArrayLike | None" = None,
    preset: "Preset" = "standard",
    seeds: "Sequence[int]" = (0, 1),
    evaluation_share: float = 0.25,
    levels: int = 256,
    deliberate_noise: bool = False,
    settings: "Mapping[str, Any] | None" = None,
    device: str = "auto",
    threads: int | None = None,
) -> "Plane":
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
    from ib_analysis.encoders.specs.torch_module import PreprocessSpec
    from ib_analysis.in_process import analysis

    return analysis.analyse(
        model,
        images,
        labels,
        taps=taps,
        out=out,
        checkpoints=checkpoints,
        preprocess=PreprocessSpec() if preprocess is None else preprocess,
        seen_by_network=seen_by_network,
        training_indices=training_indices,
        preset=preset,
        seeds=seeds,
        evaluation_share=evaluation_share,
        levels=levels,
        deliberate_noise=deliberate_noise,
        settings=settings or {},
        device=device,
        threads=threads,
    )


def describe_taps(model: "nn.Module", shape: "Sequence[int]") -> str:
    """A table of every place in a network where h can be read, as text.

    Args:
        model: the network; it is not changed.
        shape: of what it reads, as (3, 32, 32).

    Raises:
        UserError: it does not accept images of this shape.
    """
    from ib_analysis.encoders.torch_module.build import unwrapped
    from ib_analysis.encoders.torch_module.objects import copied_network
    from ib_analysis.list_taps import listed

    return listed(copied_network(unwrapped(model)).eval(), tuple(shape))


def estimate_information(x: "ArrayLike", y: "ArrayLike", method: str = "ksg", **settings: Any) -> "Estimate":
    """I(x; y) in nats of paired samples, by one of the estimators that a configuration may name.

    >>> import numpy as np
    >>> x, noise = np.random.default_rng(0).normal(size=(2, 1000))
    >>> found = estimate_information(x, x + noise, k=5)
    >>> found.method, bool(abs(found.value - np.log(2) / 2) < 4 * found.stderr)
    ('ksg', True)

    Args:
        x: shape (n, ...): row i belongs to row i of y.
        y: shape (n, ...); integers (n,) where y is a class.
        method: a name of the table in workflow/config/README.md.
        settings: settings of the method; what is left out has its default.

    Raises:
        UserError: an unknown method or setting, or rows that do not belong together, too few, or not finite.
    """
    from ib_analysis.information.estimators.catalogue import estimator

    return estimator(method, **settings).estimate(x, y)
