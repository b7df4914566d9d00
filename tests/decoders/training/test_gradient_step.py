"""Steps on the CPU; the captured step where there is a GPU."""

import pytest
import torch
from torch import nn

from decoders.spec import FitSpec
from decoders.training.gradient_step import GradientStep, build_adam, clip_by_member, set_learning_rate
from decoders.training.graphed_step import GraphedStep


def test_gradients_of_members_are_cut_one_by_one() -> None:
    torch.manual_seed(0)
    members = [nn.Linear(4, 3) for _ in range(3)]
    stacked = [
        nn.Parameter(torch.stack([getattr(m, n).detach() for m in members])) for n in ("weight", "bias")
    ]
    for m, member in enumerate(members):
        for parameter in member.parameters():
            parameter.grad = torch.randn_like(parameter) * 10**m / 10
    for s, name in zip(stacked, ("weight", "bias"), strict=True):
        s.grad = torch.stack([getattr(member, name).grad for member in members])
    clip_by_member(stacked, 1.0)
    for m, member in enumerate(members):
        nn.utils.clip_grad_norm_(member.parameters(), 1.0)
        for s, name in zip(stacked, ("weight", "bias"), strict=True):
            assert s.grad is not None
            torch.testing.assert_close(s.grad[m], getattr(member, name).grad)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="a captured step needs a GPU")
def test_a_captured_step_is_the_eager_one() -> None:
    device = torch.device("cuda")
    spec = FitSpec(steps=10, learning_rate=0.01, precision="float32", gradient_clip=1.0)
    results = []
    for kind in (GradientStep, GraphedStep):
        torch.manual_seed(0)
        layer = nn.Linear(6, 1).to(device)

        def loss(x: torch.Tensor, h: torch.Tensor | None, layer: nn.Linear = layer) -> torch.Tensor:
            return nn.functional.dropout(layer(x) ** 2, 0.3).mean()

        optimizer = build_adam([{"params": list(layer.parameters())}], spec, device)
        step = kind(
            loss,
            optimizer,
            spec,
            device,
            lambda c, layer=layer: nn.utils.clip_grad_norm_(layer.parameters(), c),
        )
        losses = []
        for t in range(8):
            torch.manual_seed(t)
            set_learning_rate(optimizer.param_groups[0], 0.01 / (1 + t))
            losses.append(float(step(torch.randn(32, 6, device=device), None)))
        results.append(losses)
    assert results[0] == pytest.approx(results[1], rel=1e-5)
