"""Fits side by side are the lone fits: history, best weights, patience, state."""

import gc
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from decoders import side_by_side
from decoders.errors import FitError
from decoders.fitting import Fit, fit
from decoders.pairs import TensorPairs
from decoders.pixelcnn_pp.decoder import PixelCNNPP
from decoders.pixelcnn_pp.spec import PixelCNNPPSpec
from decoders.side_by_side import StackedPairs, fit_side_by_side
from decoders.spec import FitSpec, ImageTarget
from decoders.training import saved_state
from decoders.training.optimisation import Optimisation

TARGET = ImageTarget(channels=1, height=8, width=8, levels=17)
SPEC = PixelCNNPPSpec(filters=8, layers=1, mixtures=2, dropout=0.0, context_filters=8, context_layers=1)
RECIPE = FitSpec(
    steps=16, batch_size=16, learning_rate=4e-3, average_decay=0.9, evaluate_every=4, gradient_clip=5.0
)
SEEDS = (0, 1, 0)


def images(count: int = 200) -> Tensor:
    """Levels that vary along the rows."""
    torch.manual_seed(3)
    return (torch.rand(count, 1, 8, 1) * 17).expand(-1, -1, -1, 8).to(torch.uint8).contiguous()


def of_h(x: Tensor) -> tuple[Tensor, ...]:
    """Three h: noise, the first column, and half of it in noise."""
    column = x[:, 0, :, 0].float()
    return torch.randn(len(x), 8), column, column + 5 * torch.randn(len(x), 8)


def of_several_shapes(x: Tensor) -> tuple[Tensor, ...]:
    """Three h as taps have them: a map, a vector of another size, and another map of the first shape."""
    noise, column, _ = of_h(x)
    maps = torch.randn(2, len(x), 3, 4, 4) + x.float().mean((1, 2, 3)).view(1, -1, 1, 1, 1)
    return maps[0], torch.cat([column, noise], 1), maps[1]


def fresh(h: Sequence[Tensor] | None = None) -> list[PixelCNNPP]:
    """Decoders as they are built, one a seed."""
    decoders = []
    for m, seed in enumerate(SEEDS):
        torch.manual_seed(seed)
        decoders.append(PixelCNNPP(SPEC, TARGET, (8,) if h is None else tuple(h[m].shape[1:])))
    return decoders


def warm(h: Sequence[Tensor] | None = None) -> list[PixelCNNPP]:
    """Decoders that start from one unconditional decoder."""
    torch.manual_seed(9)
    start = PixelCNNPP(SPEC, TARGET)
    start.initialise(images(), None)
    decoders = fresh(h)
    for decoder in decoders:
        decoder.start_from(start)
    return decoders


def alone(
    recipe: FitSpec, x: Tensor, h: tuple[Tensor, ...], build: Callable[..., list[PixelCNNPP]]
) -> tuple[list[PixelCNNPP], list[Fit]]:
    """Each decoder fitted by itself."""
    decoders = build(h)
    fits = [
        fit(decoder, TensorPairs(x, one), recipe.model_copy(update={"seed": seed}))
        for decoder, one, seed in zip(decoders, h, SEEDS, strict=True)
    ]
    return decoders, fits


@pytest.mark.parametrize("read", [of_h, of_several_shapes])
@pytest.mark.parametrize("build", [fresh, warm])
def test_a_member_equals_its_lone_fit(
    build: Callable[..., list[PixelCNNPP]], read: Callable[[Tensor], tuple[Tensor, ...]]
) -> None:
    x = images()
    h = read(x)
    decoders, fits = alone(RECIPE, x, h, build)
    together = build(h)
    found = fit_side_by_side(together, StackedPairs(x, h, 3), RECIPE, SEEDS)
    for mine, theirs, lone, stacked in zip(fits, found, decoders, together, strict=True):
        assert (mine.steps, mine.stopped, mine.best_step) == (theirs.steps, theirs.stopped, theirs.best_step)
        assert theirs.late_gain_nats == pytest.approx(mine.late_gain_nats, abs=1e-3)
        assert theirs.holdout_nats == pytest.approx(mine.holdout_nats, abs=1e-3)
        assert [row.step for row in mine.history] == [row.step for row in theirs.history]
        for a, b in zip(mine.history[1:], theirs.history[1:], strict=True):
            assert b.fit_nats == pytest.approx(a.fit_nats, rel=1e-4)
        for name, tensor in lone.state_dict().items():
            torch.testing.assert_close(stacked.state_dict()[name], tensor, rtol=0.02, atol=2e-3)


def test_patience_ends_members_at_steps_of_their_own() -> None:
    x = images()
    recipe = RECIPE.model_copy(update={"patience": 1, "learning_rate": 0.04, "steps": 60})
    found = fit_side_by_side(fresh(), StackedPairs(x, of_h(x), 3), recipe, SEEDS)
    assert len({fitted.steps for fitted in found}) > 1


def test_the_best_weights_are_kept_member_by_member() -> None:
    x = images()
    h = of_several_shapes(x)
    run = side_by_side._Stack(
        fresh(h), StackedPairs(x, h, 3), RECIPE, SEEDS, torch.device("cpu"), False, "three"
    )
    before = {name: tensor.clone() for name, tensor in run.best.items()}
    for tensor in run.average.model.network.state_dict().values():
        tensor.add_(1.0)
    run._keep_weights(torch.tensor([True, False, False]))
    for m, moved in enumerate((1.0, 0.0, 0.0)):
        kept, old = (run.stack.of_member(tensors, m) for tensors in (run.best, before))
        for name, tensor in kept.items():
            torch.testing.assert_close(tensor, old[name] + moved, msg=f"{m} {name}")


def test_pretrained_weights_take_their_share_of_the_rate() -> None:
    x = images()
    recipe = RECIPE.model_copy(update={"pretrained_rate": 0.0, "average_decay": 0.0})
    decoders = warm()
    before = [
        {
            name: p.detach().clone()
            for name, p in decoder.named_parameters()
            if name in decoder.pretrained_names
        }
        for decoder in decoders
    ]
    fits = fit_side_by_side(decoders, StackedPairs(x, of_h(x), 3), recipe, SEEDS)
    assert all(fitted.best_step > 0 for fitted in fits[1:])
    for decoder, weights in zip(decoders, before, strict=True):
        assert weights
        for name, tensor in weights.items():
            assert torch.equal(decoder.get_parameter(name), tensor), name


def test_a_member_that_has_ended_may_diverge() -> None:
    x = images()
    run = side_by_side._Stack(
        fresh(),
        StackedPairs(x, of_h(x), 3),
        RECIPE.model_copy(update={"patience": 1}),
        SEEDS,
        torch.device("cpu"),
        False,
        "three",
    )
    for m, nats in enumerate(([2.0, 1.0], [1.0, 2.0], [2.0, 1.0])):
        for step, value in enumerate(nats):
            run.histories[m].add(step, 0.0, None, np.full(2, value), 0.1)
    run._demand_finite(torch.tensor([1.0, float("nan"), 1.0]))
    with pytest.raises(FitError, match="member 2 of 3"):
        run._demand_finite(torch.tensor([1.0, float("nan"), float("inf")]))


@pytest.mark.parametrize("kind", [Optimisation, side_by_side._Stack])
def test_the_memory_of_a_fit_is_free_when_it_ends(kind: type) -> None:
    x = images()
    gc.collect()
    gc.disable()
    try:
        if kind is Optimisation:
            fit(fresh()[0], TensorPairs(x, of_h(x)[0]), RECIPE.model_copy(update={"steps": 4}))
        else:
            fit_side_by_side(
                fresh(), StackedPairs(x, of_h(x), 3), RECIPE.model_copy(update={"steps": 4}), SEEDS
            )
        assert not [kept for kept in gc.get_objects() if type(kept) is kind]
    finally:
        gc.enable()


def test_an_interrupted_stack_resumes_bit_for_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x = images()
    h = of_h(x)
    whole = fresh()
    fit_side_by_side(whole, StackedPairs(x, h, 3), RECIPE, SEEDS)
    monkeypatch.setattr(saved_state, "SAVE_EVERY_SECONDS", 0.0)
    taken = 0
    advance = side_by_side._Stack._take_gradient_step

    def stop(run: side_by_side._Stack) -> None:
        nonlocal taken
        taken += 1
        if taken == 10:
            raise KeyboardInterrupt
        advance(run)

    monkeypatch.setattr(side_by_side._Stack, "_take_gradient_step", stop)
    resumed = fresh()
    with pytest.raises(KeyboardInterrupt):
        fit_side_by_side(resumed, StackedPairs(x, h, 3), RECIPE, SEEDS, state_path=tmp_path / "state.pt")
    resumed = fresh()
    fit_side_by_side(resumed, StackedPairs(x, h, 3), RECIPE, SEEDS, state_path=tmp_path / "state.pt")
    assert taken == 10 + 16 - 9
    for a, b in zip(whole, resumed, strict=True):
        for name, tensor in a.state_dict().items():
            assert torch.equal(tensor, b.state_dict()[name]), name


def test_a_loss_that_is_not_finite_names_the_member() -> None:
    x = images()
    h = of_h(x)
    h[2][:] = float("inf")
    with pytest.raises(FitError, match="member 2 of 3"):
        fit_side_by_side(fresh(), StackedPairs(x, h, 3), RECIPE, SEEDS)
