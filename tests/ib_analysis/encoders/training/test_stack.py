"""Networks trained side by side: each is what it is alone, and none touches another."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from decoders.training import saved_state
from ib_analysis.datasets.dataset import Part
from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.quantized import Quantized
from ib_analysis.encoders.resnet import ResNet
from ib_analysis.encoders.rir import Rir
from ib_analysis.encoders.specs.quantized import QuantizedSpec
from ib_analysis.encoders.specs.resnet import ResNetSpec
from ib_analysis.encoders.specs.rir import RirSpec
from ib_analysis.encoders.specs.training import TrainingSpec
from ib_analysis.encoders.training import train as training
from ib_analysis.encoders.training.objective import Measurement
from ib_analysis.encoders.training.seeding import generator
from ib_analysis.encoders.training.stack import MOST_MEMBERS, Stack, members_at_once
from ib_analysis.encoders.training.train import DivergedError, Member, train, train_side_by_side
from ib_analysis.errors import UserError

IMAGE = ImageShape(channels=1, height=8, width=8, levels=17)
CPU = torch.device("cpu")
SPEC = TrainingSpec(epochs=3, batch_size=16, learning_rate=0.05, crop_padding=1, flip=True, nesterov=True)
RESNET = ResNetSpec(blocks=(1, 1), widths=(4, 8))
NETWORKS = {
    "batch": lambda: ResNet(RESNET, "classifier", IMAGE, 2),
    "none": lambda: ResNet(RESNET.model_copy(update={"norm": "none"}), "classifier", IMAGE, 2),
    "autoencoder": lambda: ResNet(RESNET.model_copy(update={"bottleneck": 4}), "autoencoder", IMAGE, 2),
    "rir": lambda: Rir(
        RirSpec(arm="rir", blocks=(1, 1), widths=(2, 4), shortcut="padding"), "classifier", IMAGE, 2
    ),
    "w8a8": lambda: Quantized(
        QuantizedSpec(network=RESNET, weight_bits=8, activation_bits=8, start_step=6), "classifier", IMAGE, 2
    ),
}


class InterruptionError(Exception):
    pass


def part(seed, count=65):
    """Two classes: a bright upper or lower half, under noise. 65 images leave a last batch of one."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    images = rng.integers(0, 9, (count, 1, 8, 8))
    images[labels == 0, :, :4] += 8
    return Part("encoder", images.astype(np.uint8), labels.astype(np.int64))


def members(name="batch", spec=SPEC, rates=(0.05, 0.02, 0.05)):
    """Two of one seed and images, at two rates, and a third of others."""
    seeds = (0, 0, 5)
    return [
        Member(NETWORKS[name](), part(seed), spec.model_copy(update={"learning_rate": rate}), seed)
        for seed, rate in zip(seeds, rates, strict=True)
    ]


def together(scratch, given, epochs=(0, 2, 3), at=None):
    """What each member kept by epoch, and how it ended; `at`: the epoch at which `keep` of the last member fails."""
    kept = [{} for _ in given]

    def keep(m, epoch, encoder):
        assert not encoder.training
        if (m, epoch) == (len(given) - 1, at):
            raise InterruptionError
        kept[m][epoch] = {name: value.clone() for name, value in encoder.state_dict().items()}

    ended = train_side_by_side(given, epochs_to_keep=epochs, device=CPU, scratch=scratch, keep=keep)
    return kept, ended


def alone(scratch, member, epochs=(0, 2, 3)):
    kept = {}

    def keep(epoch, encoder):
        kept[epoch] = {name: value.clone() for name, value in encoder.state_dict().items()}

    curve = train(
        member.encoder, member.part, member.spec, seed=member.seed, epochs_to_keep=epochs, device=CPU,
        scratch=scratch, keep=keep,
    )  # fmt: skip
    return kept, curve


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("clip", [None, 0.5])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_member_is_what_it_is_alone(tmp_path, name, clip):
    spec = SPEC.model_copy(update={"gradient_clip": clip, "label_smoothing": 0.1})
    kept, curves = together(tmp_path / "stack", members(name, spec))
    for m, member in enumerate(members(name, spec)):
        own, curve = alone(tmp_path / str(m), member)
        assert kept[m].keys() == own.keys()
        for epoch, weights in own.items():
            assert weights.keys() == kept[m][epoch].keys()
            for key, value in weights.items():
                # Roundings of a quantizer and statistics of the mirror enlarge the last bits: 0.4 of 2e-3 was seen.
                torch.testing.assert_close(kept[m][epoch][key], value, rtol=1e-2, atol=1e-3)
        for row, twin in zip(curves[m].rows, curve.rows, strict=True):
            assert (row.epoch, row.learning_rate, row.metric) == (twin.epoch, twin.learning_rate, twin.metric)
            assert row.loss == pytest.approx(twin.loss, rel=1e-3)
            assert row.encoder_part == pytest.approx(twin.encoder_part, abs=1 / 65 + 1e-3)
    assert not same(kept[0][3], kept[1][3])
    assert same(kept[0][0], kept[1][0])
    assert not same(kept[0][0], kept[2][0])


def test_a_member_that_diverges_ends_with_its_error_and_harms_no_other(tmp_path):
    kept, ended = together(tmp_path / "stack", members("none", rates=(1e30, 0.02, 0.05)))
    error, *curves = ended
    assert isinstance(error, DivergedError)
    assert "not finite in epoch 1 at learning rate" in str(error)
    assert [set(own) for own in kept] == [{0}, {0, 2, 3}, {0, 2, 3}]
    for m, member in enumerate(members("none", rates=(1e30, 0.02, 0.05))[1:], 1):
        own, curve = alone(tmp_path / str(m), member)
        for key, value in own[3].items():
            torch.testing.assert_close(kept[m][3][key], value, rtol=2e-3, atol=2e-4)
        assert [row.epoch for row in curves[m - 1].rows] == [row.epoch for row in curve.rows]


def test_a_member_that_diverged_is_computed_no_more(tmp_path, monkeypatch):
    computed, call = [], Stack.__call__
    monkeypatch.setattr(Stack, "__call__", lambda self, x: computed.append(len(x)) or call(self, x))
    together(tmp_path, members("none", rates=(1e30, 0.02, 0.05)))
    assert computed == [3] * 4 + [2] * 8


def test_where_every_member_diverges_the_training_ends(tmp_path, monkeypatch):
    steps, step = [], training._Training._step
    monkeypatch.setattr(training._Training, "_step", lambda *given: steps.append(1) or step(*given))
    kept, ended = together(tmp_path, members("none", rates=(1e30, 1e30, 1e30)))
    assert all(isinstance(one, DivergedError) for one in ended)
    assert [set(own) for own in kept] == [{0}] * 3
    assert len(steps) == 4


@pytest.mark.parametrize("given", [members("none")[:1], members("none")])
def test_weights_that_are_not_finite_when_they_are_measured_end_a_training_with_a_sentence(
    tmp_path, monkeypatch, given
):
    """Behind the last step of an epoch no step looks at them."""
    monkeypatch.setattr(training, "measure", lambda *_: Measurement(math.inf, 0.1))
    kept, ended = together(tmp_path, given)
    assert all("not finite in epoch 0" in str(one) for one in ended)
    assert kept == [{}] * len(given)


@pytest.mark.parametrize(("epochs", "at"), [((0, 2, 3), 0), ((0, 2, 3), 2), ((0, 2, 3), 3), ((2, 3), 2)])
@pytest.mark.parametrize("rate", [0.05, 1e30])
def test_an_interrupted_training_goes_on_to_the_same_bits(tmp_path, epochs, at, rate):
    """Also where a member had diverged before, which it is told again, and not kept again."""
    given = {"name": "none", "rates": (rate, 0.02, 0.05)}
    whole, ended = together(tmp_path / "whole", members(**given), epochs)
    with pytest.raises(InterruptionError):
        together(tmp_path / "cut", members(**given), epochs, at=at)
    resumed, again = together(tmp_path / "cut", members(**given), epochs)
    for own, other in zip(whole, resumed, strict=True):
        assert own.keys() == other.keys()
        assert all(same(own[epoch], other[epoch]) for epoch in own)
    assert [str(one) for one in ended if isinstance(one, DivergedError)] == [
        str(one) for one in again if isinstance(one, DivergedError)
    ]


def test_a_training_killed_between_kept_epochs_goes_on_to_the_same_bits(tmp_path, monkeypatch):
    monkeypatch.setattr(saved_state, "SAVE_EVERY_SECONDS", 0.0)
    whole, _ = together(tmp_path / "whole", members("w8a8"))
    steps, step = [], training._Training._step

    def killed(*given):
        steps.append(1)
        if len(steps) == 4 + 2:
            raise KeyboardInterrupt
        return step(*given)

    monkeypatch.setattr(training._Training, "_step", killed)
    with pytest.raises(KeyboardInterrupt):
        together(tmp_path / "cut", members("w8a8"))
    resumed, _ = together(tmp_path / "cut", members("w8a8"))
    assert len(steps) == 4 + 2 + 2 * 4
    assert all(
        same(own[epoch], other[epoch]) for own, other in zip(whole, resumed, strict=True) for epoch in own
    )


def test_the_state_of_other_members_is_not_taken_up(tmp_path):
    together(tmp_path / "shared", members())
    other = [replace(member, seed=member.seed + 1) for member in members()]
    with pytest.warns(UserWarning, match="belongs to another run"):
        mixed, _ = together(tmp_path / "shared", other)
    clean, _ = together(tmp_path / "clean", [replace(member, seed=member.seed + 1) for member in members()])
    assert all(same(own[3], twin[3]) for own, twin in zip(mixed, clean, strict=True))


@pytest.mark.parametrize(
    "change",
    [
        {"encoder": NETWORKS["none"]()},
        {"part": part(0, count=64)},
        {"spec": SPEC.model_copy(update={"weight_decay": 0.5})},
    ],
)
def test_members_that_differ_in_more_are_refused(tmp_path, change):
    first, second, _ = members()
    with pytest.raises(ValueError, match="differ in their seeds, images and learning rates alone"):
        together(tmp_path, [first, replace(second, **change)])


def test_a_mistake_of_one_member_is_said(tmp_path):
    wrong = [replace(member, spec=SPEC.model_copy(update={"batch_size": 1})) for member in members()]
    with pytest.raises(UserError, match="raise batch_size"):
        together(tmp_path, wrong)


def test_encoders_of_a_stack_are_of_one_description():
    with pytest.raises(ValueError, match="one specification"):
        Stack([NETWORKS["batch"](), NETWORKS["none"]()])


def test_weights_in_another_layout_are_stacked_as_they_are():
    """That of a GPU."""
    encoders = [NETWORKS["batch"]().eval() for _ in range(2)]
    for seed, encoder in enumerate(encoders):
        encoder.initialise(generator(seed))
        encoder.to(memory_format=torch.channels_last)
    x = torch.from_numpy(part(0, 8).images)
    for out, encoder in zip(Stack(encoders)([x, x]), encoders, strict=True):
        torch.testing.assert_close(out, encoder(x))


def test_small_networks_on_a_cpu_are_stacked_and_no_others():
    small = NETWORKS["batch"]()  # its largest activation is the stem's, 4 x 8 x 8
    assert members_at_once(small, 256, CPU) == MOST_MEMBERS
    assert members_at_once(small, 257, CPU) == 1
    assert members_at_once(small, 16, torch.device("cuda")) == 1
