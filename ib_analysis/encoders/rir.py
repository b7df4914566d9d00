"""Resnet in Resnet for small images, and the three networks of equal size that it is compared with."""

from collections.abc import Sequence
from itertools import islice

import torch
from torch import Tensor, nn

from ib_analysis.encoders.encoder import ImageShape, Tap
from ib_analysis.encoders.layers.autoencoder import Mirror
from ib_analysis.encoders.layers.branch_scaling import branch_scales
from ib_analysis.encoders.layers.generalized_block import RirBlock, Shortcuts
from ib_analysis.encoders.layers.residual_block import convolution
from ib_analysis.encoders.resnet import Shape, code_head, stage_shapes
from ib_analysis.encoders.specs.resnet import ResNetSpec
from ib_analysis.encoders.specs.rir import RirSpec
from ib_analysis.encoders.specs.training import Regime
from ib_analysis.encoders.trunk import Channels, TrunkEncoder, View


class Rir(TrunkEncoder):
    """A 3x3 stem, stages of two-layer blocks over two streams, then a 1x1 convolution to the classes and pooling.

    The trunk processes the concatenation (r, t), residual stream first. Taps: stem, h1..hN (both streams at the end of
    each stage), h1_residual, h1_transient .. hN_transient (channels of h1..hN, where the arm has streams), then pooled
    and logits (classifier) or bottleneck (autoencoder). `pooled` is hN averaged over pixels. In evaluation mode the
    logits are an affine map of it, since averaging commutes with a 1x1 convolution and its batch norm. The first
    stage keeps the resolution of the image and each later one halves it, rounded up.

    Blocks (2, 3, 3), widths (48, 96, 192) and ten classes give the paper's 18-layer wide network for CIFAR.
    """

    Spec = RirSpec
    spec: RirSpec

    def __init__(self, spec: RirSpec, regime: Regime, image: ImageShape, classes: int) -> None:
        super().__init__(spec, regime, image, classes)
        shapes = stage_shapes([2 * width for width in spec.widths], image)
        mirrored = ResNetSpec(
            blocks=spec.blocks, widths=tuple(shape[0] for shape in shapes), bottleneck=spec.bottleneck
        )
        stem = nn.Sequential(convolution(image.channels, shapes[0][0], 3, "batch"), nn.ReLU())
        classifier = regime == "classifier"
        head = class_head(shapes[-1][0], classes) if classifier else code_head(shapes[-1], mirrored)
        self.trunk = nn.ModuleDict({"stem": stem, **stages(spec), **head})
        self.mirror = None if classifier else Mirror(mirrored, shapes, image.channels)
        self.views = views(spec, classifier)
        places = places_of(spec, shapes) | {"logits": (classes,), "bottleneck": (spec.bottleneck,)}
        self.taps = tuple(Tap(name, places[name]) for name in spec.tap_names(regime))
        self.initialise(torch.Generator().manual_seed(0))

    @property
    def blocks(self) -> tuple[RirBlock, ...]:
        """The two-layer blocks in network order."""
        return tuple(module for module in self.trunk.modules() if isinstance(module, RirBlock))

    def initialise(self, generator: torch.Generator) -> None:
        """Redraws every weight; an absorbed identity is added to the draws of the explicit one."""
        super().initialise(generator)
        if self.spec.identity == "absorbed":
            for block in self.blocks:
                block.absorb_identities()


def stages(spec: RirSpec) -> dict[str, nn.Module]:
    """The stages h1..hN; each is a sequence of blocks of which the first changes the shape."""
    before = (spec.widths[0], *spec.widths)
    scales = iter(branch_scales(spec.scaling, sum(spec.blocks)))
    return {
        f"h{i + 1}": stage(
            tuple(islice(scales, count)), before[i], width, 1 if i == 0 else 2, shortcuts(spec)
        )
        for i, (count, width) in enumerate(zip(spec.blocks, spec.widths))
    }


def stage(scales: Sequence[float], before: int, after: int, stride: int, kind: Shortcuts) -> nn.Sequential:
    """A sequence of blocks, one for each branch scale; widths are those of one stream."""
    first = RirBlock(before, after, stride, kind, scales[0])
    return nn.Sequential(first, *(RirBlock(after, after, 1, kind, scale) for scale in scales[1:]))


def shortcuts(spec: RirSpec) -> Shortcuts:
    """The shortcuts of the spec's arm.

    >>> [shortcuts(RirSpec(arm=arm)).streams for arm in ("plain", "resnet", "resnet_init", "rir")]
    [0, 2, 1, 1]
    """
    return Shortcuts(
        streams=1 if spec.has_streams else 2 if spec.arm == "resnet" else 0,
        inner=spec.has_streams,
        outer=spec.arm == "resnet" or (spec.arm == "rir" and spec.outer_shortcut),
        projection=spec.shortcut == "projection",
        absorbed=spec.identity == "absorbed",
    )


def class_head(channels: int, classes: int) -> dict[str, nn.Module]:
    """A 1x1 convolution to the classes with its batch norm, then the average over pixels."""
    maps = convolution(channels, classes, 1, "batch")
    return {"logits": nn.Sequential(maps, nn.AdaptiveAvgPool2d(1), nn.Flatten())}


def views(spec: RirSpec, classifier: bool) -> dict[str, View]:
    """The two streams at the end of each stage, and the average over pixels that determines the logits."""
    found = dict[str, View]()
    for i, width in enumerate(spec.widths if spec.has_streams else (), 1):
        found[f"h{i}_residual"] = View(f"h{i}", Channels(0, width))
        found[f"h{i}_transient"] = View(f"h{i}", Channels(width, 2 * width))
    return found | ({"pooled": View(f"h{len(spec.widths)}", pooled)} if classifier else {})


def pooled(h: Tensor) -> Tensor:
    """(batch, C, H, W) averaged over pixels: (batch, C)."""
    return h.mean((2, 3))


def places_of(spec: RirSpec, shapes: list[Shape]) -> dict[str, tuple[int, ...]]:
    """Shape of every tap up to `pooled`, including taps that the arm lacks."""
    places: dict[str, tuple[int, ...]] = {"stem": shapes[0], "pooled": (shapes[-1][0],)}
    for i, (width, shape) in enumerate(zip(spec.widths, shapes), 1):
        half = (width, *shape[1:])
        places |= {f"h{i}": shape, f"h{i}_residual": half, f"h{i}_transient": half}
    return places
