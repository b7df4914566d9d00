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
    clip_by_member([(s, None) for s in stacked], 3, 1.0)
    for m, member in enumerate(members):
        nn.utils.clip_grad_norm_(member.parameters(), 1.0)
        for s, name in zip(stacked, ("weight", "bias"), strict=True):
            assert s.grad is not None
            torch.testing.assert_close(s.grad[m], getattr(member, name).grad)


def test_a_gradient_of_some_members_counts_for_these() -> None:
    shared, own = nn.Parameter(torch.zeros(3, 2)), nn.Parameter(torch.zeros(2, 1))
    shared.grad, own.grad = torch.tensor([[3.0, 0.0], [0.0, 3.0], [0.3, 0.0]]), torch.tensor([[4.0], [0.4]])
    clip_by_member([(shared, None), (own, torch.tensor([2, 0]))], 3, 1.0)
    torch.testing.assert_close(
        shared.grad, torch.tensor([[3 / 3.024, 0.0], [0.0, 1.0], [0.3 / 4.0112, 0.0]]), rtol=1e-3, atol=1e-5
    )
    torch.testing.assert_close(own.grad, torch.tensor([[4 / 4.0112], [0.4 / 3.0265]]), rtol=1e-3, atol=1e-5)


def test_a_rate_in_a_tensor_is_set_in_place_and_survives_a_resume() -> None:
    """A captured step reads the tensor, so a new one in its place would leave the rate of the capture."""
    layers = [nn.Linear(3, 2) for _ in range(2)]
    optimizers = [
        torch.optim.AdamW(
            [{"params": [layer.weight], "share": 1.0}, {"params": [layer.bias], "share": 0.1}],
            lr=torch.tensor(0.5),
            fused=True,
        )
        for layer in layers
    ]
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["lr"].clone()
    layers[0](torch.ones(1, 3)).sum().backward()
    optimizers[0].step()
    optimizers[1].load_state_dict(optimizers[0].state_dict())
    rates = [group["lr"] for group in optimizers[1].param_groups]
    for group in optimizers[1].param_groups:
        set_learning_rate(group, 0.25 * group["share"])
    assert [group["lr"] is rate for group, rate in zip(optimizers[1].param_groups, rates, strict=True)] == [
        True,
        True,
    ]
    assert [float(rate) for rate in rates] == pytest.approx([0.25, 0.025])
    assert [float(group["lr"]) for group in optimizers[0].param_groups] == [0.5, 0.5]


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
