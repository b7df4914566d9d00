import numpy as np
import pytest
import torch

from ib_analysis.information.estimators.critic import (
    ConcatenatedCritic,
    CriticKind,
    SeparableCritic,
    Standardiser,
    build_critic,
    one_hot_classes,
)


def test_the_standardiser_belongs_to_the_rows_it_was_made_of():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(50, 3)) * [1e-6, 1.0, 1e6] + [5.0, 0.0, -3e6]
    scale = Standardiser.of(rows)
    assert np.allclose(scale(rows).mean(0), 0.0)
    assert np.allclose(scale(rows).std(0), 1.0)
    assert np.allclose(scale(rows[:1] + 1.0), (rows[:1] + 1.0 - rows.mean(0)) / rows.std(0))


def test_a_constant_feature_is_centred_and_never_divided_by_zero():
    rows = np.tile([0.1, 1e8, 0.0], (7, 1))
    assert np.abs(Standardiser.of(rows)(rows)).max() < 1e-6
    assert Standardiser.of(rows).deviation.tolist() == [1.0, 1.0, 1.0]


def test_a_column_of_few_integers_is_a_class():
    coded = one_hot_classes(np.array([[-3.0], [5.0], [5.0], [0.0]]))
    assert coded.tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 1], [0, 1, 0]]


@pytest.mark.parametrize(
    "rows",
    [np.array([[0.5], [1.0]]), np.array([[0.0, 1.0], [1.0, 0.0]]), np.arange(101.0)[:, None]],
    ids=["fractions", "two columns", "101 integers"],
)
def test_measurements_stay_as_they_are(rows):
    assert one_hot_classes(rows) is rows


@pytest.mark.parametrize("kind", list(CriticKind))
def test_scores_of_all_pairs_are_the_scores_of_each_pair(kind):
    torch.manual_seed(0)
    critic = build_critic(kind, 3, 2, (8, 5), offset=0.7).double()
    x, y = torch.randn(4, 3).double(), torch.randn(6, 2).double()
    scores = critic(x, y)
    assert scores.shape == (4, 6)
    for i in range(4):
        for j in range(6):
            assert torch.allclose(scores[i, j], critic(x[i : i + 1], y[j : j + 1])[0, 0])


def test_the_concatenated_critic_literally():
    torch.manual_seed(0)
    critic = ConcatenatedCritic(3, 2, (8, 5), offset=0.7).double()
    x, y = torch.randn(1, 3).double(), torch.randn(1, 2).double()
    weight = torch.cat([critic.of_x.weight, critic.of_y.weight], 1)
    first = torch.relu(weight @ torch.cat([x, y], 1)[0] + critic.of_x.bias)
    second = torch.relu(critic.rest[0](first))
    assert torch.allclose(critic(x, y)[0, 0], critic.rest[2](second)[0] + 0.7)


def test_the_separable_critic_literally():
    torch.manual_seed(0)
    critic = SeparableCritic(3, 2, (8, 5), offset=0.7).double()
    x, y = torch.randn(1, 3).double(), torch.randn(1, 2).double()
    inner = sum(a * b for a, b in zip(critic.g(x)[0], critic.k(y)[0]))
    assert torch.allclose(critic(x, y)[0, 0], inner / 5**0.5 + 0.7)


@pytest.mark.parametrize("kind", list(CriticKind))
def test_a_gradient_reaches_every_parameter(kind):
    torch.manual_seed(0)
    critic = build_critic(kind, 3, 2, (8, 8), offset=0.0)
    scores = critic(torch.randn(16, 3), torch.randn(16, 2))
    (scores * torch.randn(16, 16)).sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in critic.parameters())
