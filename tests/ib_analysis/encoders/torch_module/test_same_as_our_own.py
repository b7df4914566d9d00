"""The same network gives the same h through torch_module and as an encoder of our own."""

from pathlib import Path

import torch
from safetensors.torch import save_file

from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.resnet import ResNet
from ib_analysis.encoders.specs.resnet import ResNetSpec

IMAGE = ImageShape(channels=3, height=8, width=8, levels=256)


def test_h_of_a_resnet_agrees(built, x):
    spec = ResNetSpec(blocks=(1, 1), widths=(4, 8))
    ours = ResNet(spec, "classifier", IMAGE, 10)
    ours.initialise(torch.Generator().manual_seed(3))
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)
    ours.set_normalisation(torch.tensor(mean), torch.tensor(std))
    ours(x.float().mul(2).clamp(max=255).to(torch.uint8))  # moves the running statistics
    ours.eval()
    trunk = {
        name.removeprefix("trunk."): v for name, v in ours.state_dict().items() if name.startswith("trunk.")
    }
    save_file(trunk, "trunk.safetensors")
    names = ("stem", "h1", "h2", "pooled", "logits")
    theirs = built("our_trunk", {n: n for n in names}, preprocess={"mean": mean, "std": std})
    theirs.load_weights(Path("trunk.safetensors"))
    expected, found = ours.activations(x, names), theirs.activations(x, names)
    for name in names:
        assert torch.allclose(expected[name], found[name], atol=1e-5), name
