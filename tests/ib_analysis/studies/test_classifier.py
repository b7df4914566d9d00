"""Accuracy against its definition, and a training that diverges."""

import numpy as np
import pytest
import torch

from ib_analysis.datasets.dataset import Part
from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.resnet import ResNet
from ib_analysis.encoders.specs.resnet import ResNetSpec
from ib_analysis.encoders.specs.training import TrainingSpec
from ib_analysis.encoders.training.seeding import generator
from ib_analysis.encoders.training.train import INITIALISATION, Member
from ib_analysis.errors import UserError
from ib_analysis.studies import classifier
from ib_analysis.studies.classifier import accuracy, train_classifiers

CPU = torch.device("cpu")
IMAGE = ImageShape(channels=1, height=4, width=4, levels=17)
TRAINING = TrainingSpec(epochs=12, batch_size=16, learning_rate=0.05)


@pytest.fixture
def part():
    rng = np.random.default_rng(0)
    labels = np.arange(33) % 2
    images = rng.integers(0, 6, (33, 1, 4, 4))
    images[labels == 0, :, :2] += 10
    return Part("encoder", images.astype(np.uint8), labels)


@pytest.fixture
def encoder():
    return ResNet(ResNetSpec(blocks=(1,), widths=(4,)), "classifier", IMAGE, 2)


@pytest.mark.parametrize("images_at_once", [1, 7, 100])
def test_accuracy_is_the_share_of_right_answers(encoder, part, images_at_once):
    encoder.eval()
    answers = encoder(torch.from_numpy(part.images)).argmax(1).numpy()
    found = accuracy(encoder.train(), part, CPU, images_at_once)
    assert found == pytest.approx((answers == part.labels).mean())


def members(part, rates, spec=TRAINING):
    return [
        Member(
            ResNet(ResNetSpec(blocks=(1,), widths=(4,)), "classifier", IMAGE, 2),
            part, spec.model_copy(update={"learning_rate": rate}), seed,
        )
        for seed, rate in enumerate(rates)
    ]  # fmt: skip


@pytest.mark.parametrize("at_once", [1, 2, 16])
def test_each_is_trained_to_the_last_epoch_and_a_loss_that_is_not_finite_is_told(
    part, tmp_path, monkeypatch, at_once
):
    monkeypatch.setattr(classifier, "members_at_once", lambda *_: at_once)
    given, begun = members(part, (0.05, 0.05, 1e30)), {}

    def note(m, encoder):
        assert m not in begun
        assert not encoder.training
        begun[m] = encoder.trunk["stem"][0][0].weight.clone()

    assert train_classifiers(given, CPU, tmp_path, "halves", note) == [True, True, False]
    assert min(accuracy(member.encoder, part, CPU, 16) for member in given[:2]) > 0.9
    assert sorted(begun) == [0, 1, 2]
    for m, member in enumerate(given):
        drawn = ResNet(ResNetSpec(blocks=(1,), widths=(4,)), "classifier", IMAGE, 2)
        drawn.initialise(generator(member.seed, INITIALISATION))
        assert torch.equal(begun[m], drawn.trunk["stem"][0][0].weight)


def test_as_many_are_stacked_as_pay(part, tmp_path, monkeypatch):
    sizes, side_by_side = [], classifier.train_side_by_side
    monkeypatch.setattr(
        classifier,
        "train_side_by_side",
        lambda given, **rest: sizes.append(len(given)) or side_by_side(given, **rest),
    )
    short = TRAINING.model_copy(update={"epochs": 1})
    train_classifiers(members(part, [0.05] * 18, short), CPU, tmp_path / "a", "halves")
    large = TRAINING.model_copy(update={"epochs": 1, "batch_size": 1025})
    train_classifiers(members(part, [0.05] * 2, large), CPU, tmp_path / "b", "halves")
    assert sizes == [16, 2, 1, 1]


def test_another_mistake_is_no_divergence(part, tmp_path):
    with pytest.raises(UserError, match="more than one image"):
        train_classifiers(
            members(part, [0.05], TRAINING.model_copy(update={"batch_size": 1})), CPU, tmp_path, "halves"
        )
