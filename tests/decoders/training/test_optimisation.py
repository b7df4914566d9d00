import pytest
import torch
from torch import nn

from decoders.spec import FitSpec
from decoders.training.optimisation import Optimisation, parameter_groups
from decoders.training.process_group import Ranks

SPEC = FitSpec(
    steps=10, learning_rate=0.1, schedule="exponential", learning_rate_decay=1.0, average_decay=0.5
)


class SquaredError(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, target, h):
        return (self.model(h) - target).square().sum(1)


def optimisation(spec=SPEC, pretrained=()):
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    chosen = [getattr(model, name) for name in pretrained]
    return Optimisation(model, SquaredError(model), chosen, spec, 4, torch.device("cpu"), Ranks())


def take(optimised, steps):
    generator = torch.Generator().manual_seed(1)
    h, target = torch.randn(4, 3, generator=generator), torch.randn(4, 2, generator=generator)
    return [optimised.take_step(step, target, h).item() for step in range(steps)]


def test_steps_are_those_of_adam_and_of_the_average():
    optimised = optimisation()
    torch.manual_seed(0)
    literal = nn.Linear(3, 2)
    adam = torch.optim.AdamW(literal.parameters(), lr=0.1, betas=SPEC.betas, weight_decay=0.0)
    generator = torch.Generator().manual_seed(1)
    h, target = torch.randn(4, 3, generator=generator), torch.randn(4, 2, generator=generator)
    average, losses = literal.weight.detach().clone(), []
    for t in range(1, 4):
        adam.zero_grad()
        loss = (literal(h) - target).square().sum(1).mean()
        loss.backward()
        adam.step()
        losses.append(loss.item())
        d = min(0.5, (1 + t) / (10 + t))
        average = d * average + (1 - d) * literal.weight.detach()
    torch.testing.assert_close(torch.tensor(take(optimised, 3)), torch.tensor(losses))
    torch.testing.assert_close(optimised.model.weight, literal.weight)
    torch.testing.assert_close(optimised.average.model.weight, average)


def test_weights_decay_as_adamw_lets_them():
    spec = SPEC.model_copy(update={"weight_decay": 0.3, "pretrained_rate": 0.5})
    optimised = optimisation(spec, ("bias",))
    torch.manual_seed(0)
    literal = nn.Linear(3, 2)
    groups = [{"params": [literal.weight], "lr": 0.1}, {"params": [literal.bias], "lr": 0.05}]
    adam = torch.optim.AdamW(groups, betas=SPEC.betas, weight_decay=0.3)
    generator = torch.Generator().manual_seed(1)
    h, target = torch.randn(4, 3, generator=generator), torch.randn(4, 2, generator=generator)
    for _ in range(3):
        adam.zero_grad()
        (literal(h) - target).square().sum(1).mean().backward()
        adam.step()
    take(optimised, 3)
    torch.testing.assert_close(optimised.model.weight, literal.weight)
    torch.testing.assert_close(optimised.model.bias, literal.bias)


def test_adam_has_one_vector_for_each_rate_on_a_cpu():
    optimised = optimisation(pretrained=("bias",))
    assert [len(group["params"]) for group in optimised.optimizer.param_groups] == [1, 1]
    take(optimised, 1)
    (weights, biases) = (group["params"][0] for group in optimised.optimizer.param_groups)
    assert torch.equal(weights[:6].view(2, 3), optimised.model.weight)
    assert torch.equal(biases.grad[:2], optimised.model.bias.grad)


def test_a_gradient_that_was_set_to_none_is_a_mistake():
    optimised = optimisation()
    optimised.model.zero_grad()
    with pytest.raises(RuntimeError, match="set it to zero in place"):
        take(optimised, 1)


def test_a_gradient_is_clipped_to_the_norm_of_the_spec():
    optimised = optimisation(SPEC.model_copy(update={"gradient_clip": 1e-3}))
    take(optimised, 1)
    norm = torch.cat([p.grad.flatten() for p in optimised.model.parameters()]).norm()
    torch.testing.assert_close(norm, torch.tensor(1e-3), rtol=1e-3, atol=0.0)


def test_a_restored_optimisation_takes_the_same_steps():
    whole, first, second = optimisation(), optimisation(), optimisation()
    take(whole, 6)
    take(first, 3)
    second.load_state_dict(first.state_dict())
    generator = torch.Generator().manual_seed(1)
    h, target = torch.randn(4, 3, generator=generator), torch.randn(4, 2, generator=generator)
    for step in range(3, 6):
        second.take_step(step, target, h)
    assert torch.equal(second.model.weight, whole.model.weight)
    assert torch.equal(second.average.model.weight, whole.average.model.weight)


def test_pretrained_parameters_take_their_share_of_the_rate():
    model = nn.Linear(3, 2)
    groups = parameter_groups(model, [model.bias], 0.1)
    assert [(group["share"], len(group["params"])) for group in groups] == [(1.0, 1), (0.1, 1)]
    assert [group["share"] for group in parameter_groups(model, [], 0.1)] == [1.0]
    optimised = optimisation(SPEC.model_copy(update={"pretrained_rate": 0.0}), pretrained=["bias"])
    before = {name: p.detach().clone() for name, p in optimised.model.named_parameters()}
    take(optimised, 1)
    assert torch.equal(optimised.model.bias, before["bias"])
    assert not torch.equal(optimised.model.weight, before["weight"])
