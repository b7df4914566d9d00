"""Sheets of images: originals above samples drawn from p(x | h), which show what h no longer determines."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ib_analysis.errors import UserError
from ib_analysis.figures.samples import Samples
from ib_analysis.figures.style.figure_style import PAGE_INCHES, figure_style
from ib_analysis.figures.style.user_text import as_written, wrapped

Pixels = NDArray[np.uint8]
DOTS_PER_INCH = 300
PAGE_DOTS = int(PAGE_INCHES * DOTS_PER_INCH)
EDGE_INCHES = 0.02
TALLEST_INCHES = 8.4
"""Largest height of a sheet, unless the smallest image size requires more."""
TITLE_INCHES = 0.26
HEAD_INCHES = 0.18
"""Height of the line of class names above the originals."""
LINE_INCHES = 0.14
"""Height of every further line of a class name or a title that is long."""
NARROWEST_INCHES = 1.2
"""Smallest width of a sheet, which its title needs."""
BOLD = 0.85
"""Width of a letter divided by that of a bold one."""
SMALLEST_INCHES, LARGEST_INCHES = 0.42, 0.80
"""Size of one image in print; 0.42 inches are 40 pixels on a screen."""
GAP_DOTS = 6
GROUP_DOTS = 30
BLOCK_DOTS = 30


@dataclass(frozen=True)
class Words:
    """A text at a position of the sheet, in dots."""

    x: float
    y: float
    text: str
    across: Literal["center", "right"]
    up: Literal["center", "bottom"]


def caption_epochs(samples: Samples, tap: str) -> str:
    """Caption of a sheet of epochs."""
    return f"{_who(samples)}: images drawn from p(x | {tap}), by training epoch. {_how(samples)}"


def caption_taps(samples: Samples, epoch: int) -> str:
    """Caption of a sheet of taps."""
    return f"{_who(samples)}: images drawn from p(x | h) for each tap at epoch {epoch}. {_how(samples)}"


def _how(samples: Samples) -> str:
    number = next(iter(samples.drawn.values())).shape[0]
    what = "one draw" if number == 1 else f"{number} draws"
    return (
        f"Top row: originals of the evaluation part. Below each original, {what} from p(x|h) with its h. Where a "
        "draw differs from the original, h has lost this detail or the decoder cannot read it. Every row uses the "
        "same random numbers."
    )


def caption_unconditional(samples: Pixels) -> str:
    """Caption of the sheet of p(x)."""
    return (
        f"{len(samples)} images drawn from p(x), the unconditional decoder. Its cross-entropy on held-out images "
        "is CE(x)."
    )


def _who(samples: Samples) -> str:
    return "{}, {}, seed {}".format(*samples.network)


def draw_epochs(samples: Samples, tap: str) -> Figure:
    """Draws a sheet of one tap whose rows are epochs, as in Figure 1 of Darlow and Storkey (2020).

    Raises:
        UserError: there are no samples of the tap.
    """
    rows = {
        f"epoch {epoch}": samples.at(epoch, tap)
        for epoch in samples.epochs()
        if samples.network.at(epoch, tap) in samples.drawn
    }
    if not rows:
        raise UserError(
            f"no samples were drawn from tap {tap!r}; there are samples of {', '.join(samples.taps())}."
        )
    return _sheet(f"{_who(samples)} \N{MIDDLE DOT} samples from p(x | {tap})", samples, rows)


def draw_taps(samples: Samples, epoch: int) -> Figure:
    """Draws a sheet of one epoch whose rows are taps.

    Raises:
        UserError: there are no samples of the epoch.
    """
    rows = {point.tap: images for point, images in samples.drawn.items() if point.epoch == epoch}
    if not rows:
        found = ", ".join(str(e) for e in samples.epochs())
        raise UserError(f"no samples were drawn at epoch {epoch}; there are samples of epochs {found}.")
    return _sheet(f"{_who(samples)} \N{MIDDLE DOT} samples from p(x | h) at epoch {epoch}", samples, rows)


def caption_regimes(networks: Sequence[Samples], tap: str) -> str:
    """Caption of a sheet of one image."""
    encoder, _, seed = networks[0].network
    regimes = " and ".join(samples.network.regime for samples in networks)
    image = f"evaluation image {int(networks[0].rows[0])} ({networks[0].classes[0]})"
    return (
        f"{encoder}, seed {seed}: {image} and images drawn from p(x | {tap}) with its h, by training epoch, for "
        f"{regimes}, laid out like Figure 1 of Darlow and Storkey (2020). The image is the first of those sampled. "
        "Where draws of one epoch differ from each other, h has lost what they differ in or the decoder cannot read "
        "it. Each row uses the same random numbers at every epoch."
    )


def draw_regimes(networks: Sequence[Samples], tap: str) -> Figure:
    """Draws a sheet of the first image: a column for each epoch, a block of rows for each regime, a row for each draw.

    Args:
        networks: samples of one encoder and seed, a regime each; all have the tap and the same images.
        tap: where the draws come from.
    """
    encoder, _, seed = networks[0].network
    with figure_style():
        epochs = networks[0].epochs()
        draws = [samples.at(epochs[0], tap).shape[0] for samples in networks]
        longest = max(networks[0].originals.shape[-2:])
        left = _label_dots([samples.network.regime for samples in networks])
        columns = 1 + len(epochs)
        across = (PAGE_DOTS - left - GROUP_DOTS) / columns - GAP_DOTS
        size = _size(longest, min(across, TALLEST_INCHES * DOTS_PER_INCH / sum(draws)))
        step, head = size + GAP_DOTS, round(HEAD_INCHES * DOTS_PER_INCH)
        height = head + sum(draws) * step + (len(draws) - 1) * BLOCK_DOTS
        canvas = _canvas(height, left + columns * step + GROUP_DOTS)
        places = [left + GROUP_DOTS + (1 + j) * step for j in range(len(epochs))]
        heads = [(left, "original"), *zip(places, [f"epoch {epoch}" for epoch in epochs])]
        texts = [Words(x + size / 2, head - 8, name, "center", "bottom") for x, name in heads]
        top = head
        for samples, count in zip(networks, draws, strict=True):
            texts.append(Words(left - 14, top + size / 2, samples.network.regime, "right", "center"))
            _put(canvas, samples.originals[0], samples.levels, top, left, size)
            for x, epoch in zip(places, epochs, strict=True):
                for k, image in enumerate(samples.at(epoch, tap)[:, 0]):
                    _put(canvas, image, samples.levels, top + k * step, x, size)
            top += count * step + BLOCK_DOTS
        return _page(
            f"{encoder}, seed {seed} \N{MIDDLE DOT} one image, samples from p(x | {tap})", canvas, texts
        )


def draw_unconditional(images: Pixels, levels: int) -> Figure:
    """Draws a sheet of images (m, C, H, W) sampled from p(x)."""
    with figure_style():
        longest = max(images.shape[-2:])
        columns = _fitting(1, min(len(images), 12), longest, PAGE_DOTS)
        size = _size(longest, _spare(PAGE_DOTS, 1, columns) / columns)
        step = size + GAP_DOTS
        canvas = _canvas(ceil(len(images) / columns) * step, columns * step)
        for i, image in enumerate(images):
            _put(canvas, image, levels, i // columns * step, i % columns * step, size)
        return _page("samples from p(x)", canvas, [])


def _sheet(title: str, samples: Samples, rows: dict[str, Pixels]) -> Figure:
    """The originals above a labelled row for each entry (draws, n, C, H, W); images wrap into blocks."""
    with figure_style():
        draws, number, _, *sides = next(iter(rows.values())).shape
        longest = max(sides)
        left = _label_dots(["original", *rows])
        room = PAGE_DOTS - left
        per_block = _fitting(draws, number, longest, room)
        lines = ceil(number / per_block) * (1 + len(rows))
        size = _size(
            longest,
            min(_spare(room, draws, per_block) / (draws * per_block), TALLEST_INCHES * DOTS_PER_INCH / lines),
        )
        return _compose(title, samples, rows, size, per_block, left)


def _label_dots(names: Sequence[str]) -> int:
    """Width of the longest row label at font size 8, in dots."""
    return round(DOTS_PER_INCH * (0.08 + 0.071 * max(len(name) for name in names)))


def _spare(room: float, draws: int, images: int) -> float:
    """Dots of a row that remain for pixels."""
    return room - draws * images * GAP_DOTS - (images - 1) * GROUP_DOTS


def _fitting(draws: int, number: int, width: int, room: float) -> int:
    """Number of images, with their draws, side by side, such that all blocks have nearly equal length."""
    smallest = _size(width, 0)
    most = max(
        1, max((n for n in range(1, number + 1) if _spare(room, draws, n) >= draws * n * smallest), default=1)
    )
    return ceil(number / ceil(number / most))


def _size(pixels: int, dots: float) -> int:
    """Size of an image in dots: at most `dots`, within the limits, and an integer number of dots per pixel."""
    low, high = SMALLEST_INCHES * DOTS_PER_INCH, LARGEST_INCHES * DOTS_PER_INCH
    return pixels * max(ceil(low / pixels), int(min(dots, high) / pixels))


def _compose(
    title: str, samples: Samples, rows: dict[str, Pixels], size: int, per_block: int, left: int
) -> Figure:
    draws, number = next(iter(rows.values())).shape[:2]
    step = size + GAP_DOTS
    group = draws * step + GROUP_DOTS
    names = [wrapped(name, group / DOTS_PER_INCH) for name in samples.classes]
    further = max(name.count("\n") for name in names)
    head = round((HEAD_INCHES + further * LINE_INCHES) * DOTS_PER_INCH)
    tall = head + (1 + len(rows)) * step + GAP_DOTS + BLOCK_DOTS
    canvas = _canvas(ceil(number / per_block) * tall - BLOCK_DOTS, left + per_block * group - GROUP_DOTS)
    texts: list[Words] = []
    for i in range(number):
        top, x = i // per_block * tall + head, left + i % per_block * group
        middle = x + (draws * step - GAP_DOTS) / 2
        texts.append(Words(middle, top - 8, names[i], "center", "bottom"))
        _put(canvas, samples.originals[i], samples.levels, top, round(middle - size / 2), size)
        for j, images in enumerate(rows.values()):
            for k in range(draws):
                _put(
                    canvas, images[k, i], samples.levels, top + (1 + j) * step + GAP_DOTS, x + k * step, size
                )
        if i % per_block == 0:
            texts.append(Words(left - 14, top + size / 2, "original", "right", "center"))
            texts += _row_names(rows, left, top + GAP_DOTS + size / 2, step)
    return _page(title, canvas, texts)


def _row_names(rows: dict[str, Pixels], left: int, top: float, step: int) -> list[Words]:
    return [Words(left - 14, top + (1 + j) * step, name, "right", "center") for j, name in enumerate(rows)]


def _canvas(height: int, width: int) -> Pixels:
    return np.full((height, width, 3), 255, dtype=np.uint8)


def _put(canvas: Pixels, image: Pixels, levels: int, top: int, left: int, size: int) -> None:
    """Pastes an image (C, H, W) into a square slot, each pixel as a square of dots."""
    scale = size // max(image.shape[-2:])
    shown = np.repeat(np.repeat(to_rgb(image, levels), scale, axis=0), scale, axis=1)
    canvas[top : top + shown.shape[0], left : left + shown.shape[1]] = shown


def to_rgb(image: Pixels, levels: int) -> Pixels:
    """RGB bytes (H, W, 3) of levels (C, H, W): level v has brightness v / (levels - 1); one channel is grey.

    >>> to_rgb(np.array([[[0, 16]]], dtype=np.uint8), 17)[0].tolist()
    [[0, 0, 0], [255, 255, 255]]
    """
    if image.shape[0] not in (1, 3):
        raise UserError(f"an image of {image.shape[0]} channels cannot be shown; grey (1) or RGB (3) can.")
    scaled = np.rint(image.astype(np.float64) * (255.0 / (levels - 1))).astype(np.uint8)
    return np.broadcast_to(scaled.transpose(1, 2, 0), (*image.shape[1:], 3))


def _page(title: str, canvas: Pixels, texts: Sequence[Words]) -> Figure:
    """The figure of a canvas at one dot of the canvas per printed dot, with vector text over its white areas."""
    height, width = canvas.shape[0] / DOTS_PER_INCH, canvas.shape[1] / DOTS_PER_INCH
    page = max(width, NARROWEST_INCHES)
    title = wrapped(title, BOLD * page)
    head = TITLE_INCHES + title.count("\n") * LINE_INCHES
    figure = Figure(figsize=(page + 2 * EDGE_INCHES, height + head + EDGE_INCHES))
    w, h = figure.get_size_inches()
    axes = figure.add_axes((EDGE_INCHES / w, EDGE_INCHES / h, width / w, height / h))
    axes.imshow(canvas, extent=(0, canvas.shape[1], canvas.shape[0], 0), aspect="auto")
    axes.set_axis_off()
    plain = as_written(title)
    figure.text(EDGE_INCHES / w, 1 - 0.05 / h, title, va="top", fontsize=8, fontweight="bold", **plain)
    for words in texts:
        axes.text(
            words.x, words.y, words.text, ha=words.across, va=words.up, fontsize=8, **as_written(words.text)
        )
    return figure
