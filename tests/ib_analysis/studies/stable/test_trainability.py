"""Trainings of the study: what is measured on which images, and divergence as a result."""

import numpy as np
import pytest
import torch

from ib_analysis.datasets.dataset import Dataset, Header, Part
from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.layers.normalisation import pixel_statistics
from ib_analysis.encoders.resnet import ResNet
from ib_analysis.encoders.specs.resnet import ResNetSpec
from ib_analysis.encoders.specs.training import TrainingSpec
from ib_analysis.encoders.training.seeding import generator
from ib_analysis.encoders.training.train import INITIALISATION
from ib_analysis.errors import UserError
from ib_analysis.studies.stable.trainability import (
    commonest_label_accuracy,
    stem_log_gradient,
    train_all,
)
from ib_analysis.studies.study import Setting
from ib_analysis.studies.training_part import training_part

NETWORK = ResNetSpec(blocks=(1,), widths=(4,), norm="none")
TRAINING = TrainingSpec(epochs=2, batch_size=16, learning_rate=0.05)


def part(name, count, seed):
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    images = rng.integers(0, 6, (count, 1, 4, 4))
    images[labels == 0, :, :2] += 10
    return Part(name, images.astype(np.uint8), labels.astype(np.int64))


@pytest.fixture
def setting(tmp_path):
    header = Header(
        name="halves", channels=1, height=4, width=4, levels=17, class_names=("up", "down"),
        counts={"encoder": 33, "decoder": 20, "evaluation": 20}, duplicates_dropped=0, fingerprint="0",
    )  # fmt: skip
    data = Dataset(header, part("encoder", 33, 0), part("decoder", 20, 1), part("evaluation", 20, 2))
    return Setting(torch.device("cpu"), tmp_path, data)


def trained(setting, network=NETWORK, **changed):
    """The only training of one specification and seed."""
    ((found,),) = train_all(network, [TRAINING.model_copy(update=changed)], [0], None, setting)
    return found


def test_a_training_is_measured_on_both_held_out_parts(setting):
    found = trained(setting, epochs=12)
    assert not found.diverged
    assert min(found.accuracy, found.validation_accuracy) > 0.8
    assert found == trained(setting, epochs=12)


def test_training_accuracy_is_of_the_images_that_it_learned(setting):
    """The labels of the other parts are exchanged: what is learned of the first is wrong there."""
    for held_out in (setting.images.decoder, setting.images.evaluation):
        held_out.labels[:] = 1 - held_out.labels
    found = trained(setting, epochs=12)
    assert found.training_accuracy > 0.8 > 0.2 > max(found.accuracy, found.validation_accuracy)


def test_a_diverged_training_is_a_result_that_says_so(setting):
    found = trained(setting, learning_rate=1e12)
    assert found.diverged
    # 17 of 33 training labels are 0, and so are half of the evaluation labels.
    assert (
        found.accuracy == commonest_label_accuracy(setting.images.encoder, setting.images.evaluation) == 0.5
    )
    assert np.isfinite(found.stem_log_gradient)


def test_every_rate_has_every_seed_with_its_own_images_and_gradient(setting):
    rates = [TRAINING.model_copy(update={"learning_rate": rate}) for rate in (0.05, 1e12, 0.2)]
    found = train_all(NETWORK, rates, [3, 4], 16, setting)
    assert [[one.diverged for one in of_rate] for of_rate in found] == [[False] * 2, [True] * 2, [False] * 2]
    gradients = [[one.stem_log_gradient for one in of_rate] for of_rate in found]
    assert gradients[0] == gradients[1] == gradients[2]
    assert gradients[0][0] != gradients[0][1]
    for seed, gradient in zip([3, 4], gradients[0], strict=True):
        encoder = ResNet(NETWORK, "classifier", ImageShape.of(setting.images.header), 2)
        encoder.initialise(generator(seed, INITIALISATION))
        part = training_part(setting.images.encoder, 16, seed, "stable")
        encoder.set_normalisation(*pixel_statistics(part.images, 17))
        assert gradient == stem_log_gradient(encoder.eval(), part, 16, setting.device)


def test_another_mistake_is_no_divergence(setting):
    spec = NETWORK.model_copy(update={"norm": "batch"})
    with pytest.raises(UserError, match="more than one image"):
        trained(setting, spec, batch_size=1)


def test_the_stem_gradient_is_that_of_autograd_and_changes_nothing(setting):
    header, data = setting.images.header, setting.images.encoder
    encoder = ResNet(NETWORK, "classifier", ImageShape.of(header), 2).eval()
    found = stem_log_gradient(encoder, data, 8, setting.device)
    weight = encoder.trunk["stem"][0][0].weight
    assert weight.grad is None
    x, y = torch.from_numpy(data.images[:8]), torch.from_numpy(data.labels[:8])
    torch.nn.functional.cross_entropy(encoder(x), y).backward()
    assert found == pytest.approx(weight.grad.square().sum().log().item(), rel=1e-5)
