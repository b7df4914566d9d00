"""Parameters in one vector are the parameters that they were: values, gradients, averages, groups."""

import pytest
import torch
from torch import nn

from decoders.flat_parameters import flatten, flatten_gradients
from decoders.training.optimisation import parameter_groups
from decoders.training.weight_average import WeightAverage


def model() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 2))


def test_values_stay_and_each_parameter_begins_at_a_multiple_of_64_bytes() -> None:
    plain, flat = model(), model()
    vector = flatten(list(flat.parameters()))
    for expected, found in zip(plain.parameters(), flat.parameters(), strict=True):
        assert torch.equal(found, expected)
        assert (found.data_ptr() - vector.data_ptr()) % 64 == 0
    assert vector.numel() == 16 * (1 + 1 + 1 + 1)


def test_parameters_of_two_precisions_are_refused() -> None:
    flat = model()
    flat[0].double()
    with pytest.raises(ValueError, match="of one dtype"):
        flatten(list(flat.parameters()))


def test_gradients_are_added_to_the_vector() -> None:
    plain, flat = model(), model()
    vector = flatten(list(flat.parameters()))
    flatten_gradients(list(flat.parameters()), vector)
    x = torch.randn(4, 3)
    for _ in range(2):
        plain(x).square().sum().backward()
        flat(x).square().sum().backward()
    assert vector.grad is not None
    expected = torch.cat(
        [nn.functional.pad(p.grad.flatten(), (0, -p.numel() % 16)) for p in plain.parameters()]
    )  # type: ignore[union-attr]
    torch.testing.assert_close(vector.grad, expected)


def test_averages_follow_their_own_parameters_in_any_groups() -> None:
    plain, flat = model(), model()
    literal, joined = WeightAverage(plain, 0.9), WeightAverage(flat, 0.9)
    last_first = list(flat.parameters())[::-1]
    joined.join([last_first[:1], last_first[1:3]])  # the first weight is in no group
    for step in range(1, 5):
        for both in zip(plain.parameters(), flat.parameters(), strict=True):
            change = torch.randn_like(both[0])
            for parameter in both:
                parameter.data.add_(change)
        literal.update(step)
        joined.update(step)
    for expected, found in zip(literal.model.parameters(), joined.model.parameters(), strict=True):
        torch.testing.assert_close(found, expected)
        assert not found.requires_grad


def test_parameters_without_gradient_are_in_no_group() -> None:
    whole = model()
    whole[0].requires_grad_(False)
    groups = parameter_groups(whole, [whole[1].bias], 0.5)
    assert [[id(p) for p in group["params"]] for group in groups] == [
        [id(whole[1].weight)],
        [id(whole[1].bias)],
    ]
