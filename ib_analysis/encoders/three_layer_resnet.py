"""The three-layer ResNet of Allen-Zhu & Li 2019 (arXiv 1905.10337) as a network that reads images."""

import math

import torch
from torch import Tensor, nn

from ib_analysis.encoders.encoder import ImageShape, Tap
from ib_analysis.encoders.layers.initialisation import initialise
from ib_analysis.encoders.specs.three_layer_resnet import ThreeLayerResNetSpec
from ib_analysis.encoders.specs.training import Regime
from ib_analysis.encoders.trunk import Channels, TrunkEncoder, View


class FixedReadOut(nn.Module):
    """A h with a random matrix A, which is part of the state and never trained."""

    weight: Tensor

    def __init__(self, width: int, code: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(code, width))

    def forward(self, h: Tensor) -> Tensor:
        """(batch, width) to (batch, code)."""
        return h @ self.weight.T


class SecondHidden(nn.Module):
    """The concatenation (out1, hidden2) with hidden2 = relu(V (out1, 1))."""

    def __init__(self, code: int, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(code, width)

    def forward(self, out1: Tensor) -> Tensor:
        """(batch, code) to (batch, code + width)."""
        return torch.cat([out1, torch.relu(self.linear(out1))], dim=1)


class SecondSum(nn.Module):
    """out = out1 + A hidden2, with an A that equals the first block's."""

    def __init__(self, width: int, code: int) -> None:
        super().__init__()
        self.code = code
        self.read_out = FixedReadOut(width, code)

    def forward(self, stream: Tensor) -> Tensor:
        """(batch, code + width) to (batch, code)."""
        out: Tensor = stream[:, : self.code] + self.read_out(stream[:, self.code :])
        return out


class ThreeLayerResNet(TrunkEncoder):
    """out1 = A relu(W (x, 1)); out = out1 + A relu(V (out1, 1)); x is the vector of normalised pixels.

    Taps: hidden1 (width), out1 (code), hidden2 (width), out (code), then logits (classifier). hidden2 is the branch
    without the shortcut, which carries out1 to out. Without the last layer the network is the learner of the paper's
    experiment: A, V and all biases are drawn from N(0, 1 / width), W from N(0, 1 / pixels), and A is not trained. The
    linear layer of a classifier reads `out`. The mirror of an autoencoder is trained in full: a residual block of the
    code, a hidden layer, the pixels.
    """

    Spec = ThreeLayerResNetSpec

    def __init__(self, spec: ThreeLayerResNetSpec, regime: Regime, image: ImageShape, classes: int) -> None:
        super().__init__(spec, regime, image, classes)
        self.width = spec.width
        width, code, pixels = spec.width, spec.code, image.channels * image.height * image.width
        self.trunk = nn.ModuleDict(
            {
                "hidden1": nn.Sequential(nn.Flatten(), nn.Linear(pixels, width), nn.ReLU()),
                "out1": FixedReadOut(width, code),
                "stream": SecondHidden(code, width),
                "out": SecondSum(width, code),
            }
        )
        self.views = {"hidden2": View("stream", Channels(code, code + width))}
        self.mirror = None
        if regime == "classifier":
            self.trunk["logits"] = nn.Linear(code, classes)
        else:
            self.mirror = mirror(code, width, image)
        sizes = {"hidden1": width, "out1": code, "hidden2": width, "out": code, "logits": classes}
        self.taps = tuple(Tap(name, (sizes[name],)) for name in spec.tap_names(regime))
        self.initialise(torch.Generator().manual_seed(0))

    def initialise(self, generator: torch.Generator) -> None:
        """Draws A, W and V with their biases as in the paper, and all other weights as in every encoder."""
        initialise(self, generator)
        small = math.sqrt(1 / self.width)
        for name in ("hidden1.1.bias", "stream.linear.bias", "stream.linear.weight"):
            nn.init.normal_(self.get_parameter(f"trunk.{name}"), std=small, generator=generator)
        first, second = self.get_buffer("trunk.out1.weight"), self.get_buffer("trunk.out.read_out.weight")
        nn.init.normal_(first, std=small, generator=generator)
        second.copy_(first)


class CodeBlock(nn.Module):
    """c + B relu(U (c, 1)): the mirror of the second block."""

    def __init__(self, code: int, width: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(nn.Linear(code, width), nn.ReLU(), nn.Linear(width, code))

    def forward(self, c: Tensor) -> Tensor:
        """(batch, code) to (batch, code)."""
        found: Tensor = c + self.branch(c)
        return found


def mirror(code: int, width: int, image: ImageShape) -> nn.Sequential:
    """Decoder from the code to the image in [0, 1]: both blocks in reverse order."""
    shape = (image.channels, image.height, image.width)
    to_pixels = nn.Linear(width, math.prod(shape))
    hidden = nn.Sequential(nn.Linear(code, width), nn.ReLU())
    return nn.Sequential(CodeBlock(code, width), hidden, to_pixels, nn.Unflatten(1, shape), nn.Sigmoid())
