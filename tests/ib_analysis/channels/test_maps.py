"""Kept parts, shuffling and invertible maps: what h holds, number by number."""

import numpy as np
import pytest

from ib_analysis.channels.factor_codes import FactorCodes
from ib_analysis.channels.identity import Identity
from ib_analysis.channels.invertible import Invertible
from ib_analysis.channels.kept_pixels import KeptPixels
from ib_analysis.channels.kept_rows import KeptRows
from ib_analysis.channels.shuffled import Shuffled
from ib_analysis.datasets.factors import FACTORS, Factors
from ib_analysis.datasets.independent_pixels import IndependentPixels
from ib_analysis.datasets.low_bits import LowBits
from ib_analysis.datasets.raster_markov import RasterMarkov, in_raster
from ib_analysis.errors import UserError
from ib_analysis.units import bits

LAW = RasterMarkov(8, 256, 0.9, 5.0, channels=3)
IMAGES = LAW.draw(40, np.random.default_rng(0))


def h_of(channel, law=LAW, images=IMAGES, seed=1):
    return channel(law, images, np.random.default_rng(seed))


@pytest.mark.parametrize(("rows", "expected_bits"), [(1, 42.88), (2, 84.55)])
def test_reference_information_of_kept_rows(rows, expected_bits):
    law = RasterMarkov(8, 256, 0.9, 5.0)
    assert bits(KeptRows(rows).information(law).nats) == pytest.approx(expected_bits, abs=6e-3)


def test_kept_rows_show_the_top_and_nothing_below():
    h = h_of(KeptRows(3))
    np.testing.assert_allclose(h[:, :3, :3], IMAGES[:, :, :3] / 127.5 - 1, atol=1e-6)
    assert (h[:, 3, :3] == 1).all()
    assert (h[:, :, 3:] == 0).all()


def test_kept_pixels_show_every_kth_sub_pixel():
    shown = in_raster(h_of(KeptPixels(5))[:, 3:])
    assert (shown == (np.arange(192) % 5 == 0)).all()
    values = in_raster(h_of(KeptPixels(5))[:, :3])
    np.testing.assert_allclose(values[:, ::5], in_raster(IMAGES)[:, ::5] / 127.5 - 1, atol=1e-6)
    assert (values[:, 1::5] == 0).all()


def test_keeping_every_sub_pixel_is_the_identity():
    assert KeptPixels(1).information(LAW).nats == pytest.approx(LAW.nats("H(x)").nats, abs=1e-9)


def test_no_image_keeps_its_own_h_and_none_is_lost():
    law = IndependentPixels.uniform(8, 256, 1)
    images = law.draw(50, np.random.default_rng(0))
    own, other = (h_of(channel, law, images) for channel in (Identity(), Shuffled(Identity())))
    same = (own[:, None] == other[None]).all((2, 3, 4))
    assert (same.sum(0) == 1).all()
    assert (same.sum(1) == 1).all()
    assert not same.diagonal().any()
    with pytest.raises(UserError, match="needs at least two images"):
        h_of(Shuffled(Identity()), law, images[:1])


@pytest.mark.parametrize("over", ["channels", "everything"])
def test_invertible_maps_can_be_undone(over):
    h = h_of(Identity()).astype(float)
    features = 1 if over == "channels" else (1, 2, 3)
    permuted, rotated, scaled = (
        h_of(Invertible(Identity(), kind, over, seed=2)).astype(float)
        for kind in ("permutation", "rotation", "scale")
    )
    assert h.shape == permuted.shape == rotated.shape == scaled.shape
    np.testing.assert_array_equal(np.sort(permuted, axis=None), np.sort(h, axis=None))
    np.testing.assert_allclose((rotated**2).sum(features), (h**2).sum(features), rtol=1e-5)
    assert np.abs(rotated - h).max() > 0.1
    factor = scaled / np.where(h == 0, 1, h)
    assert np.ptp(np.where(h == 0, np.nan, factor), axis=0).max() < 1e-5
    assert 0.099 < np.abs(factor).min() <= np.abs(factor).max() < 10.01


@pytest.mark.parametrize("kind", ["permutation", "rotation", "scale"])
def test_a_map_is_the_same_at_every_draw_and_another_under_another_seed(kind):
    channel = Invertible(Identity(), kind, "everything")
    half = h_of(channel, images=IMAGES[20:], seed=7)
    np.testing.assert_allclose(h_of(channel)[20:], half, atol=1e-6)
    assert (h_of(Invertible(Identity(), kind, "everything", seed=1)) != h_of(channel)).any()


def test_over_channels_a_map_mixes_no_places():
    changed = IMAGES.copy()
    changed[:, :, 2, 5] ^= 255
    channel = Invertible(KeptRows(8), "rotation")
    moved = (h_of(channel) != h_of(channel, images=changed)).any((0, 1))
    assert moved.sum() == 1
    assert moved[2, 5]


@pytest.mark.parametrize("law", [Factors(8, 4, 3), LowBits(Factors(8, 4, 3), 2)], ids=["clean", "low bits"])
def test_factor_codes_name_each_value(law):
    objects = law.law if isinstance(law, LowBits) else law
    images = law.draw(100, np.random.default_rng(0))
    factors = objects.factors(law.high(images) if isinstance(law, LowBits) else images)
    h = h_of(FactorCodes(FACTORS), law, images)
    start = 0
    for name, values, truth in zip(FACTORS, objects.values, factors.T):
        code = h[:, start : start + len(values)]
        assert (code.sum(1) == 1).all(), name
        np.testing.assert_array_equal(code.argmax(1), truth)
        start += len(values)
    assert start == h.shape[1]
    assert FactorCodes(FACTORS).information(law).nats == pytest.approx(objects.nats("H(x)").nats, abs=1e-12)
