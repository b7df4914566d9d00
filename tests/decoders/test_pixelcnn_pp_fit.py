"""A very small PixelCNN++ through the whole road: fit, interruption, evaluation, saving."""

import math

import pytest
import torch

from decoders import fitting
from decoders.evaluation import nats_per_example
from decoders.fitting import fit
from decoders.pairs import TensorPairs
from decoders.pixelcnn_pp.decoder import PixelCNNPP
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.saving import load_decoder, save_decoder
from decoders.spec import FitSpec, ImageTarget
from decoders.training import saved_state

TARGET = ImageTarget(channels=1, height=8, width=8, levels=4)


def stripes(n=400, seed=0):
    """Images of two flat halves, levels (a, b) at random: H(x) = 2 log 4; h shows a: I(x; h) = log 4."""
    generator = torch.Generator().manual_seed(seed)
    halves = torch.randint(4, (n, 2), generator=generator)
    x = halves.repeat_interleave(4, 1)[:, None, :, None].expand(n, 1, 8, 8).contiguous().to(torch.uint8)
    h = halves[:, :1, None, None].float().expand(n, 1, 4, 4).contiguous()
    return TensorPairs(x), TensorPairs(x, h)


def tiny(context, dropout=0.0):
    torch.manual_seed(0)
    spec = PixelCNNPPSpec(
        filters=8, layers=1, mixtures=4, dropout=dropout, context_filters=4, context_layers=1
    )
    return PixelCNNPP(spec, TARGET, context)


@pytest.mark.parametrize("context", [None, (1, 4, 4)])
def test_an_interrupted_fit_equals_an_uninterrupted_one(tmp_path, monkeypatch, context):
    monkeypatch.setattr(saved_state, "SAVE_EVERY_SECONDS", 0.0)
    pairs = stripes(80)[0 if context is None else 1]
    spec = FitSpec(steps=8, batch_size=8, evaluate_every=3, seed=1)

    class Killed(BaseException):
        pass

    class Dying(TensorPairs):
        calls = 0

        def batch(self, rows):
            Dying.calls += 1
            if Dying.calls > 7:
                raise Killed
            return super().batch(rows)

    whole, resumed = tiny(context, dropout=0.3), tiny(context, dropout=0.3)
    expected = fit(whole, pairs, spec)
    with pytest.raises(Killed):
        fit(tiny(context, dropout=0.3), Dying(pairs.target, pairs.h), spec, state_path=tmp_path / "state")
    found = fit(resumed, pairs, spec, state_path=tmp_path / "state")
    for a, b in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    assert [row.holdout_nats for row in found.history] == [row.holdout_nats for row in expected.history]


def test_a_fit_learns_the_images_and_what_h_says_of_them(tmp_path):
    unconditional, conditional = stripes()
    test_unconditional, test_conditional = stripes(100, seed=1)
    spec = FitSpec(steps=150, batch_size=16, learning_rate=5e-3, evaluate_every=75)
    q, q_h = tiny(None), tiny((1, 4, 4))
    fit(q, unconditional, spec)
    fit(q_h, conditional, spec)
    a = nats_per_example(q, test_unconditional, "cpu", 64)
    b = nats_per_example(q_h, test_conditional, "cpu", 64)
    stderr = a.std(ddof=1) / math.sqrt(len(a))
    assert a.mean() > 2 * math.log(4) - 4 * stderr  # no code beats the entropy
    assert a.mean() < 2 * math.log(4) + 0.3  # of 89 nats in all
    assert (a - b).mean() == pytest.approx(math.log(4), abs=0.15)
    save_decoder(q_h, tmp_path / "q")
    again = nats_per_example(load_decoder(tmp_path / "q"), test_conditional, "cpu", 64)
    assert (again == b).all()


def test_a_fit_moves_the_pretrained_weights_at_their_share_of_the_rate():
    spec = FitSpec(
        steps=1, batch_size=8, evaluate_every=1, learning_rate=1e-2, schedule="exponential", average_decay=0.0
    )
    marginal, conditional = stripes(80)
    pretrained = tiny(None)
    fit(pretrained, marginal, spec)
    steps = {}
    for share in (0.0, 0.1, 1.0):
        decoder = tiny((1, 4, 4))
        decoder.start_from(pretrained)
        before = {name: p.detach().clone() for name, p in decoder.named_parameters()}
        run = fitting._Run(
            decoder, conditional, spec.model_copy(update={"pretrained_rate": share}), torch.device("cpu"), "x"
        )
        run.resume_or_begin(None)
        run._take_gradient_step()
        moved = {
            name: float((p.detach() - before[name]).abs().max()) for name, p in decoder.named_parameters()
        }
        steps[share] = moved["head.gain"]
        assert moved["up.0.0.u.context"] > 5e-3, "what reads h moves at the full rate"
    assert steps[0.0] == 0.0
    assert steps[0.1] == pytest.approx(0.1 * steps[1.0], rel=1e-3)
