"""Training: deterministic, resumable to the bit, and clear about divergence."""

import errno

import numpy as np
import pytest
import torch

from decoders.training import saved_state
from decoders.training.disk import DiskError
from ib_analysis.datasets.dataset import Part
from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.kept_rows import KeptRows
from ib_analysis.encoders.resnet import ResNet
from ib_analysis.encoders.specs.kept_rows import KeptRowsSpec
from ib_analysis.encoders.specs.resnet import ResNetSpec
from ib_analysis.encoders.specs.training import TrainingSpec
from ib_analysis.encoders.training import image_rows
from ib_analysis.encoders.training import train as training
from ib_analysis.encoders.training.train import train
from ib_analysis.errors import UserError

IMAGE = ImageShape(channels=1, height=8, width=8, levels=17)
SPEC = TrainingSpec(epochs=4, batch_size=16, learning_rate=0.05, crop_padding=1, flip=True, warmup_epochs=1)


class InterruptionError(Exception):
    pass


def part(name="encoder", count=65, seed=0):
    """Two classes: a bright upper or lower half, under noise. 65 images leave a last batch of one."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    images = rng.integers(0, 9, (count, 1, 8, 8))
    images[labels == 0, :, :4] += 8
    images[labels == 1, :, 4:] += 8
    return Part(name, images.astype(np.uint8), labels.astype(np.int64))


def network(regime="classifier", norm="batch"):
    return ResNet(ResNetSpec(blocks=(1, 1), widths=(8, 16), norm=norm, bottleneck=8), regime, IMAGE, 2)


def run(
    scratch, encoder=None, spec=SPEC, seed=0, epochs=(0, 2, 4), at=None, held_out=None, data=None, curve=None
):
    """Trains; returns the encoder, the kept weights and the curve. `at`: the epoch whose `keep` fails."""
    encoder, kept = encoder or network(), {}

    def keep(epoch, trained):
        assert not trained.training
        if epoch == at:
            raise InterruptionError
        kept[epoch] = {name: value.clone() for name, value in trained.state_dict().items()}

    found = train(
        encoder,
        data or part(),
        spec,
        seed=seed,
        epochs_to_keep=epochs,
        device="cpu",
        scratch=scratch,
        keep=keep,
        held_out=held_out,
        curve_epochs=curve,
    )
    return encoder, kept, found


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def timeless(curve):
    return [(r.epoch, r.learning_rate, r.loss, r.encoder_part, r.held_out_part) for r in curve.rows]


@pytest.fixture
def every_epoch_saved(monkeypatch):
    monkeypatch.setattr(saved_state, "SAVE_EVERY_SECONDS", 0.0)


@pytest.mark.parametrize("regime", ["classifier", "autoencoder"])
def test_it_learns_a_separable_problem(tmp_path, regime):
    spec = TrainingSpec(epochs=6, batch_size=16, learning_rate=0.1)
    encoder, kept, curve = run(
        tmp_path, network(regime), spec, epochs=(0, 6), held_out=part("decoder", seed=1)
    )
    first, last = curve.rows[0], curve.rows[-1]
    assert [row.epoch for row in curve.rows] == list(range(7))
    assert last.loss < 0.5 * first.loss
    assert last.metric == {"classifier": "accuracy", "autoencoder": "mean_squared_error"}[regime]
    if regime == "classifier":
        assert min(last.encoder_part, last.held_out_part) > 0.95
    else:
        assert max(last.encoder_part, last.held_out_part) < 0.6 * first.held_out_part
    assert not same(kept[0], kept[6])
    assert same(kept[6], encoder.state_dict())


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(tmp_path):
    torch.manual_seed(1)
    _, first, curve = run(tmp_path / "a")
    torch.manual_seed(2)
    _, second, again = run(tmp_path / "b")
    _, other, _ = run(tmp_path / "c", seed=1)
    assert all(same(first[epoch], second[epoch]) for epoch in (0, 2, 4))
    assert timeless(curve) == timeless(again)
    assert not same(first[0], other[0])


@pytest.mark.parametrize("epochs", [(4,), (0, 3), ()])
def test_a_curve_of_few_epochs_has_their_rows_and_costs_no_other_measurement(tmp_path, monkeypatch, epochs):
    """`run` itself demands that every network that is kept is in evaluation mode, measured or not."""
    _, whole, curve = run(tmp_path / "a")
    measured = []
    measure = training.measure
    monkeypatch.setattr(training, "measure", lambda *given: measured.append(1) or measure(*given))
    _, kept, found = run(tmp_path / "b", curve=epochs)
    assert timeless(found) == [row for row in timeless(curve) if row[0] in epochs]
    assert len(measured) == len(epochs)
    assert all(same(whole[epoch], kept[epoch]) for epoch in (0, 2, 4))


def test_a_curve_of_an_epoch_that_there_is_not_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"curve_epochs is \[3, 5\]: the training has the epochs 0 to 4"):
        run(tmp_path, curve=(5, 3))


def test_a_training_of_another_curve_is_not_gone_on_with(tmp_path):
    """Its rows are other ones: a state of few rows would leave a whole curve without them."""
    with pytest.raises(InterruptionError):
        run(tmp_path, at=4, curve=(0,))
    with pytest.warns(UserWarning, match="belongs to another run"):
        curve = run(tmp_path)[2]
    assert [row.epoch for row in curve.rows] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("at", [0, 2, 4])
def test_a_training_that_failed_while_keeping_goes_on_to_the_same_bits(tmp_path, at):
    held_out = part("decoder", seed=1)
    _, whole, curve = run(tmp_path / "whole", held_out=held_out)
    with pytest.raises(InterruptionError):
        run(tmp_path / "cut", at=at, held_out=held_out)
    _, resumed, again = run(tmp_path / "cut", held_out=held_out)
    assert resumed.keys() == whole.keys()
    assert all(same(whole[epoch], resumed[epoch]) for epoch in whole)
    assert timeless(curve) == timeless(again)


def test_a_training_killed_between_kept_epochs_goes_on_to_the_same_bits(
    tmp_path, monkeypatch, every_epoch_saved
):
    _, whole, _ = run(tmp_path / "whole")
    steps = []
    step = training._Training._step

    def killed(self, *arguments):
        steps.append(1)
        if len(steps) == 4 * 2 + 3:  # in the middle of the third epoch
            raise KeyboardInterrupt
        return step(self, *arguments)

    monkeypatch.setattr(training._Training, "_step", killed)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut")
    count = len(steps)
    _, resumed, _ = run(tmp_path / "cut")
    assert len(steps) - count == 4 * 2  # the third epoch and the fourth, not the first two again
    assert all(same(whole[epoch], resumed[epoch]) for epoch in whole)


def test_a_finished_training_hands_over_everything_again_without_a_step(tmp_path, monkeypatch):
    _, first, curve = run(tmp_path)
    monkeypatch.setattr(training._Training, "_step", lambda *_: pytest.fail("it trained again"))
    encoder, second, again = run(tmp_path)
    assert all(same(first[epoch], second[epoch]) for epoch in (0, 2, 4))
    assert curve == again
    assert same(encoder.state_dict(), second[4])


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"spec": SPEC.model_copy(update={"learning_rate": 0.01})}, {"data": part(seed=9)}]
)
def test_the_state_of_another_training_is_not_taken_up(tmp_path, change):
    run(tmp_path / "shared")
    with pytest.warns(UserWarning, match="belongs to another run"):
        _, mixed, _ = run(tmp_path / "shared", **change)
    _, alone, _ = run(tmp_path / "alone", **change)
    assert all(same(mixed[epoch], alone[epoch]) for epoch in alone)


@pytest.mark.parametrize("name", ["training.pt", "epoch-2.pt"])
def test_a_damaged_state_is_said_and_the_training_starts_again(tmp_path, name):
    _, first, _ = run(tmp_path)
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.warns(UserWarning, match=f"{name} is damaged"):
        _, second, _ = run(tmp_path)
    assert all(same(first[epoch], second[epoch]) for epoch in first)


def test_epoch_zero_is_untrained_with_statistics_of_its_own(tmp_path):
    encoder, kept, curve = run(tmp_path, spec=TrainingSpec(epochs=0, batch_size=16), epochs=(0,))
    assert [row.epoch for row in curve.rows] == [0]
    x = torch.from_numpy(part().images)
    h = encoder.activations(x, ["stem"])["stem"]
    # Batch norm in evaluation mode gives, before its ReLU, mean 0 and variance 1: E relu(u)^2 is about 1/2.
    assert h.square().mean().item() == pytest.approx(0.5, rel=0.2)
    assert kept[0]["normalise.std"].item() == pytest.approx((part().images / 16).std(), rel=1e-5)
    drawn = network()
    drawn.initialise(training.generator(0, training.INITIALISATION))
    assert all(torch.equal(p, kept[0][name]) for name, p in drawn.named_parameters())


def test_a_loss_that_is_not_finite_stops_with_epoch_and_rate_and_loses_nothing(tmp_path):
    spec = TrainingSpec(
        epochs=3, batch_size=16, learning_rate=1e30, schedule="constant", mixed_precision=False
    )
    kept = []
    with pytest.raises(
        UserError, match=r"not finite in epoch 1 at learning rate 1e\+30.*lower learning_rate"
    ):
        train(
            network(norm="none"),
            part(),
            spec,
            seed=0,
            epochs_to_keep=(0, 3),
            device="cpu",
            scratch=tmp_path,
            keep=lambda epoch, _: kept.append(epoch),
        )
    assert kept == [0]
    assert (tmp_path / "epoch-0.pt").exists()


def test_a_clipped_gradient_and_smoothed_labels_train_too(tmp_path):
    spec = TrainingSpec(
        epochs=2, batch_size=16, gradient_clip=0.1, label_smoothing=0.1, nesterov=True, schedule="steps"
    )
    _, _, curve = run(tmp_path, spec=spec, epochs=(2,))
    assert curve.rows[-1].loss < curve.rows[0].loss


def test_a_fixed_encoder_is_kept_as_it_is(tmp_path):
    encoder = KeptRows(KeptRowsSpec(rows=(2,)), "fixed", IMAGE, 2)
    kept = []
    arguments = {"seed": 0, "device": "cpu", "scratch": tmp_path, "keep": lambda epoch, _: kept.append(epoch)}
    assert train(encoder, part(), SPEC, epochs_to_keep=(0,), **arguments).rows == ()
    assert kept == [0]
    with pytest.raises(UserError, match=r"epoch 1 is not in 0\.\.0"):
        train(encoder, part(), SPEC, epochs_to_keep=(0, 1), **arguments)


def test_an_epoch_beyond_the_training_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"epoch 5 is not in 0\.\.4"):
        run(tmp_path, epochs=(0, 5))


def test_batch_norm_refuses_a_batch_of_one(tmp_path):
    with pytest.raises(UserError, match="raise batch_size"):
        run(tmp_path, spec=TrainingSpec(epochs=1, batch_size=1), epochs=(0,))


def test_a_full_disk_is_said(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("decoders.training.atomic_file.os.fsync", full)
    with pytest.raises(
        DiskError, match=r"epoch-0\.pt: the disk is full \(No space left.*finished work is kept"
    ):
        run(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("share", [0.25, 0.0])
@pytest.mark.parametrize("regime", ["classifier", "autoencoder"])
def test_it_learns_on_a_gpu_in_bfloat16_from_resident_and_from_streamed_images(
    tmp_path, monkeypatch, regime, share
):
    monkeypatch.setattr(image_rows, "SHARE_OF_DEVICE_MEMORY", share)
    spec = SPEC.model_copy(update={"epochs": 6, "learning_rate": 0.1, "mixed_precision": True})
    kept = {}
    arguments = {
        "seed": 0,
        "epochs_to_keep": (0, 6),
        "scratch": tmp_path,
        "held_out": part("decoder", seed=1),
    }
    curve = train(
        network(regime),
        part(),
        spec,
        device="cuda",
        keep=lambda epoch, e: kept.update({epoch: next(e.parameters()).device.type}),
        **arguments,
    )
    assert kept == {0: "cuda", 6: "cuda"}
    assert curve.rows[-1].loss < 0.7 * curve.rows[0].loss


def test_the_evaluation_part_is_never_looked_at(tmp_path):
    with pytest.raises(ValueError, match="evaluation part"):
        run(tmp_path, held_out=part("evaluation"))
