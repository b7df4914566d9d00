"""The network is built safely, sees what it wants, and gives an h that depends on its own image alone."""

import pytest
import torch
from torch.nn.functional import interpolate

from ib_analysis.encoders.encoder import ImageShape
from ib_analysis.encoders.torch_module.build import build_network
from ib_analysis.errors import UserError

GREY = ImageShape(channels=1, height=4, width=4, levels=17)


def test_the_network_reads_scaled_resized_rgb_normalised_images(built):
    wanted = {"grey_to_rgb": True, "resize": (8, 8), "mean": (0.1, 0.2, 0.3), "std": (0.5, 0.6, 0.7)}
    encoder = built("Dropping", "drop", preprocess=wanted, image=GREY)
    x = torch.randint(17, (3, 1, 4, 4), dtype=torch.uint8)
    unit = interpolate(x / 16, (8, 8), mode="bilinear", antialias=True).expand(-1, 3, -1, -1)
    mean, std = (torch.tensor(wanted[name])[:, None, None] for name in ("mean", "std"))
    assert torch.allclose(encoder(x), (unit - mean) / std, atol=1e-6)


def test_a_grey_image_has_three_channels_without_a_normalisation_too(built):
    x = torch.randint(17, (3, 1, 4, 4), dtype=torch.uint8)
    h = built("Dropping", "drop", preprocess={"grey_to_rgb": True}, image=GREY)(x)
    assert torch.equal(h, (x / 16).expand(3, 3, 4, 4))


def test_levels_are_read_as_they_are_where_that_is_wanted(built):
    x = torch.full((1, 1, 4, 4), 16, dtype=torch.uint8)
    assert built("Dropping", "drop", preprocess={"scale": "levels"}, image=GREY)(x).max() == 16


@pytest.mark.parametrize(
    ("preprocess", "words"),
    [({"mean": (0.5, 0.5)}, "mean holds 2 numbers"), ({"grey_to_rgb": True}, "have 3 channels, not one")],
)
def test_preprocessing_that_does_not_fit_the_images_is_refused(built, preprocess, words):
    with pytest.raises(UserError, match=words):
        built("Dropping", "drop", preprocess=preprocess)


def test_evaluation_mode_is_forced(built, x):
    encoder = built("Dropping", "drop").train()
    assert not any(module.training for module in encoder.modules())
    encoder.verify(x)


def test_noise_is_refused_by_the_name_of_its_module(built, x):
    with pytest.raises(
        UserError, match=r"tap t0 differs between two passes.*module noise \(Noise\).*deliberate_noise"
    ):
        built("Noisy", "last").verify(x)


def test_deliberate_noise_is_allowed(built, x):
    built("Noisy", "last", deliberate_noise=True).verify(x)


def test_a_tap_before_the_noise_is_measured(built, x):
    built("Noisy", "conv").verify(x)


@pytest.mark.parametrize("noise", [False, True])
def test_mixing_the_images_of_a_batch_is_refused_by_the_name_of_the_module(built, x, noise):
    with pytest.raises(UserError, match=r"tap t0 depends on which other images.*module norm \(BatchNorm2d\)"):
        built("Mixing", "last", deliberate_noise=noise).verify(x)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        ("my_net:ResNet", "there is no module my_net"),
        ("my_nets:RessNet", "has no RessNet; the nearest are ResNet"),
        ("my_nets:not_a_network", "is neither a subclass"),
        ("my_nets:gives_a_number", "gives a int"),
        ("os:system", "is neither a subclass"),
        ("subprocess:run", "is neither a subclass"),
        ("torch.hub:load", "is neither a subclass"),
    ],
)
def test_a_build_that_is_no_network_is_refused(build, words):
    with pytest.raises(UserError, match=words):
        build_network(build, {})


def test_wrong_arguments_are_one_sentence(built):
    with pytest.raises(UserError, match=r"my_nets:ResNet\(depth=18\) fails \(TypeError"):
        built("ResNet", "fc", arguments={"depth": 18})


def test_images_that_the_network_does_not_accept_are_one_sentence(built):
    with pytest.raises(
        UserError, match=r"fails on a batch of shape \(2, 1, 4, 4\).*check arguments and preprocess"
    ):
        built("ResNet", "fc", image=GREY)


def test_the_initial_weights_are_the_same_each_time(built, x):
    h = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        h.append(built("ResNet", "fc")(x))
    assert torch.equal(*h)
