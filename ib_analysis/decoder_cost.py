"""What the decoders of an h cost, said before they are fitted: a large h makes a large decoder."""

from collections.abc import Iterator, Mapping
from math import prod

import torch

from decoders.spec import ImageTarget, LabelTarget
from ib_analysis.spec import Described

BYTES_A_WEIGHT = 24
"""During a fit: the weight, its gradient, two moments of Adam, its average and its best value, float32 each."""
LARGE = 10
"""A decoder with so many times the weights of p(x) is named as large."""


def count_weights(
    decoder: Described, target: ImageTarget | LabelTarget, context: tuple[int, ...] | None
) -> int:
    """Weights of a decoder, which is not made for it: no memory is taken."""
    cls, own = decoder.load()
    with torch.device("meta"):
        return sum(weight.numel() for weight in cls(own, target, context).parameters())


def cost_sentences(
    taps: Mapping[str, tuple[int, ...]],
    image: Described,
    label: Described,
    target: ImageTarget,
    classes: int,
    images: int,
) -> Iterator[str]:
    """One line a tap: its h, the weights of its decoders, and what they and h take in memory and on disk.

    Args:
        taps: the shape of h at each.
        image: decoder of images.
        label: decoder of labels.
        target: what the image decoder predicts.
        classes: of labels; 1 where there are none.
        images: whose h is stored, those of the decoder part.
    """
    alone = count_weights(image, target, None)
    for tap, shape in taps.items():
        of_image = count_weights(image, target, shape)
        of_label = count_weights(label, LabelTarget(classes=classes), shape) if classes > 1 else 0
        shown = " x ".join(map(str, shape))
        yield (
            f"{tap}: h of {prod(shape):,} values ({shown}), {_size(4 * prod(shape) * images)} for {images:,} images; "
            f"p(x|h) has {of_image:,} weights, {of_image / alone:.1f} times those of p(x)"
            + (f"; p(y|h) has {of_label:,}" if of_label else "")
            + f"; a fit takes {_size(BYTES_A_WEIGHT * max(of_image, of_label))}"
            + _advice(max(of_image, of_label), alone)
        )


def _advice(weights: int, alone: int) -> str:
    if weights < LARGE * alone:
        return ""
    return (
        ". That is a large decoder: it takes longer and needs more images. A deeper tap, or one behind a pooling, has "
        "a smaller h"
    )


def _size(count: int) -> str:
    """Bytes in words.

    >>> _size(2_500_000), _size(3_000), _size(4_200_000_000)
    ('2.5 MB', '3 kB', '4.2 GB')
    """
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count / 1e3:.0f} kB"
