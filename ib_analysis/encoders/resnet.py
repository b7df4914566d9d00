"""CIFAR-style residual networks (He, Zhang, Ren & Sun 2016, Deep residual learning, section 4.2)."""

import math
from collections.abc import Sequence
from itertools import islice

import torch
from torch import nn

from ib_analysis.encoders.encoder import ImageShape, Tap
from ib_analysis.encoders.layers.autoencoder import Mirror
from ib_analysis.encoders.layers.branch_scaling import branch_scales
from ib_analysis.encoders.layers.residual_block import BasicBlock, Norm, convolution
from ib_analysis.encoders.specs.resnet import ResNetSpec
from ib_analysis.encoders.specs.training import Regime
from ib_analysis.encoders.trunk import TrunkEncoder

Shape = tuple[int, int, int]


class ResNet(TrunkEncoder):
    """A 3x3 stem, stages of basic blocks, then pooling and logits, or a linear code and a mirrored decoder.

    Taps: stem, h1..hN (the end of each stage), then pooled and logits (classifier) or bottleneck
    (autoencoder). The first stage keeps the resolution of the image and each later one halves it, rounded
    up, so any size is allowed. The trunk up to hN is the same in both regimes. Its residual branches are scaled by the
    spec's scheme (Hayou et al. 2021); those of the autoencoder's mirror are not scaled.
    """

    Spec = ResNetSpec

    def __init__(self, spec: ResNetSpec, regime: Regime, image: ImageShape, classes: int) -> None:
        super().__init__(spec, regime, image, classes)
        shapes = stage_shapes(spec.widths, image)
        stem = nn.Sequential(convolution(image.channels, spec.widths[0], 3, spec.norm), nn.ReLU())
        code = classifier_head(shapes[-1], classes) if regime == "classifier" else code_head(shapes[-1], spec)
        self.trunk = nn.ModuleDict({"stem": stem, **stages(spec), **code})
        self.mirror = Mirror(spec, shapes, image.channels) if regime == "autoencoder" else None
        widths = {"pooled": (shapes[-1][0],), "logits": (classes,), "bottleneck": (spec.bottleneck,)}
        places = (shapes[0], *shapes, *(widths[name] for name in code))
        self.taps = tuple(Tap(name, shape) for name, shape in zip(self.trunk, places, strict=True))
        self.initialise(torch.Generator().manual_seed(0))


def stage_shapes(widths: Sequence[int], image: ImageShape) -> list[Shape]:
    """Shape (C, H, W) of the end of each stage.

    >>> stage_shapes((16, 32, 64), ImageShape(channels=1, height=28, width=9, levels=256))
    [(16, 28, 9), (32, 14, 5), (64, 7, 3)]
    """
    return [(c, math.ceil(image.height / 2**i), math.ceil(image.width / 2**i)) for i, c in enumerate(widths)]


def stages(spec: ResNetSpec) -> dict[str, nn.Module]:
    """The stages h1..hN; each is a sequence of basic blocks of which the first changes the shape."""
    inputs = (spec.widths[0], *spec.widths)
    scales = iter(branch_scales(spec.scaling, sum(spec.blocks)))
    return {
        f"h{i + 1}": stage(tuple(islice(scales, count)), inputs[i], width, 1 if i == 0 else 2, spec.norm)
        for i, (count, width) in enumerate(zip(spec.blocks, spec.widths))
    }


def stage(scales: Sequence[float], inputs: int, outputs: int, stride: int, kind: Norm) -> nn.Sequential:
    """A sequence of basic blocks, one for each branch scale."""
    first = BasicBlock(inputs, outputs, stride, kind, scales[0])
    return nn.Sequential(first, *(BasicBlock(outputs, outputs, 1, kind, scale) for scale in scales[1:]))


def classifier_head(shape: Shape, classes: int) -> dict[str, nn.Module]:
    """Global average pooling and a linear layer."""
    pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return {"pooled": pooled, "logits": nn.Linear(shape[0], classes)}


def code_head(shape: Shape, spec: ResNetSpec) -> dict[str, nn.Module]:
    """The linear code of the flattened last stage."""
    return {"bottleneck": nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), spec.bottleneck))}
