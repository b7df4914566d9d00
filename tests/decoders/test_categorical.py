import math

import pytest
import torch

from decoders.categorical import Categorical
from decoders.errors import ContextError
from decoders.evaluation import nats_per_example
from decoders.fitting import fit
from decoders.pairs import TensorPairs
from decoders.spec import CategoricalSpec, FitSpec, LabelTarget

CONTEXTS = [None, (7,), (3, 32, 32), (5, 16, 16), (8, 4, 4), (2, 3, 5), (4, 1, 1)]
FIT = FitSpec(steps=250, batch_size=64, learning_rate=0.01, evaluate_every=25)


def build(context, layers=1, classes=5, dropout=0.0):
    torch.manual_seed(0)
    spec = CategoricalSpec(hidden=16, layers=layers, dropout=dropout)
    return Categorical(spec, LabelTarget(classes=classes), context)


def h_like(context, n):
    return None if context is None else torch.randn(n, *context)


@pytest.mark.parametrize("layers", [0, 1, 3])
@pytest.mark.parametrize("context", CONTEXTS)
def test_probabilities_sum_to_one_and_a_gradient_reaches_every_parameter(context, layers):
    decoder = build(context, layers)
    for parameter in decoder.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    h = h_like(context, 6)
    logs = torch.stack([decoder(h).log_prob(torch.full((6,), y)) for y in range(5)])
    assert torch.allclose(logs.exp().sum(0), torch.ones(6), atol=1e-5)
    (-decoder(h).log_prob(torch.arange(6) % 5).mean()).backward()
    for name, parameter in decoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("context", CONTEXTS)
def test_it_starts_at_the_class_frequencies(context):
    decoder = build(context, classes=3)
    y = torch.tensor([0] * 59 + [1] * 29 + [2] * 9)
    decoder.initialise(y, h_like(context, len(y)))
    h = h_like(context, 3)
    found = decoder(h).log_prob(torch.arange(3)).exp()
    assert torch.allclose(found, torch.tensor([0.6, 0.3, 0.1]), atol=1e-6)


def test_samples_follow_the_probabilities():
    decoder = build((2,), classes=3)
    for parameter in decoder.parameters():
        torch.nn.init.normal_(parameter)
    density = decoder(torch.randn(4, 2))
    draws = density.sample(torch.Generator().manual_seed(0), 20000)
    assert draws.shape == (20000, 4)
    shares = torch.stack([(draws == y).double().mean(0) for y in range(3)])
    expected = density.log_probabilities.exp().T.double()
    assert (shares - expected).abs().max() < 4 * math.sqrt(0.25 / 20000)


def test_mean_nats_of_own_samples_are_its_entropy():
    density = build((2,), classes=3)(torch.zeros(1, 2))
    draws = density.sample(torch.Generator().manual_seed(0), 500)[:, 0]
    assert -density.log_prob(draws).mean().item() == pytest.approx(math.log(3), abs=1e-5)


def test_the_scale_and_shift_of_h_do_not_matter():
    y, h = torch.randint(5, (300,)), torch.randn(300, 7)
    nats = []
    for scaled in (h, 1e4 * h + 300.0, 1e-4 * h):
        decoder = build((7,))
        fit(decoder, TensorPairs(y, scaled), FIT.model_copy(update={"steps": 20}))
        nats.append(nats_per_example(decoder, TensorPairs(y, scaled), "cpu", 300).mean())
    assert nats[1] == pytest.approx(nats[0], rel=2e-3)
    assert nats[2] == pytest.approx(nats[0], rel=2e-3)


@pytest.mark.parametrize("context", [(4,), (2, 8, 8)])
def test_h_that_determines_y_leaves_no_nats(context):
    generator = torch.Generator().manual_seed(0)
    y = torch.randint(4, (1200,), generator=generator)
    h = 0.3 * torch.randn((1200, *context), generator=generator)
    if len(context) == 1:
        h[torch.arange(1200), y] += 3.0
    else:  # a bright quadrant says the class: position matters, the mean over the map does not
        for quadrant in range(4):
            row, column = 4 * (quadrant // 2), 4 * (quadrant % 2)
            h[y == quadrant, :, row : row + 4, column : column + 4] += 1.0
    decoder = build(context, classes=4)
    fit(decoder, TensorPairs(y[:1000], h[:1000]), FIT)
    nats = nats_per_example(decoder, TensorPairs(y[1000:], h[1000:]), "cpu", 200)
    information = math.log(4) - nats.mean()
    assert information > 0.98 * math.log(4)
    assert information <= math.log(4) + 4 * nats.std() / math.sqrt(200)


@pytest.mark.parametrize("context", [(32,), (3, 8, 8)])
def test_h_independent_of_y_says_nothing_on_held_out_data(context):
    generator = torch.Generator().manual_seed(1)
    y = torch.randint(4, (1000,), generator=generator)
    h = torch.randn((1000, *context), generator=generator)
    decoder = build(context, classes=4, dropout=0.2)
    fit(decoder, TensorPairs(y[:500], h[:500]), FIT)
    difference = math.log(4) - nats_per_example(decoder, TensorPairs(y[500:], h[500:]), "cpu", 500)
    stderr = difference.std(ddof=1) / math.sqrt(500)
    assert difference.mean() <= 4 * stderr
    assert difference.mean() > -0.05  # the stopping rule keeps it from overfitting noise


def test_a_map_whose_class_is_local_is_read_by_the_convolutions_not_by_the_linear_probe():
    # The class is the sign of the product of two neighbours' signs: no linear probe can read it.
    generator = torch.Generator().manual_seed(0)
    h = torch.randn((2000, 1, 4, 4), generator=generator).sign()
    y = (h[:, 0, 0, 0] * h[:, 0, 0, 1] > 0).long()
    nats = {}
    for layers in (0, 1):
        decoder = build((1, 4, 4), layers, classes=2)
        fit(decoder, TensorPairs(y[:1500], h[:1500]), FIT.model_copy(update={"steps": 400}))
        nats[layers] = nats_per_example(decoder, TensorPairs(y[1500:], h[1500:]), "cpu", 500).mean()
    assert nats[0] > 0.65
    assert nats[1] < 0.2


def test_h_of_another_shape_is_refused():
    with pytest.raises(ContextError, match=r"h has shape \(4,\), the decoder was built for \(7,\)"):
        build((7,))(torch.zeros(2, 4))
    with pytest.raises(ContextError, match="built for an h of shape None"):
        build(None)(torch.zeros(2, 4))
    with pytest.raises(ContextError, match=r"built for an h of shape \(7,\)"):
        build((7,))(None)
