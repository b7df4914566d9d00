"""Networks of torchvision and timm, where they are installed."""

from importlib import import_module

import pytest
import torch

from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.specs.torch_module import TorchModuleSpec
from ib_analysis.encoders.torch_module.build import build_network
from ib_analysis.encoders.torch_module.encoder import TorchModule
from ib_analysis.list_taps import rows

IMAGE = ImageShape(channels=3, height=32, width=32, levels=256)


def demand(package: str) -> None:
    """Skips the test where the package is missing, or does not fit the installed torch."""
    try:
        import_module(package)
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"{package} cannot be imported: {error}")


@pytest.mark.parametrize(
    ("package", "build", "arguments", "taps", "shapes"),
    [
        ("torchvision", "torchvision.models:resnet18", {}, ("maxpool", "fc:input"), [(64, 8, 8), (512,)]),
        (
            "torchvision",
            "torchvision.models:vit_b_16",
            {"image_size": 32},
            ("encoder.layers.encoder_layer_0", "heads"),
            [(768, 1, 5), (1000,)],
        ),
        ("timm", "timm.models.resnet:resnet18", {}, ("layer1", "global_pool"), [(64, 8, 8), (512,)]),
        (
            "timm",
            "timm.models.vision_transformer:vit_tiny_patch16_224",
            {"img_size": 32},
            ("blocks.0", "head:input"),
            [(192, 1, 5), (192,)],
        ),
    ],
)
def test_taps_are_listed_and_two_are_read(package, build, arguments, taps, shapes):
    demand(package)
    listed = {row[1] for row in rows(build_network(build, arguments), (3, 32, 32))}
    assert {tap.partition(":")[0] for tap in taps} <= listed
    named = [{"name": f"t{i}", "reads": tap} for i, tap in enumerate(taps)]
    encoder = TorchModule(TorchModuleSpec(build=build, arguments=arguments, taps=named), "fixed", IMAGE, 10)
    assert [tap.shape for tap in encoder.taps] == shapes
    x = torch.randint(256, (4, 3, 32, 32), dtype=torch.uint8)
    encoder.verify(x)
    assert encoder.activations(x, ["t0"])["t0"].shape == (4, *shapes[0])
