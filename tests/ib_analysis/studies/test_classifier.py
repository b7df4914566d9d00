"""Accuracy against its definition, and a training that diverges."""

import numpy as np
import pytest
import torch

from ib_analysis.datasets.dataset import Part
from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.resnet import ResNet
from ib_analysis.encoders.specs.resnet import ResNetSpec
from ib_analysis.encoders.specs.training import TrainingSpec
from ib_analysis.errors import UserError
from ib_analysis.studies.classifier import accuracy, train_classifier

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


def test_it_trains_to_the_last_epoch(encoder, part, tmp_path):
    assert train_classifier(encoder, part, TRAINING, 0, CPU, tmp_path, "halves")
    assert accuracy(encoder, part, CPU, 16) > 0.9


def test_a_loss_that_is_not_finite_is_told(encoder, part, tmp_path):
    wild = TRAINING.model_copy(update={"learning_rate": 1e30})
    assert not train_classifier(encoder, part, wild, 0, CPU, tmp_path, "halves")


def test_another_mistake_is_no_divergence(encoder, part, tmp_path):
    with pytest.raises(UserError, match="more than one image"):
        train_classifier(
            encoder, part, TRAINING.model_copy(update={"batch_size": 1}), 0, CPU, tmp_path, "halves"
        )
