import numpy as np
import pytest
from PIL import Image

from ib_analysis.datasets.image_files import read_image
from ib_analysis.errors import UserError


def test_grey_and_rgb_keep_their_pixels(tmp_path):
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (5, 7)).astype(np.uint8)
    rgb = rng.integers(0, 256, (5, 7, 3)).astype(np.uint8)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    Image.fromarray(rgb).save(tmp_path / "rgb.png")
    np.testing.assert_array_equal(read_image(tmp_path / "grey.png", "grey"), grey[np.newaxis])
    np.testing.assert_array_equal(read_image(tmp_path / "grey.png", "rgb"), np.stack([grey] * 3))
    np.testing.assert_array_equal(read_image(tmp_path / "rgb.png", "rgb"), rgb.transpose(2, 0, 1))


def test_16_bit_grey_keeps_its_upper_byte(tmp_path):
    pixels = np.array([[0, 255, 256], [32768, 65535, 513]], np.uint16)
    Image.fromarray(pixels).save(tmp_path / "deep.png")
    np.testing.assert_array_equal(read_image(tmp_path / "deep.png", "grey")[0], pixels >> 8)


def test_pixels_without_a_range_are_refused(tmp_path):
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "float.tif")
    with pytest.raises(UserError, match=r"float.tif: cannot be read \(its pixels have mode F"):
        read_image(tmp_path / "float.tif", "grey")


def test_the_orientation_of_the_camera_is_obeyed(tmp_path):
    image = Image.new("L", (6, 4))
    exif = image.getexif()
    exif[0x0112] = 6  # turned by a quarter
    image.save(tmp_path / "turned.png", exif=exif)
    assert read_image(tmp_path / "turned.png", "grey").shape == (1, 6, 4)


def test_resizing_does_not_alias(tmp_path):
    # stripes of one pixel: any shrinking that skips pixels shows black or white, averaging shows grey
    stripes = np.tile(np.array([0, 255], np.uint8), (64, 32))
    Image.fromarray(stripes).save(tmp_path / "stripes.png")
    small = read_image(tmp_path / "stripes.png", "grey", (8, 4))
    assert small.shape == (1, 8, 4)
    assert np.abs(small.astype(int) - 127).max() <= 12


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_a_corrupt_image_is_named(tmp_path, content):
    (tmp_path / "bad.png").write_bytes(content)
    with pytest.raises(UserError, match=r"bad.png: cannot be read .*; replace or remove it"):
        read_image(tmp_path / "bad.png", "rgb")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".gif"])
def test_a_truncated_image_is_named(tmp_path, suffix):
    path = tmp_path / f"cut{suffix}"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40)).astype(np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match=f"cut{suffix}: cannot be read"):
        read_image(path, "grey")
