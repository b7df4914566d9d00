"""Odd files in a folder of images: broken ones, headers that lie, names of any letters, links and what is no file."""

import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.image_bytes import bmp, png, tiff
from benchmarks.odd_images import (
    NUMBERS,
    SIZE,
    Odd,
    frames,
    holding,
    image_of,
    lossy,
    modes,
    orientations,
    others,
    pngs,
    saved,
    smooth,
    tiffs,
)


def odd_files() -> Iterator[Odd]:
    """All of them, the same in every run."""
    for kind in (modes, pngs, tiffs, others, orientations, frames, broken, huge, names, trees):
        for odd in kind():
            yield replace(odd, about=f"{kind.__name__}: {odd.about or odd.name}")


TEXTS = {
    "nothing": b"",
    "a-byte": b"\x89",
    "zeros": bytes(500),
    "text": b"This is no image.\n" * 40,
    "page": b"<!DOCTYPE html><html>404</html>",
    "pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
    "json": b'{"error": "rate limit"}',
    "drawing": b'<svg xmlns="http://www.w3.org/2000/svg" width="7" height="5"/>',
    "archive": b"PK\x03\x04" + bytes(60),
}
ENDS = ("png", "jpg", "gif", "bmp", "tif", "webp", "ppm", "ico", "tga", "jp2")
MAGIC = {
    "png": b"\x89PNG\r\n\x1a\n",
    "jpg": b"\xff\xd8\xff\xe0",
    "gif": b"GIF89a",
    "bmp": b"BM",
    "tif": b"II*\0",
    "webp": b"RIFF\x40\0\0\0WEBP",
    "ppm": b"P6\n",
    "ico": b"\0\0\1\0",
    "jp2": b"\0\0\0\x0cjP  \r\n\x87\n",
    "psd": b"8BPS\0\1",
    "dds": b"DDS ",
    "qoi": b"qoif",
    "sgi": b"\x01\xda",
    "fits": b"SIMPLE  =                    T",
    "xpm": b"/* XPM */\n",
    "h5": b"\x89HDF\r\n\x1a\n",
    "avif": b"\0\0\0\x1cftypavif",
    "eps": b"%!PS-Adobe",
}


def broken() -> Iterator[Odd]:
    """Texts, beginnings alone and files that are cut: refused, or read where all pixels are there."""
    for what, content in TEXTS.items():
        for end in ENDS:
            yield Odd(f"{what}.{end}", holding(content), None, "refused")
    for end, magic in MAGIC.items():
        yield Odd(f"begins-only.{end}", holding(magic), None, "refused")
        yield Odd(f"begins-like.{end}", holding(magic + NUMBERS.bytes(300)), None, "refused")
    forms = [
        (end, form, {"lossless": True} if end == "webp" else {})
        for end, form in (
            ("png", "PNG"),
            ("gif", "GIF"),
            ("bmp", "BMP"),
            ("tif", "TIFF"),
            ("webp", "WEBP"),
            ("ppm", "PPM"),
            ("tga", "TGA"),
            ("jpg", "JPEG"),
            ("jp2", "JPEG2000"),
            ("ico", "ICO"),
            ("qoi", "QOI"),
            ("sgi", "SGI"),
            ("pcx", "PCX"),
            ("avif", "AVIF"),
            ("dds", "DDS"),
        )
    ]
    compressed: list[tuple[str, str, dict[str, Any]]] = [
        ("lzw.tif", "TIFF", {"compression": "tiff_lzw"}),
        ("prog.jpg", "JPEG", {"progressive": True}),
        ("rle.tga", "TGA", {"compression": "tga_rle"}),
    ]
    for end, form, more in (*forms, *compressed):
        image = image_of("L" if form == "GIF" else "RGB", (64, 64))
        content = saved(image, form, **more)
        pixels = lossy("", content).pixels
        for part in (0.1, 0.5, 0.9, 0.99):
            cut = content[: int(len(content) * part)]
            yield Odd(f"cut{part}.{end}", holding(cut), pixels, "refused" if part < 0.95 else "either")
        yield Odd(f"cut-by-a-byte.{end}", holding(content[:-1]), pixels, "either")


def huge() -> Iterator[Odd]:
    """Headers that ask for more pixels than there are, or for none."""
    small = np.zeros((*SIZE, 3), np.int64)
    for height, width in (
        (2**31 - 1, 2**31 - 1),
        (20_000, 20_000),
        (13_000, 13_000),
        (0, 7),
        (5, 0),
        (2**31 - 1, 1),
    ):
        name = f"{height}x{width}"
        yield Odd(f"{name}.png", holding(png(small, size=(height, width))), None, "refused")
        yield Odd(f"{name}.tif", holding(tiff(small, size=(height, width))), None, "refused")
        yield Odd(
            f"{name}.ppm", holding(f"P6\n{width} {height}\n255\n".encode() + bytes(90)), None, "refused"
        )
        both = height.to_bytes(4, "little") + width.to_bytes(4, "little")
        whole = bytearray(bmp(small, 24))
        whole[18:26] = width.to_bytes(4, "little") + height.to_bytes(4, "little")
        yield Odd(f"{name}.bmp", holding(bytes(whole)), None, "refused", None, str(both))
        whole = bytearray(saved(image_of("RGB"), "QOI"))
        whole[4:12] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
        yield Odd(f"{name}.qoi", holding(bytes(whole)), None, "refused")
    for size in (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\0\x01"):
        whole = bytearray(saved(image_of("L"), "GIF"))
        whole[6:10] = size
        yield Odd(f"screen-{size.hex()}.gif", holding(bytes(whole)), None, "either")
        photo = bytearray(saved(smooth("RGB"), "JPEG"))
        at = photo.index(b"\xff\xc0") + 5
        photo[at : at + 4] = size
        yield Odd(f"frame-{size.hex()}.jpg", holding(bytes(photo)), None, "refused")
        targa = bytearray(saved(image_of("RGB"), "TGA"))
        targa[12:16] = size
        yield Odd(f"{size.hex()}.tga", holding(bytes(targa)), None, "refused")


WORDS = (
    "a b",
    "  two  ",
    "ünïcödé",
    "日本語",
    "עברית",
    "😀",
    "e\u0301",
    "-rf",
    "--help",
    "$HOME",
    "$x^2$",
    "%s%d",
    "{0}",
    "[0]",
    "*",
    "?",
    "a;b",
    "a&b",
    "a|b",
    "a'b",
    'a"b',
    "a\\b",
    "a\nb",
    "a\tb",
    "a\rb",
    "\x1b[31mred",
    "\x07",
    "a,b",
    "a:b",
    "#1",
    "~",
    "...a",
    "CON",
    "a" * 240,
    "ä" * 120,
    "line\u2028sep",
    "rtl\u202eabc",
)


def names() -> Iterator[Odd]:
    """Names of any letters, of a sound image and of a broken one."""
    image = image_of("RGB")
    sound = saved(image, "PNG")
    for word in WORDS:
        about = f"name {word!a:.40}"
        yield Odd(
            f"{word}.png",
            holding(sound),
            np.asarray(image),
            "hidden" if word[0] == "." else "read",
            None,
            about,
        )
        yield Odd(
            f"{word}.PNG",
            holding(sound[:60]),
            None,
            "hidden" if word[0] == "." else "refused",
            None,
            f"{about}, cut",
        )
    yield Odd(os.fsdecode(b"na\xefve.png"), holding(sound), None, "refused", None, "name that is no text")


def trees() -> Iterator[Odd]:
    """Links, folders and what is no file."""
    image = image_of("RGB")
    sound, pixels = saved(image, "PNG"), np.asarray(image)

    def linked(path: Path, target: str) -> None:
        path.symlink_to(target)

    def link_to_image(path: Path) -> None:
        outside = path.parent.parent.parent / "elsewhere.png"
        outside.write_bytes(sound)
        path.symlink_to(outside)

    def in_folders(path: Path) -> None:
        below = path.joinpath(*"abcdefghij")
        below.mkdir(parents=True)
        (below / "deep.png").write_bytes(sound)

    def read_only(path: Path) -> None:
        path.write_bytes(sound)
        path.chmod(0o444)

    def hidden(path: Path) -> None:
        path.mkdir()
        (path / "copy.png").write_bytes(sound)

    def bound(path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(os.path.relpath(path))

    yield Odd("link.png", link_to_image, pixels)
    yield Odd("self.png", partial(linked, target="self.png"), None, "refused")
    yield Odd("nowhere.png", partial(linked, target="/nowhere/at/all.png"), None, "refused")
    yield Odd("up", partial(linked, target=".."), None, "refused")
    yield Odd("here", partial(linked, target="."), None, "refused")
    yield Odd("endless.png", partial(linked, target="/dev/zero"), None, "passed over")
    yield Odd("folder.png", in_folders, pixels)
    yield Odd("empty.png", Path.mkdir, None, "hidden")
    yield Odd("read-only.png", read_only, pixels)
    yield Odd(".hidden.png", holding(sound), None, "hidden")
    yield Odd("._resource.png", holding(b"\0\5\x16\7" + bytes(80)), None, "hidden")
    for name in (".hidden", "@eaDir", "__MACOSX"):
        yield Odd(name, hidden, None, "hidden")
    yield Odd("pipe.png", os.mkfifo, None, "passed over")
    yield Odd("socket.png", bound, None, "passed over")
