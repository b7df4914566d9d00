"""Networks of a study side by side against one after another, one thread: python -m benchmarks.network_stacks.

First the shapes that are shipped, then those around the largest that `members_at_once` stacks. A step is the forward
pass, the gradient and stochastic gradient descent of every member. Half a minute.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F

from benchmarks.measurement import interleaved_seconds
from ib_analysis.encoders.encoder import Encoder, ImageShape
from ib_analysis.encoders.quantized import Quantized
from ib_analysis.encoders.resnet import ResNet
from ib_analysis.encoders.rir import Rir
from ib_analysis.encoders.specs.quantized import QuantizedSpec
from ib_analysis.encoders.specs.resnet import ResNetSpec
from ib_analysis.encoders.specs.rir import RirSpec
from ib_analysis.encoders.training.stack import Stack, members_at_once

CLASSES, ROUNDS = 10, 5
DIGITS = ImageShape(channels=1, height=8, width=8, levels=17)
COLOUR_8, COLOUR_16, COLOUR_32 = (
    ImageShape(channels=3, height=size, width=size, levels=256) for size in (8, 16, 32)
)
SMALL, WIDE, WIDEST = (8, 16, 32), (16, 32, 64), (32, 64, 128)


class Case(NamedTuple):
    """Members of one architecture, and their batches."""

    name: str
    build: Callable[[], Encoder]
    members: int
    batch: int


def resnet(
    blocks: int, widths: Sequence[int], image: ImageShape, norm: str = "batch"
) -> Callable[[], Encoder]:
    """A residual classifier of three stages."""
    spec = ResNetSpec.model_validate({"blocks": (blocks,) * 3, "widths": tuple(widths), "norm": norm})
    return lambda: ResNet(spec, "classifier", image, CLASSES)


def rir() -> Encoder:
    """The network of the study of Resnet in Resnet on digits."""
    spec = RirSpec(arm="rir", blocks=(2, 3, 3), widths=(4, 8, 16), shortcut="padding")
    return Rir(spec, "classifier", DIGITS, CLASSES)


def quantized() -> Encoder:
    """A network of the study of quantized networks on digits."""
    network = ResNetSpec(blocks=(2, 2, 2), widths=(4, 8, 16))
    spec = QuantizedSpec(network=network, weight_bits=4, activation_bits=4, start_step=1)
    return Quantized(spec, "classifier", DIGITS, CLASSES)


SHIPPED = (
    Case("Stable ResNet, 8 layers, no norm", resnet(1, SMALL, DIGITS, "none"), 9, 32),
    Case("Stable ResNet, 104 layers, no norm", resnet(17, SMALL, DIGITS, "none"), 9, 32),
    Case("Stable ResNet, 104 layers, batch norm", resnet(17, SMALL, DIGITS), 9, 32),
    Case("Stable ResNet on CIFAR-10, 32 layers, batch norm", resnet(5, SMALL, COLOUR_8), 15, 64),
    *(Case("Resnet in Resnet", rir, members, 32) for members in (3, 8, 16, 32)),
    Case("quantized, 4 bits", quantized, 6, 64),
)
AROUND = tuple(
    Case(f"{widths[0]} channels, {image.height}x{image.width}", resnet(2, widths, image), 5, batch)
    for widths, image, batch in (
        (SMALL, COLOUR_8, 32), (SMALL, COLOUR_8, 64), (SMALL, COLOUR_16, 32), (WIDE, COLOUR_8, 64),
        (SMALL, COLOUR_16, 64), (WIDEST, COLOUR_8, 64), (WIDE, COLOUR_16, 64), (SMALL, COLOUR_32, 64),
    )
)  # fmt: skip


def share(case: Case) -> tuple[float, float]:
    """Seconds of a step of one member alone, and the share of it that a member of the stack takes."""
    torch.manual_seed(0)
    image, one = case.build().image, case.build().train()
    stack = Stack([case.build().train() for _ in range(case.members)])
    shape = case.batch, image.channels, image.height, image.width
    x = [torch.randint(0, image.levels, shape, dtype=torch.uint8) for _ in range(case.members)]
    y = torch.randint(0, CLASSES, (case.members, case.batch))
    of_one = torch.optim.SGD(one.parameters(), lr=1e-3, momentum=0.9, weight_decay=1e-4)
    groups = [{"params": [own]} for own in stack.vectors]
    of_stack = torch.optim.SGD(groups, lr=1e-3, momentum=0.9, weight_decay=1e-4)

    def step_alone() -> None:
        F.cross_entropy(one(x[0]), y[0]).backward()
        of_one.step()
        of_one.zero_grad()

    def step_together() -> None:
        torch.stack([F.cross_entropy(*pair) for pair in zip(stack(x), y, strict=True)]).sum().backward()
        of_stack.step()
        of_stack.zero_grad()

    found = interleaved_seconds({"alone": step_alone, "together": step_together}, ROUNDS)
    return found["alone"], found["together"] / case.members / found["alone"]


def main() -> None:
    """Print a line for each case."""
    torch.set_num_threads(1)
    print(
        "| networks | members | batch | largest activation | a step alone | share of it, stacked | is stacked |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for case in (*SHIPPED, *AROUND):
        encoder = case.build()
        numbers = case.batch * max(torch.Size(tap.shape).numel() for tap in encoder.taps)
        alone, stacked = share(case)
        used = "yes" if members_at_once(encoder, case.batch, torch.device("cpu")) > 1 else "no"
        print(
            f"| {case.name} | {case.members} | {case.batch} | {numbers:,} | {1e3 * alone:.0f} ms | {stacked:.2f} "
            f"| {used} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
