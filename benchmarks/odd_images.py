"""Sound images of every kind, each with its pixels: modes, formats, depths, orientations, frames.

Pixels are those that went into the file, or, where a format loses some, Pillow's own reading in the mode of the file;
conversions to RGB, orientations and first frames are computed here by numpy, and not by the program's own code.
"""

import io
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.image_bytes import bmp, png, png_chunk, pnm, tiff

Pixels = NDArray[np.uint8]
Right = Literal["read", "refused", "either", "passed over", "hidden"]
SIZE = (5, 7)
SIZES = ((5, 7), (1, 1), (1, 9), (9, 1), (33, 17))
NUMBERS = np.random.default_rng(0)


@dataclass(frozen=True)
class Odd:
    """A file of the class folder.

    Attributes:
        name: its name in the folder.
        make: makes it at a path.
        pixels: RGB (H, W, 3) that are right; None where there are none.
        right: what is right; "either" reads these pixels or refuses the file, "passed over" says so, "hidden" does not.
        grey: grey levels (H, W), where they do not follow from RGB.
        about: what is odd.
    """

    name: str
    make: Callable[[Path], Any]
    pixels: Pixels | None
    right: Right = "read"
    grey: Pixels | None = None
    about: str = ""


def holding(content: bytes) -> Callable[[Path], Any]:
    """Makes a file of these bytes."""
    return lambda path: path.write_bytes(content)


def random_values(size: tuple[int, int], channels: int, bits: int = 8) -> NDArray[np.int64]:
    """Levels (H, W, C) below 2 to the number of bits."""
    return NUMBERS.integers(0, 2**bits, (*size, channels))


def in_rgb(image: Image.Image) -> tuple[Pixels, Pixels | None]:
    """RGB of an image in its own mode, and grey levels where they are others than those of RGB."""
    values = np.asarray(image)
    if image.mode in ("P", "PA"):
        colours = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
        return colours[values if image.mode == "P" else values[..., 0]], None
    if image.mode == "1":
        values = values.astype(np.uint8) * 255
    if image.mode.startswith("I;16"):
        values = (values.astype(np.int64) >> 8).astype(np.uint8)
    if image.mode == "CMYK":
        ink, black = values[..., :3].astype(np.int64), 255 - values[..., 3:].astype(np.int64)
        product = ink * black + 128
        return np.clip(black - ((product >> 8) + product >> 8), 0, 255).astype(np.uint8), None
    if image.mode in ("LAB", "HSV"):
        return np.asarray(image.convert("RGB")), None
    if image.mode == "YCbCr":
        return np.asarray(image.convert("RGB")), values[..., 0]
    if image.mode in ("LA", "La"):
        values = values[..., 0]
    return (np.stack([values] * 3, -1) if values.ndim == 2 else values[..., :3]), None


def in_grey(pixels: Pixels) -> Pixels:
    """Luma of ITU-R 601-2 in Pillow's integers."""
    weighted = pixels.astype(np.int64) @ np.array([19595, 38470, 7471]) + 0x8000
    return (weighted >> 16).astype(np.uint8)


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    """The bytes of a file that Pillow writes."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(action="ignore"):
        image.save(buffer, form, **options)
    return buffer.getvalue()


def image_of(mode: str, size: tuple[int, int] = SIZE) -> Image.Image:
    """Random pixels in a mode of Pillow."""
    height, width = size
    if mode == "1":
        return Image.fromarray(random_values(size, 1, 1)[..., 0].astype(bool))
    if mode in ("P", "PA"):
        image = Image.fromarray(random_values(size, 1)[..., 0].astype(np.uint8), "L").convert("P")
        image.putpalette(NUMBERS.bytes(768))
        return image if mode == "P" else image.convert("PA")
    if mode.startswith("I;16"):
        return Image.frombytes(mode, (width, height), NUMBERS.bytes(2 * height * width))
    if mode in ("I", "F"):
        values = random_values(size, 1, 16)[..., 0]
        return Image.fromarray(values.astype(np.int32 if mode == "I" else np.float32))
    return Image.frombytes(
        mode, (width, height), NUMBERS.bytes(height * width * len(Image.new(mode, (1, 1)).getbands()))
    )


MODES = (
    "1",
    "L",
    "LA",
    "La",
    "P",
    "PA",
    "RGB",
    "RGBA",
    "RGBa",
    "RGBX",
    "CMYK",
    "YCbCr",
    "LAB",
    "HSV",
    "I;16",
    "I;16B",
    "I;16L",
    "I",
    "F",
)
NATIVE: dict[str, tuple[str, Sequence[str], dict[str, Any]]] = {
    "png": ("PNG", ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"), {}),
    "bmp": ("BMP", ("1", "L", "P", "RGB"), {}),
    "dib": ("DIB", ("1", "L", "P", "RGB"), {}),
    "gif": ("GIF", ("1", "L", "P"), {"optimize": False}),
    "tif": ("TIFF", ("1", "L", "LA", "P", "RGB", "RGBA", "RGBX", "CMYK", "I;16", "I;16B"), {}),
    "lzw.tif": ("TIFF", ("L", "P", "RGB", "RGBA", "CMYK", "I;16"), {"compression": "tiff_lzw"}),
    "deflate.tiff": ("TIFF", ("1", "L", "RGB", "I;16"), {"compression": "tiff_adobe_deflate"}),
    "packbits.tif": ("TIFF", ("1", "L", "RGB"), {"compression": "packbits"}),
    "fax.tif": ("TIFF", ("1",), {"compression": "group4"}),
    "big.tif": ("TIFF", ("L", "RGB"), {"big_tiff": True}),
    "ppm": ("PPM", ("1", "L", "RGB"), {}),
    "webp": ("WEBP", ("RGB", "RGBA"), {"lossless": True, "exact": True}),
    "tga": ("TGA", ("1", "L", "LA", "P", "RGB", "RGBA"), {}),
    "rle.tga": ("TGA", ("L", "P", "RGB", "RGBA"), {"compression": "tga_rle"}),
    "pcx": ("PCX", ("1", "L", "P", "RGB"), {}),
    "sgi": ("SGI", ("L", "RGB", "RGBA"), {}),
    "im": ("IM", ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"), {}),
    "jp2": ("JPEG2000", ("L", "LA", "RGB", "RGBA"), {}),
    "qoi": ("QOI", ("RGB", "RGBA"), {}),
    "dds": ("DDS", ("L", "LA", "RGB", "RGBA"), {}),
    "xbm": ("XBM", ("1",), {}),
    "msp": ("MSP", ("1",), {}),
    "ico": ("ICO", ("RGBA",), {"sizes": [(17, 33)]}),
}
"""The modes that a format keeps to the bit, by a name's end; in other modes a file may also be refused."""


def modes() -> Iterator[Odd]:
    """Every mode in every format that Pillow writes it in, and sizes of one row, one column and one pixel."""
    for end, (form, native, options) in NATIVE.items():
        for mode in native if end == "fax.tif" else MODES:
            sizes = (
                SIZES
                if end in ("png", "tif", "gif", "bmp", "webp", "ppm") and mode in ("1", "L", "P", "RGB")
                else SIZES[-1:]
            )
            for size in sizes:
                yield from _saved_as(mode, size, end, form, options, mode in native)
    for quality in (1, 50, 95, 100):
        for mode in ("L", "RGB", "CMYK"):
            for progressive in (False, True):
                yield _jpeg(mode, quality, progressive=progressive)
    for more in (
        {"subsampling": 0},
        {"subsampling": 2},
        {"optimize": True},
        {"keep_rgb": True},
        {"restart_marker_rows": 1},
    ):
        yield _jpeg("RGB", 90, **more)
    for mode in ("L", "RGB"):
        for form in ("AVIF", "WEBP", "JPEG2000"):
            more = {"irreversible": True} if form == "JPEG2000" else {}
            yield lossy(
                f"lossy-{mode}.{form.lower().replace('jpeg2000', 'jp2')}", saved(smooth(mode), form, **more)
            )


def _saved_as(
    mode: str, size: tuple[int, int], end: str, form: str, options: dict[str, Any], native: bool
) -> Iterator[Odd]:
    image = image_of(mode, size)
    try:
        content = saved(image, form, **options)
    except Exception:
        return  # this format has no such mode, or not in this size
    name = f"{mode.replace(';', '')}-{size[0]}x{size[1]}.{end}"
    if native:
        pixels, grey = in_rgb(image)
        yield Odd(name, holding(content), pixels, "read", grey)
    else:
        yield lossy(name, content, "either")


def lossy(name: str, content: bytes, right: Right = "read") -> Odd:
    """A file whose pixels are those that Pillow finds in it."""
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(content)) as image:
            image.load()
    except Exception:
        return Odd(name, holding(content), None, "refused")
    if image.mode in ("I", "F"):
        return Odd(name, holding(content), None, "refused")
    pixels, grey = in_rgb(image)
    return Odd(name, holding(content), pixels, right, grey)


def smooth(mode: str, size: tuple[int, int] = (32, 24)) -> Image.Image:
    """A slope of colours, which formats for photographs keep nearly as it is."""
    y, x = np.mgrid[0 : size[0], 0 : size[1]]
    image = Image.fromarray(np.stack([7 * y, 9 * x, 4 * (x + y)], -1).astype(np.uint8))
    return image.convert(mode)


def _jpeg(mode: str, quality: int, **more: Any) -> Odd:
    content = saved(smooth(mode), "JPEG", quality=quality, **more)
    odd = lossy(f"{mode}-{quality}-{'-'.join(f'{k}{v}' for k, v in more.items())}.jpg", content)
    expected, _ = in_rgb(smooth(mode))
    assert quality < 50 or np.abs(odd.pixels.astype(int) - expected).mean() < 8, odd.name  # type: ignore[union-attr]
    return odd


def pngs() -> Iterator[Odd]:
    """Depths, interlacing, transparency and chunks that Pillow does not write."""
    for interlaced in (False, True):
        way = "adam7" if interlaced else "plain"
        for bits in (1, 2, 4, 8, 16):
            values = random_values(SIZE, 1, bits)
            grey = _scaled(values, bits)
            yield Odd(f"grey{bits}-{way}.png", holding(png(values, bits, interlaced=interlaced)), grey)
            if bits <= 8:
                colours = NUMBERS.integers(0, 256, (2**bits, 3))
                content = png(values, bits, palette=colours, interlaced=interlaced)
                yield Odd(
                    f"palette{bits}-{way}.png", holding(content), colours[values[..., 0]].astype(np.uint8)
                )
        for channels in (2, 3, 4):
            for bits in (8, 16):
                values = random_values(SIZE, channels, bits)
                colour = np.concatenate([values[..., :1]] * 3, -1) if channels == 2 else values[..., :3]
                content = png(values, bits, interlaced=interlaced)
                yield Odd(f"{channels}x{bits}-{way}.png", holding(content), _scaled(colour, bits))
    values, colours = random_values(SIZE, 3), NUMBERS.integers(0, 256, (4, 3))
    shown: Pixels = values.astype(np.uint8)
    indices = random_values(SIZE, 1, 2)
    of_palette = colours[indices[..., 0]].astype(np.uint8)
    for name, entries in {"bytes": b"\0\x80\xff\x10", "one": b"\0", "none": b""}.items():
        content = png(indices, 2, palette=colours, chunks=[png_chunk(b"tRNS", entries)])
        yield Odd(f"palette-transparency-{name}.png", holding(content), of_palette)
    key = b"".join(int(v).to_bytes(2, "big") for v in values[0, 0])
    yield Odd("rgb-transparency.png", holding(png(values, chunks=[png_chunk(b"tRNS", key)])), shown)
    one = random_values(SIZE, 1)
    grey_key = png_chunk(b"tRNS", int(one[0, 0, 0]).to_bytes(2, "big"))
    yield Odd("grey-transparency.png", holding(png(one, chunks=[grey_key])), _scaled(one, 8))
    yield Odd("short-palette.png", holding(png(indices, 2, palette=colours[:2])), None, "either")
    for name, chunk in {
        "gamma": png_chunk(b"gAMA", (45455).to_bytes(4, "big")),
        "text": png_chunk(b"tEXt", b"Comment\0" + bytes(range(32, 127)) * 30),
        "unknown": png_chunk(b"abCd", b"\xff" * 500),
        "no-profile": png_chunk(b"iCCP", b"name\0\0no profile"),
        "no-exif": png_chunk(b"eXIf", b"no exif"),
        "orientation-12": png_chunk(
            b"eXIf", b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x0c\0\0\0\0\0\0"
        ),
        "odd-animation": png_chunk(b"acTL", b"\0\0\0\0\0\0\0\0"),
    }.items():
        yield Odd(f"chunk-{name}.png", holding(png(values, chunks=[chunk])), shown, "either")
    whole = png(values)
    yield Odd("no-end.png", holding(png(values, end=False)), shown, "either")
    yield Odd("more-after-end.png", holding(whole + b"more" * 100), shown)
    yield Odd("two-in-one.png", holding(whole + png(255 - values)), shown)
    wrong_sum = bytearray(whole)
    wrong_sum[29] ^= 1
    yield Odd("wrong-sum.png", holding(bytes(wrong_sum)), None, "refused")
    yield Odd("no-pixels.png", holding(whole[:33] + png_chunk(b"IEND")), None, "refused")
    yield Odd("bomb-of-text.png", holding(png(values, chunks=[_text_bomb()])), shown, "either")


def _scaled(values: NDArray[np.integer], bits: int) -> Pixels:
    """RGB bytes of levels; of 16 bits the upper eight."""
    bytes_ = values >> 8 if bits == 16 else values * (255 // (2**bits - 1))
    return np.broadcast_to(bytes_, (*values.shape[:2], 3)).astype(np.uint8)


def _text_bomb() -> bytes:
    return png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(2**26)))


def tiffs() -> Iterator[Odd]:
    """Tiles, planes, byte orders, depths and kinds of samples."""
    size = (20, 19)
    for order in ("<", ">"):
        for tile in (0, 16):
            for planar in (False, True):
                for deflate in (False, True):
                    for channels in (1, 3):
                        if planar and channels == 1:
                            continue
                        values = random_values(size, channels)
                        content = tiff(values, order=order, tile=tile, planar=planar, deflate=deflate)
                        said = (
                            f"{'le' if order == '<' else 'be'}-tile{tile}-planar{planar:d}-deflate{deflate:d}"
                        )
                        yield Odd(f"{channels}-{said}.tif", holding(content), _scaled(values, 8))
        for bits in (1, 2, 4, 12, 16, 32):
            for tile in (0, 16):
                values = random_values(size, 1, bits)
                content = tiff(values, bits, order=order, tile=tile)
                shown = (
                    None if bits == 32 else _scaled(values << 4, 16) if bits == 12 else _scaled(values, bits)
                )
                name = f"grey{bits}-{'le' if order == '<' else 'be'}-tile{tile}.tif"
                yield Odd(
                    name,
                    holding(content),
                    shown,
                    "refused" if bits == 32 else "read" if bits != 12 or order == "<" else "either",
                )
        for channels in (3, 4):
            values = random_values(size, channels, 16)
            extra: dict[int, Any] = {338: 2} if channels == 4 else {}
            yield Odd(
                f"{channels}x16-{'le' if order == '<' else 'be'}.tif",
                holding(tiff(values, 16, order=order, tags=extra)),
                _scaled(values[..., :3], 16),
            )
    for bits in (1, 4, 8, 16):
        values = random_values(size, 1, bits)
        yield Odd(
            f"white-is-zero-{bits}.tif",
            holding(tiff(values, bits, photometric=0)),
            _scaled(2**bits - 1 - values, bits),
        )
    values = random_values(size, 4)
    ink = Image.fromarray(values.astype(np.uint8), "CMYK")
    yield Odd("cmyk.tif", holding(tiff(values, photometric=5)), in_rgb(ink)[0])
    values = random_values(size, 3)
    yield Odd("lab.tif", holding(tiff(values, photometric=8)), None, "refused")
    yield Odd("mask.tif", holding(tiff(random_values(SIZE, 1, 1), 1, photometric=4)), None, "either")
    for sample, bits in ((2, 8), (2, 16), (2, 32), (3, 32), (4, 8), (5, 16)):
        content = tiff(random_values(SIZE, 1, bits), bits, tags={339: sample})
        yield Odd(
            f"samples-of-kind-{sample}-{bits}.tif",
            holding(content),
            None,
            "refused" if bits == 32 else "either",
        )
    for name, tags in {
        "no-width": {256: 0},
        "rows-0": {278: 0},
        "channels-0": {277: 0},
        "channels-9": {277: 9},
        "bits-7": {258: 7},
        "compression-9999": {259: 9999},
        "photometric-77": {262: 77},
        "far-strips": {273: [10**9] * 7},
        "short-strips": {279: [1] * 7},
        "orientation-99": {274: 99},
        "predictor-9": {317: 9},
    }.items():
        values = random_values(SIZE, 1)
        content = tiff(values, tags=tags)  # type: ignore[arg-type]
        yield Odd(f"tag-{name}.tif", holding(content), _scaled(values, 8), "either")


def others() -> Iterator[Odd]:
    """Text formats, depths and directions of PNM and BMP, JPEG with more around it, wrong names of the format."""
    for kind, most in (
        (1, 1),
        (2, 15),
        (2, 255),
        (2, 1023),
        (3, 255),
        (3, 100),
        (3, 65535),
        (4, 1),
        (5, 15),
        (5, 255),
        (5, 65535),
        (6, 255),
        (6, 100),
        (6, 65535),
    ):
        values = NUMBERS.integers(0, most + 1, (*SIZE, 3 if kind in (3, 6) else 1))
        shown = 255 * (1 - values) if kind in (1, 4) else np.rint(values / most * 255)
        pixels = np.broadcast_to(shown, (*SIZE, 3)).astype(np.uint8)
        deep = most > 255 and kind in (2, 5)
        for comment in ("", "# a remark\n"):
            name = f"p{kind}-{most}{'-remark' if comment else ''}.pnm"
            yield Odd(
                name,
                holding(pnm(kind, values, most, comment)),
                None if deep else pixels,
                "refused" if deep else "either",
            )
    for bits in (1, 4, 8):
        values, colours = random_values(SIZE, 1, bits), NUMBERS.integers(0, 256, (2**bits, 3))
        for upright in (False, True):
            content = bmp(values, bits, palette=colours, upright=upright)
            yield Odd(
                f"bmp{bits}-{upright:d}.bmp", holding(content), colours[values[..., 0]].astype(np.uint8)
            )
    for upright in (False, True):
        values = random_values(SIZE, 3)
        yield Odd(
            f"bmp24-{upright:d}.bmp", holding(bmp(values, 24, upright=upright)), values.astype(np.uint8)
        )
    yield Odd(
        "bmp-compression-9.bmp", holding(bmp(random_values(SIZE, 3), 24, compression=9)), None, "refused"
    )
    image = smooth("RGB")
    pixels = np.asarray(image)
    photo = saved(image, "JPEG", quality=95)
    read = lossy("", photo).pixels
    yield Odd("more-after-end.jpg", holding(photo + b"more" * 100), read)
    yield Odd("no-end.jpg", holding(photo[:-2]), read, "either")
    yield Odd("two-starts.jpg", holding(photo[:2] + b"\xff\xfe\0\x05abc" + photo[2:]), read)
    yield Odd(
        "odd-exif.jpg", holding(photo[:2] + b"\xff\xe1\0\x10Exif\0\0garbage!" + photo[2:]), read, "either"
    )
    yield Odd("odd-profile.jpg", holding(saved(image, "JPEG", quality=95, icc_profile=b"no profile")), read)
    yield Odd(
        "large-exif.jpg",
        holding(saved(image, "JPEG", quality=95, exif=b"Exif\0\0" + b"x" * 60000)),
        read,
        "either",
    )
    for end in ("jpg", "gif", "tif", "bmp", "webp", "ico", "tga", "PNG", "JpEg", "eps", "pdf", "h5", "mpg"):
        yield Odd(f"a-png-named.{end}", holding(saved(image, "PNG")), pixels)
    yield Odd("a-photo-named.png", holding(photo), read)
    yield Odd("a-png-without-suffix", holding(saved(image, "PNG")), pixels)
    for end in ("txt", "csv", "png~", "png.bak", "json", "npy", "zip", "db", "svg", "html"):
        yield Odd(f"a-png-named.{end}", holding(saved(image, "PNG")), None, "passed over")
    drawing = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 7 5\n%%EndComments\nshowpage\n%%EOF\n"
    yield Odd("drawing.eps", holding(drawing), None, "refused")
    yield Odd("a-drawing-named.png", holding(drawing), None, "refused")


def orientations() -> Iterator[Odd]:
    """The eight orientations of EXIF, and values that are none."""
    for mode, forms in {
        "RGB": ("JPEG", "PNG", "TIFF", "WEBP"),
        "L": ("JPEG", "PNG", "TIFF"),
        "I;16": ("PNG", "TIFF"),
        "P": ("PNG", "TIFF"),
        "RGBA": ("PNG", "TIFF", "WEBP"),
        "CMYK": ("TIFF", "JPEG"),
        "1": ("PNG", "TIFF"),
    }.items():
        image = smooth(mode, (8, 13)) if mode in ("RGB", "L") else image_of(mode, (8, 13))
        for form in forms:
            for turn in (*range(1, 9), *((0, 9, 255) if mode == "RGB" else ())):
                exif = Image.Exif()
                exif[0x0112] = turn
                more = {"lossless": True, "exact": True} if form == "WEBP" else {}
                plain = saved(image, form, **more)
                stored = lossy("", plain).pixels
                assert stored is not None
                name = f"{mode.replace(';', '')}-turn{turn}.{form.lower()}"
                yield Odd(name, holding(saved(image, form, exif=exif, **more)), turned(stored, turn))
    rgb = smooth("RGB", (8, 13))
    said = b'<rdf:RDF><rdf:Description tiff:Orientation="6"/></rdf:RDF>'
    packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">' + said + b"</x:xmpmeta>"
    read = lossy("", saved(rgb, "JPEG")).pixels
    assert read is not None
    yield Odd(
        "xmp-turn6.jpg", holding(saved(rgb, "JPEG", xmp=packet)), turned(read, 6), "read", None, "by XMP"
    )


def turned(pixels: Pixels, orientation: int) -> Pixels:
    """Upright pixels of stored ones (CIPA DC-008, tag 0x0112)."""
    ways: dict[int, Callable[[Pixels], Pixels]] = {
        2: np.fliplr,
        3: partial(np.rot90, k=2),
        4: np.flipud,
        5: lambda p: p.swapaxes(0, 1),
        6: partial(np.rot90, k=-1),
        7: lambda p: np.rot90(p, 2).swapaxes(0, 1),
        8: np.rot90,
    }
    return np.ascontiguousarray(ways.get(orientation, lambda p: p)(pixels))


def frames() -> Iterator[Odd]:
    """Several frames, pages and sizes in a file: the first, and of icons the largest."""
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        images = [image_of(mode) for _ in range(3)]
        pixels = in_rgb(images[0])[0]
        for form, native in (
            ("GIF", ("1", "L", "P")),
            ("PNG", ("1", "L", "P", "RGB", "RGBA")),
            ("TIFF", ("1", "L", "P", "RGB", "RGBA")),
            ("WEBP", ("RGB", "RGBA")),
        ):
            if mode not in native:
                continue
            more: dict[str, Any] = {"lossless": True, "exact": True} if form == "WEBP" else {}
            content = saved(images[0], form, save_all=True, append_images=images[1:], **more)
            yield Odd(f"{mode}-frames.{form.lower()}", holding(content), pixels)
            if form == "GIF":
                for disposal in (1, 2, 3):
                    content = saved(
                        images[0],
                        form,
                        save_all=True,
                        append_images=images[1:],
                        disposal=disposal,
                        duration=20,
                        loop=0,
                    )
                    yield Odd(f"{mode}-disposal{disposal}.gif", holding(content), pixels)
                content = saved(images[0], form, save_all=True, append_images=images[1:], transparency=3)
                yield Odd(
                    f"{mode}-transparent.gif", holding(content), None if mode == "1" else pixels, "either"
                )
    photos = [smooth("RGB"), smooth("RGB").rotate(180)]
    content = saved(photos[0], "MPO", save_all=True, append_images=photos[1:])
    yield lossy("pair.mpo", content)
    yield lossy("pair.jpg", content)
    icon = image_of("RGBA", (64, 64))
    content = saved(icon, "ICO", sizes=[(16, 16), (32, 32), (64, 64)])
    yield Odd("sizes.ico", holding(content), in_rgb(icon)[0])
    yield Odd("sizes.icns", holding(saved(icon, "ICNS")), None, "either")
