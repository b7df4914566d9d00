"""Networks as a user would write them; no test needs anything of them but their names."""

from collections import OrderedDict

import torch
from torch import Tensor, nn


class Block(nn.Module):
    """A basic block whose one in-place ReLU serves two places, as in torchvision."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        h = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(h + self.downsample(x))


class ResNet(nn.Module):
    """A small torchvision-style ResNet."""

    def __init__(self, channels: int = 3, num_classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 4, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(2)
        self.layer1 = nn.Sequential(Block(4, 4, 1))
        self.layer2 = nn.Sequential(Block(4, 8, 2))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.never = nn.Linear(2, 2)
        self.fc = nn.Linear(8, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        h = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        h = self.avgpool(self.layer2(self.layer1(h)))
        return self.fc(h.flatten(1))


class Vit(nn.Module):
    """A small vision transformer: patches, a class token, blocks of attention, tokens as outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, 4)
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.blocks = nn.TransformerEncoder(layer, 2)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        tokens = self.blocks(torch.cat([self.token.expand(len(x), -1, -1), tokens], 1))
        mixed, _ = self.attention(tokens, tokens, tokens)
        return {"logits": self.head(mixed[:, 0]), "tokens": mixed}


class Autoencoder(nn.Module):
    """A code, and its reconstruction in a mapping."""

    def __init__(self) -> None:
        super().__init__()
        self.encode = nn.Sequential(nn.Flatten(), nn.Linear(192, 6))
        self.decode = nn.Sequential(nn.Linear(6, 192), nn.Sigmoid())
        self.both = Both()

    def forward(self, x: Tensor) -> Tensor:
        code = self.encode(x)
        return self.both(code=code, image=self.decode(code))["image"]


class Both(nn.Module):
    """Returns its two arguments as a mapping."""

    def forward(self, *, code: Tensor, image: Tensor) -> dict[str, Tensor]:
        return {"code": code, "image": image}


def mlp(width: int = 5) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(192, width), nn.ReLU(), nn.Linear(width, 10))


def in_half() -> nn.Module:
    return ResNet().half()


def compiled() -> nn.Module:
    return torch.compile(ResNet())


def parallel() -> nn.Module:
    return nn.DataParallel(ResNet())


class InPlaceBehind(nn.Module):
    """A ReLU in place behind a convolution changes what the convolution returned."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.relu = nn.ReLU(inplace=True)
        self.fail = Failing()

    def forward(self, x: Tensor) -> Tensor:
        return self.fail(self.relu(self.conv(x)))


class Failing(nn.Module):
    """Counts how often it is called."""

    calls = 0

    def forward(self, x: Tensor) -> Tensor:
        type(self).calls += 1
        return x.mean((1, 2, 3))


class Odd(nn.Module):
    """Outputs that are no h."""

    def __init__(self) -> None:
        super().__init__()
        self.spectrum = Spectrum()
        self.levels = Levels()
        self.turned = Turned()
        self.five = Five()
        self.members = nn.ModuleList([nn.Identity()])

    def forward(self, x: Tensor) -> Tensor:
        self.spectrum(x), self.levels(x), self.turned(x), self.five(x)
        return self.members[0](x)


class Spectrum(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.fft.fft2(x)


class Levels(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (x > 0.5).long()


class Turned(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.permute(1, 0, 2, 3)


class Five(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x[:, None]


class Noisy(nn.Module):
    """Adds noise in evaluation mode too."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.noise = Noise()
        self.last = nn.Conv2d(4, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.noise(self.conv(x)))


class Noise(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + torch.randn_like(x)


class Mixing(nn.Module):
    """Its batch norm has no running statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4, track_running_stats=False)
        self.last = nn.Conv2d(4, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.norm(self.conv(x)))


class Dropping(nn.Module):
    """Dropout, which evaluation mode turns off."""

    def __init__(self) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        return self.drop(x)


class Tied(nn.Module):
    """One weight in two places."""

    def __init__(self) -> None:
        super().__init__()
        self.flat = nn.Flatten()
        self.first = nn.Linear(192, 192)
        self.second = nn.Linear(192, 192)
        self.second.weight = self.first.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(self.flat(x)))


not_a_network = 3


def gives_a_number() -> int:
    return 3


def our_trunk() -> nn.Module:
    """The layers of the laboratory's own ResNet, as a plain sequence of named modules."""
    from ib_analysis.encoders.encoder import ImageShape
    from ib_analysis.encoders.resnet import ResNet as OurResNet
    from ib_analysis.encoders.specs.resnet import ResNetSpec

    image = ImageShape(channels=3, height=8, width=8, levels=256)
    ours = OurResNet(ResNetSpec(blocks=(1, 1), widths=(4, 8)), "classifier", image, 10)
    return nn.Sequential(OrderedDict(ours.trunk.items()))


class Cropping(nn.Module):
    """Reads the inside of the image, and leaves a border to the right."""

    def __init__(self) -> None:
        super().__init__()
        self.crop = Crop()
        self.relu = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(3, 8, 2, 2)
        self.hard = Hard()

    def forward(self, x: Tensor) -> Tensor:
        return self.hard(self.relu(self.conv(self.crop(x))))


class Crop(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, 1:, :7]


class Hard(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (x > 0).float()
