import math
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from decoders.categorical import Categorical
from decoders.density import Decoder, Density
from decoders.errors import FitError
from decoders.fitting import fit
from decoders.linear_gaussian import LinearGaussian
from decoders.pairs import TensorPairs
from decoders.spec import CategoricalSpec, FitSpec, ImageTarget, LabelTarget, LinearGaussianSpec
from decoders.training import saved_state
from decoders.training.disk import DiskError

SPEC = FitSpec(steps=60, batch_size=16, learning_rate=0.02, evaluate_every=10, seed=3, weight_decay=0.01)


def gaussian_classes(n=400, classes=3, seed=0, separation=2.0):
    generator = torch.Generator().manual_seed(seed)
    y = torch.randint(classes, (n,), generator=generator)
    h = torch.randn((n, 5), generator=generator) + separation * nn.functional.one_hot(y, 5)
    return TensorPairs(y, h)


def categorical(dropout=0.2, context=(5,), classes=3):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Categorical(CategoricalSpec(hidden=8, dropout=dropout), LabelTarget(classes=classes), context)


class Killed(BaseException):
    pass


class PairsThatDie(TensorPairs):
    """Raises at the n-th batch, as a killed process would end there."""

    def arm(self, batches):
        object.__setattr__(self, "left", batches)
        return self

    def batch(self, rows):
        object.__setattr__(self, "left", self.left - 1)
        if self.left < 0:
            raise Killed
        return super().batch(rows)


def without_times(fit):
    return [(r.step, r.fit_nats, r.holdout_nats, r.holdout_stderr_nats, r.learning_rate) for r in fit.history]


def same_weights(a, b):
    return all(
        torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    )


@pytest.mark.parametrize("batches_before_death", [5, 20, 37, 66])
def test_an_interrupted_fit_equals_an_uninterrupted_one_bit_for_bit(
    tmp_path, monkeypatch, batches_before_death
):
    monkeypatch.setattr(saved_state, "SAVE_EVERY_SECONDS", 0.0)
    pairs = gaussian_classes()
    whole, resumed = categorical(), categorical()
    expected = fit(whole, pairs, SPEC)
    path = tmp_path / "state.pt"
    dying = PairsThatDie(pairs.target, pairs.h).arm(batches_before_death)
    with pytest.raises(Killed):
        fit(categorical(), dying, SPEC, state_path=path)
    torch.manual_seed(12345)  # another process has another global state
    found = fit(resumed, pairs, SPEC, state_path=path)
    assert same_weights(whole, resumed)
    assert without_times(found) == without_times(expected)
    assert (found.best_step, found.late_gain_nats) == (expected.best_step, expected.late_gain_nats)


def test_a_finished_fit_is_read_back_without_another_step(tmp_path):
    path, pairs = tmp_path / "state.pt", gaussian_classes()
    first, second = categorical(), categorical()
    a = fit(first, pairs, SPEC, state_path=path)
    b = fit(second, PairsThatDie(pairs.target, pairs.h).arm(0), SPEC, state_path=path)
    assert same_weights(first, second)
    assert a.history == b.history


@pytest.mark.parametrize("other", ["spec", "decoder", "label", "pairs"])
def test_the_state_of_another_fit_is_discarded_with_a_warning(tmp_path, other):
    path, pairs = tmp_path / "state.pt", gaussian_classes()
    fit(categorical(), pairs, SPEC, state_path=path, label="tap h1")
    spec = SPEC.model_copy(update={"learning_rate": 0.01}) if other == "spec" else SPEC
    decoder = categorical(dropout=0.0) if other == "decoder" else categorical()
    if other == "pairs":
        pairs = gaussian_classes(n=401)
    with pytest.warns(UserWarning, match="belongs to another run"):
        fit(decoder, pairs, spec, state_path=path, label="tap h2" if other == "label" else "tap h1")


@pytest.mark.parametrize("content", [b"", b"no state", None])
def test_a_truncated_or_foreign_state_is_discarded_with_a_warning(tmp_path, content):
    path, pairs = tmp_path / "state.pt", gaussian_classes()
    fit(categorical(), pairs, SPEC, state_path=path)
    path.write_bytes(path.read_bytes()[:2000] if content is None else content)
    resumed, whole = categorical(), categorical()
    with pytest.warns(UserWarning, match="is damaged or is not a saved state"):
        fit(resumed, pairs, SPEC, state_path=path)
    fit(whole, pairs, SPEC)
    assert same_weights(resumed, whole)


def test_a_state_that_would_execute_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("executed",))

    path = tmp_path / "state.pt"
    torch.save({"identity": "x", "state": Evil()}, path)
    with pytest.warns(UserWarning, match="is not a saved state"):
        fit(categorical(), gaussian_classes(), SPEC, state_path=path)


def test_a_full_disk_is_one_sentence_and_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("decoders.training.atomic_file.os.fsync", full)
    with pytest.raises(DiskError, match=r"state\.pt: the disk is full \(No space left on device\)"):
        fit(categorical(), gaussian_classes(), SPEC, state_path=tmp_path / "state.pt")
    assert list(tmp_path.iterdir()) == []


def test_the_global_generator_is_left_as_it_was():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    fit(categorical(), gaussian_classes(), SPEC)
    assert torch.equal(torch.rand(3), expected)


def test_another_seed_is_another_fit_and_the_same_seed_the_same():
    pairs = gaussian_classes()
    decoders = [categorical() for _ in range(3)]
    for decoder, seed in zip(decoders, (3, 3, 4), strict=True):
        fit(decoder, pairs, SPEC.model_copy(update={"seed": seed}))
    assert same_weights(decoders[0], decoders[1])
    assert not same_weights(decoders[0], decoders[2])


def test_the_marginal_fit_finds_the_class_frequencies():
    y = torch.tensor([0] * 700 + [1] * 200 + [2] * 100)
    decoder = categorical(context=None)
    spec = FitSpec(steps=400, batch_size=200, learning_rate=0.02, evaluate_every=50, holdout=0.2)
    found = fit(decoder, TensorPairs(y), spec)
    probabilities = decoder(None).log_prob(torch.arange(3)).exp()
    assert torch.allclose(probabilities, torch.tensor([0.7, 0.2, 0.1]), atol=0.04)
    assert not decoder.training
    entropy = -sum(p * math.log(p) for p in (0.7, 0.2, 0.1))
    assert abs(found.holdout_nats - entropy) < 4 * found.holdout_stderr_nats


def test_the_first_validation_step_is_of_the_initialised_decoder():
    y = torch.tensor([0] * 700 + [1] * 200 + [2] * 100)
    found = fit(categorical(context=None), TensorPairs(y), SPEC)
    entropy = -sum(p * math.log(p) for p in (0.7, 0.2, 0.1))
    assert found.history[0].holdout_nats == pytest.approx(entropy, abs=0.12)  # a uniform guess has 1.10


def test_a_known_posterior_is_reached_and_the_decoder_holds_the_best_average():
    pairs = gaussian_classes(n=3000)
    decoder = categorical(dropout=0.0)
    spec = FitSpec(steps=500, batch_size=64, learning_rate=0.01, evaluate_every=50)
    found = fit(decoder, pairs, spec)
    # p(y|h) of unit Gaussians around 2 e_y: softmax(2 h_y), known in closed form.
    truth = nn.functional.cross_entropy(2.0 * pairs.h[:, :3], pairs.target).item()
    with torch.no_grad():
        reached = -decoder(pairs.h).log_prob(pairs.target).mean().item()
    assert abs(reached - truth) < 0.02
    assert found.holdout_nats == min(row.holdout_nats for row in found.history)
    assert found.late_gain_nats <= 2.0 * found.late_gain_stderr_nats
    assert 0.0 <= found.seconds_in_data <= found.seconds


def test_patience_stops_a_fit_that_no_longer_improves():
    generator = torch.Generator().manual_seed(0)
    y = torch.randint(3, (200,), generator=generator)
    pairs = TensorPairs(y, torch.randn((200, 5), generator=generator))  # nothing to learn: it only overfits
    spec = FitSpec(steps=5000, batch_size=32, learning_rate=0.05, evaluate_every=10, patience=5)
    found = fit(categorical(), pairs, spec)
    assert found.stopped == "plateau"
    assert found.steps == found.best_step + 50 < 5000


def test_a_short_fit_spends_its_budget_and_is_said_to_be_short_of_the_plateau():
    spec = FitSpec(steps=12, batch_size=16, learning_rate=0.003, evaluate_every=3)
    found = fit(categorical(), gaussian_classes(separation=6.0), spec)
    assert (found.stopped, found.steps) == ("budget", 12)
    assert found.late_gain_nats > 2.0 * found.late_gain_stderr_nats
    assert [row.step for row in found.history] == [0, 3, 6, 9, 12]


def test_a_loss_that_is_not_finite_names_label_step_and_rate():
    pairs = gaussian_classes()
    pairs.h[17] = float("nan")
    decoder = categorical()
    decoder.initialise = lambda target, h, batch_size: None
    with pytest.raises(
        FitError, match=r"^tap h3: the loss is not finite at step \d+ \(learning rate .*fit\."
    ):
        fit(decoder, pairs, SPEC, label="tap h3")


def test_a_diverging_fit_stops(tmp_path):
    class Exploding(Density):
        def __init__(self, weight):
            self.weight = weight

        def log_prob(self, target):
            return -(self.weight**2 * 1e4).exp().expand(len(target))

        def sample(self, generator, count=1):
            raise NotImplementedError

    class Explosive(Decoder):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.tensor(0.01))

        def forward(self, h):
            return Exploding(self.weight)

        bytes_per_example = 4

        def initialise(self, target, h, batch_size=1):
            pass

        def description(self):
            return {"implementation": "a test"}

    spec = FitSpec(steps=100, learning_rate=1.0, schedule="exponential", average_decay=0.0)
    with pytest.raises(FitError, match="not finite"):
        fit(Explosive(), TensorPairs(torch.zeros(50)), spec, state_path=tmp_path / "state.pt")


def test_bad_input_is_refused_in_a_sentence():
    with pytest.raises(FitError, match="too few"):
        fit(categorical(), TensorPairs(torch.zeros(2, dtype=torch.long), torch.zeros(2, 5)), SPEC)
    oracle = LinearGaussian(LinearGaussianSpec(), ImageTarget(channels=1, height=1, width=1, levels=2), None)
    with pytest.raises(FitError, match="closed form"):
        fit(oracle, TensorPairs(torch.zeros(50, 1, 1, 1)), SPEC)


def test_gradient_clip_and_warm_up_and_exponential_decay_are_heard():
    pairs = gaussian_classes()
    update = {"schedule": "exponential", "learning_rate_decay": 0.9, "warmup_steps": 5, "gradient_clip": 1e-9}
    found = fit(categorical(), pairs, SPEC.model_copy(update=update))
    rates = [row.learning_rate for row in found.history]
    assert rates[1] == pytest.approx(0.02 * 0.9**9)
    free, clipped = categorical(dropout=0.0), categorical(dropout=0.0)
    fit(free, pairs, SPEC)
    fit(clipped, pairs, SPEC.model_copy(update={"gradient_clip": 1e-9}))
    assert not same_weights(free, clipped)


def test_a_fit_says_plain_values():
    import json

    found = fit(categorical(), gaussian_classes(), SPEC)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        content = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert content["history"][0]["step"] == 0
    assert content["history"][0]["fit_nats"] is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_fit_runs_on_a_gpu_in_mixed_precision():
    pairs = gaussian_classes(n=2000)
    cuda = TensorPairs(pairs.target.cuda(), pairs.h.cuda())
    found = fit(categorical(), cuda, SPEC.model_copy(update={"steps": 300}), device="cuda")
    assert found.holdout_nats < found.history[0].holdout_nats
    assert np.isfinite(found.seconds_in_data)
