import logging
import os
import warnings

import numpy as np
import pytest
from PIL import Image

from benchmarks.image_bytes import tiff
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


@pytest.mark.parametrize("mode", ["L", "P", "I;16", "RGBA", "CMYK"])
def test_a_turned_tiff_is_not_mapped_with_its_sides_swapped(tmp_path, mode):
    # Pillow swaps the sides of a TIFF that it maps into memory, and leaves its pixels where they are
    width, height = 9, 4
    stored = Image.frombytes(mode, (width, height), bytes(range(36 * len(Image.new(mode, (1, 1)).tobytes()))))
    exif = Image.Exif()
    exif[0x0112] = 6
    stored.save(tmp_path / "turned.tif", exif=exif)
    stored.save(tmp_path / "stored.png" if mode != "CMYK" else tmp_path / "stored.tif")
    plain = read_image(next(tmp_path.glob("stored.*")), "grey")
    np.testing.assert_array_equal(read_image(tmp_path / "turned.tif", "grey")[0], np.rot90(plain[0], -1))


@pytest.mark.parametrize(("bits", "white_is_zero"), [(12, False), (16, False), (16, True)])
def test_deep_grey_of_a_tiff_keeps_its_range_and_its_white(tmp_path, bits, white_is_zero):
    values = np.random.default_rng(0).integers(0, 2**bits, (4, 6, 1))
    (tmp_path / "deep.tif").write_bytes(tiff(values, bits, photometric=0 if white_is_zero else 1))
    levels = values[..., 0] >> (bits - 8)
    read = read_image(tmp_path / "deep.tif", "grey")[0]
    np.testing.assert_array_equal(read, 255 - levels if white_is_zero else levels)


@pytest.mark.parametrize("name", ["drawing.eps", "drawing.png"])
def test_postscript_is_not_run(tmp_path, monkeypatch, name):
    for program in ("gs", "gswin64c", "gswin32c"):
        (tmp_path / program).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n", encoding="utf-8")
        (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)
    drawing = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 7 5\n%%EndComments\nshowpage\n%%EOF\n"
    (tmp_path / name).write_bytes(drawing)
    with pytest.raises(UserError, match=f"{name}: cannot be read .*no image of a format that is read here"):
        read_image(tmp_path / name, "grey")
    assert not (tmp_path / "ran").exists()


def test_what_pillow_warns_of_and_logs_is_not_said(tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # those of pytest
    palette = Image.new("P", (4, 4))
    palette.putpalette(bytes(range(96)))
    palette.save(tmp_path / "palette.png", transparency=b"\0\x80")
    many = tiff(np.zeros((4, 4, 1), np.int64), tags={277: 9})
    (tmp_path / "many.tif").write_bytes(many)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_image(tmp_path / "palette.png", "rgb")
    with pytest.raises(UserError, match=r"many.tif: cannot be read"):
        read_image(tmp_path / "many.tif", "rgb")
    assert capfd.readouterr() == ("", "")


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
