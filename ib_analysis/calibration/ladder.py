"""The rungs of the calibration ladder: what decoders are told in place of h."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ib_analysis.calibration.codes import (
    Code,
    Codes,
    among_noise,
    binary_digits,
    check_counted,
    check_labels_are_codes,
    k_means,
    one_hot,
    others_of_class,
    random_signs,
    rotated,
)
from ib_analysis.datasets.dataset import Dataset, Part

H = NDArray[np.float32]
Kind = Literal["code", "equal", "class", "nothing"]
# Fitted images a class without which no decoder can read a code: such a rung tells nothing of a smoother h.
FEWEST_IMAGES_A_CLASS = 8


@dataclass(frozen=True)
class Rung:
    """What decoders are told of the images of the decoder part and of the evaluation part.

    `kind` says what is known: of a `code` its entropy; of `equal` rungs that their informations are; of the h of
    another image of its `class` that it tells at most the class; of the h of any other image that it tells `nothing`.
    `codes` are those of both parts together, decoder part first. `calibrates` is whether intervals rest on it.
    """

    name: str
    family: str
    kind: Kind
    decoder: H
    evaluation: H
    codes: Codes | None = None
    calibrates: bool = False


@dataclass(frozen=True)
class Ladder:
    """Makes the rungs of an experiment's images.

    Args:
        data: the images; centres and projections are fixed by the encoder part, or by the decoder part where no network
            is trained and the encoder part is empty.
        seed: of centres, projections, noise, rotations.
        noise_units: units of noise beside a code.
    """

    data: Dataset
    seed: int
    noise_units: int

    def of_label(self) -> Iterator[Rung]:
        """The label, alone and among noise.

        Raises:
            UserError: the label is no function of the image.
        """
        images, labels = self._images, self._labels
        check_labels_are_codes(images, labels)
        classes = len(self.data.header.class_names)
        yield self._of_code("label", "label", labels, classes)
        yield self._among_noise("label-noise", "label among noise", labels, classes)

    def of_k_means(self, clusters: int, *, noise: bool) -> Rung:
        """The nearest of so many centres, alone or among noise.

        Raises:
            UserError: more clusters than images that find or that count them.
        """
        name = f"k-means-{clusters}"
        check_counted(name, clusters, len(self._images))
        codes = k_means(self._fixing, clusters, self.seed)(self._images)
        if noise:
            return self._among_noise(f"{name}-noise", "k-means among noise", codes, clusters)
        return self._of_code(name, "k-means", codes, clusters)

    def of_signs(self, bits: int) -> Rung:
        """Signs of random projections, a unit each."""
        code: Code = random_signs(self._fixing, bits, self.seed)
        name = f"signs-{bits}"
        check_counted(name, code.classes, len(self._images))
        codes = code(self._images)
        return self._rung(name, "signs", "code", binary_digits(codes, code.classes), codes)

    def rotations(self, decoder: H, evaluation: H, count: int) -> Iterator[Rung]:
        """Random rotations of one h, whose informations are equal."""
        for k in range(1, count + 1):
            seed = self.seed + k
            yield Rung(
                f"rotation-{k}", "rotations", "equal", rotated(decoder, seed), rotated(evaluation, seed)
            )

    def of_another(self, decoder: H, evaluation: H) -> Iterator[Rung]:
        """The h of another image: of the same class, and of any."""
        labels = [np.asarray(part.labels) for part in self._parts]
        seeds = (2 * self.seed, 2 * self.seed + 1)
        same = [others_of_class(of_part, seed) for of_part, seed in zip(labels, seeds, strict=True)]
        any_ = [_cycle(len(of_part), seed) for of_part, seed in zip(labels, seeds, strict=True)]
        yield Rung("same-class", "same class", "class", decoder[same[0]], evaluation[same[1]])
        yield Rung("shuffled", "shuffled", "nothing", decoder[any_[0]], evaluation[any_[1]], calibrates=True)

    @property
    def _fixing(self) -> NDArray[np.uint8]:
        """The images that fix centres and projections."""
        part = self.data.encoder if len(self.data.encoder) else self.data.decoder
        return np.asarray(part.images)

    @cached_property
    def _images(self) -> NDArray[np.uint8]:
        """Of the decoder part and of the evaluation part, on which codes are counted."""
        return np.concatenate([np.asarray(part.images) for part in self._parts])

    @cached_property
    def _labels(self) -> Codes:
        return np.concatenate([np.asarray(part.labels) for part in self._parts]).astype(np.int64)

    @property
    def _parts(self) -> tuple[Part, Part]:
        return self.data.decoder, self.data.evaluation

    def _of_code(self, name: str, family: str, codes: Codes, classes: int) -> Rung:
        return self._rung(name, family, "code", one_hot(codes, classes), codes, classes)

    def _among_noise(self, name: str, family: str, codes: Codes, classes: int) -> Rung:
        h = among_noise(one_hot(codes, classes), self.noise_units, self.seed)
        return self._rung(name, family, "code", h, codes, classes)

    def _rung(self, name: str, family: str, kind: Kind, h: H, codes: Codes, classes: int = 0) -> Rung:
        """A rung from h of both parts together; `classes` of a code that may calibrate."""
        split = len(self.data.decoder)
        enough = 0 < FEWEST_IMAGES_A_CLASS * classes <= split
        return Rung(name, family, kind, h[:split], h[split:], codes, calibrates=enough)


def _cycle(count: int, seed: int) -> NDArray[np.int64]:
    """For each row another one: a random cycle, so that none keeps its own."""
    order = np.random.default_rng(seed).permutation(count)
    others = np.empty_like(order)
    others[order] = np.roll(order, 1)
    return others
