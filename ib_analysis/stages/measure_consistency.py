"""One consistency test on the images of the experiment, for the decoders and for the baseline estimators."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from decoders.evaluation import nats_per_example
from decoders.mixture import fit_mixture
from decoders.saving import load_decoder
from decoders.spec import FitSpec, ImageTarget
from decoders.training.batches import divide
from ib_analysis import spec
from ib_analysis.artefacts import Artefact
from ib_analysis.channels.masked_images import Features, Levels, fold_rows, keep_rows, put_side_by_side
from ib_analysis.datasets.dataset import Dataset, Part
from ib_analysis.datasets.prepare import open_dataset
from ib_analysis.decoder_files import weights_path
from ib_analysis.decoder_fits import Piece, fit_or_reuse, pretrained_path
from ib_analysis.device import resolve_device
from ib_analysis.errors import UserError
from ib_analysis.information.estimators.estimator import Estimator
from ib_analysis.information.inference.consistency import ConsistencyTest, Judged, Measured, judge, judge_step
from ib_analysis.information.measurement.estimate import DECODERS
from ib_analysis.information.measurement.quantity import Quantity
from ib_analysis.information.tables.consistency import ConsistencyRow, consistency_row
from ib_analysis.provenance import Job
from ib_analysis.rows import write_rows
from ib_analysis.scratch import locked
from ib_analysis.sections.consistency import Piece as PieceName
from ib_analysis.stages.estimate_baselines import build_estimators, first_images

_PARTNERS = 9  # stream of random numbers


class Spec(spec.Spec):
    """Slice of the experiment."""

    test: PieceName
    seed: int
    rows: tuple[int, ...] | None
    kept: int | None
    fewer: int | None
    decoder: spec.Described
    fit: FitSpec
    baselines: dict[str, spec.Described]
    images: int


@dataclass(frozen=True)
class Question:
    """I(target; h), where target and h are functions of an image and of another, independent one."""

    name: str
    target: Callable[[Levels, Levels], Levels]
    h: Callable[[Levels, Levels], Features]


@dataclass(frozen=True)
class QuestionPairs:
    """Targets and h of pairs of images; h is None unless `conditional`."""

    images: Levels
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    question: Question
    device: torch.device
    conditional: bool

    def __len__(self) -> int:
        return len(self.first)

    def batch(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor | None]:
        """Targets (uint8) and h (float32) of the pairs `rows`."""
        a, b = self.images[self.first[rows]], self.images[self.second[rows]]
        target = torch.from_numpy(np.ascontiguousarray(self.question.target(a, b))).to(self.device)
        h = torch.from_numpy(self.question.h(a, b)).to(self.device) if self.conditional else None
        return target, h


def run(
    slice_: Spec,
    job: Job,
    *,
    dataset: Artefact,
    marginal: Artefact,
    pretrained: list[Artefact],
    scratch: Path,
    out: Path,
) -> None:
    """Write `out`, one row for each statistic. Decoders start from `pretrained`, if any; `marginal` is p(x)."""
    device = resolve_device(job.device, job.threads)
    data = open_dataset(dataset.parent)
    plan = _Plan(slice_, data)
    with locked(scratch):
        own = _Decoders(slice_, job, data, device, marginal, pretrained_path(pretrained), scratch)
        rows = list(plan.rows(DECODERS, own))
    part = first_images(data.evaluation, slice_.images)
    for name, method in build_estimators(slice_.baselines).items():
        try:
            rows += plan.rows(name, _BaselineEstimator(method, part))
        except UserError as error:
            print(f"{name} cannot be tested by {slice_.test}: {error}")
    write_rows(out, ConsistencyRow, rows)
    job.record(out, dataset=data.header.fingerprint)


class _Plan:
    """The informations that a test needs, and the statistics that follow from them."""

    def __init__(self, slice_: Spec, data: Dataset) -> None:
        height, self.levels = data.header.height, data.header.levels
        self.slice_ = slice_
        quarters = sorted({round(height * share / 4) for share in range(5)})
        # Every margin is a share of I(x; all rows), so all rows are always in the grid.
        self.grid = tuple(quarters) if slice_.rows is None else tuple(sorted({*slice_.rows, height}))
        self.kept = max(2, height // 2) if slice_.kept is None else slice_.kept
        self.fewer = max(1, height // 4) if slice_.fewer is None else slice_.fewer
        self._check(height)

    def _check(self, height: int) -> None:
        if max(*self.grid, self.kept) > height:
            raise UserError(
                f"consistency: {max(*self.grid, self.kept)} rows of images of {height}; keep at most all of them"
            )
        if self.fewer >= self.kept:
            raise UserError(f"consistency.fewer: {self.fewer} of {self.kept} rows leaves none; lower it")

    def rows(self, method: str, ask: "_Decoders | _BaselineEstimator") -> Iterator[ConsistencyRow]:
        """The statistics of one method."""
        tests = {
            "baseline": self._baseline,
            "symmetry": self._symmetry,
            "data_processing": self._data_processing,
            "additivity": self._additivity,
        }
        yield from tests[self.slice_.test](method, ask)

    def _baseline(self, method: str, ask: "_Decoders | _BaselineEstimator") -> Iterator[ConsistencyRow]:
        along = {t: found for t in self.grid if (found := self._asked(ask, t, method)) is not None}
        whole = along[self.grid[-1]]
        if 0 in along:
            yield self._row(method, "independence", "I(x; no row)", 0, along[0], whole)
        other = ask(self._of_another(self.kept))
        what = f"I(x; {self.kept} rows of another image)"
        yield self._row(method, "independence", what, self.kept, other, whole)
        for fewer, more in pairwise(along):
            judged = judge_step(along[fewer], along[more], whole)
            what = f"I(x; {more} rows) - I(x; {fewer} rows)"
            yield self._judged(method, "monotonicity", what, more, along[more], whole, judged)

    def _asked(self, ask: "_Decoders | _BaselineEstimator", t: int, method: str) -> Measured | None:
        """I(x; t rows); None where an estimator refuses a constant h, at t = 0."""
        try:
            return ask(self._forward(t))
        except UserError as error:
            if t > 0:
                raise
            print(f"{method} gives no I(x; no row): {error}")
            return None

    def _symmetry(self, method: str, ask: "_Decoders | _BaselineEstimator") -> Iterator[ConsistencyRow]:
        t = self.kept
        yield self._row(
            method, "symmetry", f"I({t} rows; x)", t, ask(self._backward(t)), ask(self._forward(t))
        )

    def _data_processing(
        self, method: str, ask: "_Decoders | _BaselineEstimator"
    ) -> Iterator[ConsistencyRow]:
        t, less, levels = self.kept, self.kept - self.fewer, self.levels
        processed = Question(
            f"processed{t}-{less}",
            lambda a, b: a,
            lambda a, b: np.concatenate([keep_rows(a, t, levels), keep_rows(a, less, levels)], axis=1),
        )
        what = f"I(x; [{t} rows, {less} rows])"
        yield self._row(method, "data processing", what, t, ask(processed), ask(self._forward(t)))

    def _additivity(self, method: str, ask: "_Decoders | _BaselineEstimator") -> Iterator[ConsistencyRow]:
        t, levels = self.kept, self.levels
        both = Question(
            f"both{t}",
            put_side_by_side,
            lambda a, b: put_side_by_side(keep_rows(a, t, levels), keep_rows(b, t, levels)),
        )
        two, one = ask.of_two(both, self._forward(t))
        what = f"I([x1, x2]; [{t} rows of x1, {t} rows of x2])"
        yield self._row(method, "additivity", what, t, two, one)

    def _row(
        self,
        method: str,
        test: ConsistencyTest,
        what: str,
        rows: int,
        measured: Measured,
        reference: Measured,
    ) -> ConsistencyRow:
        judged = judge(test, measured, reference)
        return self._judged(method, test, what, rows, measured, reference, judged)

    def _judged(
        self,
        method: str,
        test: ConsistencyTest,
        what: str,
        rows: int,
        measured: Measured,
        reference: Measured,
        judged: Judged,
    ) -> ConsistencyRow:
        return consistency_row(
            test, method, judged, measured, reference, seed=self.slice_.seed, rows=rows, what=what
        )

    def _forward(self, t: int) -> Question:
        return Question(f"rows{t}", lambda a, b: a, lambda a, b: keep_rows(a, t, self.levels))

    def _of_another(self, t: int) -> Question:
        return Question(f"another{t}", lambda a, b: a, lambda a, b: keep_rows(b, t, self.levels))

    def _backward(self, t: int) -> Question:
        return Question(f"back{t}", lambda a, b: a[:, :, :t], lambda a, b: fold_rows(a, t, self.levels))


class _BaselineEstimator:
    """Informations by a baseline estimator, on the evaluation images."""

    def __init__(self, method: Estimator, part: Part) -> None:
        self.method = method
        self.images = np.asarray(part.images)
        self.everyone = np.arange(len(self.images))

    def __call__(self, question: Question) -> Measured:
        return self._of(question, self.everyone, np.roll(self.everyone, 1))

    def of_two(self, both: Question, one: Question) -> tuple[Measured, Measured]:
        """The information of pairs of images and that of one image, with as many samples; every image is in two pairs.

        A pair therefore depends on the next pair and on no other. The correlation of neighbours in such a sequence is
        at most 1/2, and is 1/2 where the contribution of a pair is the sum of those of its images. So the variance of
        the mean is up to twice that of independent pairs, which the estimator reports.
        """
        others = np.roll(self.everyone, 1)
        two = self._of(both, self.everyone, others)
        wider = Measured(two.nats, math.sqrt(2) * two.stderr_nats, two.n // 2)
        return wider, self._of(one, self.everyone, others)

    def _of(self, question: Question, first: NDArray[np.int64], second: NDArray[np.int64]) -> Measured:
        a, b = self.images[first], self.images[second]
        x, h = question.target(a, b), question.h(a, b)
        found = self.method.estimate(x.reshape(len(a), -1), h.reshape(len(a), -1), Quantity.IMAGE_INFORMATION)
        return Measured(found.value, found.stderr, found.n)


class _Decoders:
    """Informations by decoders: CE(target) - CE(target | h), with the contribution of each evaluation image."""

    def __init__(
        self,
        slice_: Spec,
        job: Job,
        data: Dataset,
        device: torch.device,
        marginal: Path,
        pretrained: Path | None,
        scratch: Path,
    ) -> None:
        self.slice_, self.data, self.device = slice_, data, device
        self.pretrained, self.scratch, self.marginal = pretrained, scratch, weights_path(marginal, "image")
        self.facts = {"code": job.code, "dataset": data.header.fingerprint}
        self.everyone = np.arange(len(data.evaluation))
        self._few = np.asarray(data.decoder.images[:2])

    def __call__(self, question: Question) -> Measured:
        return Measured.of_images(self._contributions(question, self.everyone, np.roll(self.everyone, 1)))

    def of_two(self, both: Question, one: Question) -> tuple[Measured, Measured]:
        """The information of disjoint pairs of images, and the mean information of the two images of a pair."""
        left, right = halves(len(self.everyone))
        own = self._contributions(one, self.everyone, self.everyone)
        two = self._contributions(both, left, right)
        return Measured.of_images(two), Measured.of_images((own[left] + own[right]) / 2)

    def _contributions(
        self, question: Question, first: NDArray[np.int64], second: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        target = self._target(question)
        marginal = self._marginal(question, target)
        conditional = self._fitted(question, target, marginal)
        everyone, held = (
            np.arange(len(self._partners)),
            divide(len(self._partners), self.slice_.fit.holdout)[1],
        )
        new, old = np.asarray(self.data.evaluation.images), self.data.decoder.images
        nats = {
            path: [
                nats_per_example(decoder, pairs, self.device, rows=rows)
                for pairs, rows in (
                    (QuestionPairs(new, first, second, question, self.device, path == conditional), None),
                    (
                        QuestionPairs(
                            old, everyone, self._partners, question, self.device, path == conditional
                        ),
                        held,
                    ),
                )
            ]
            for path in (marginal, conditional)
            for decoder in [load_decoder(path).to(self.device)]
        }
        free = fit_mixture(
            {str(path): found[1] for path, found in nats.items()},
            {str(path): found[0] for path, found in nats.items()},
        )
        return nats[marginal][0] - free.nats

    def _target(self, question: Question) -> ImageTarget:
        _, channels, height, width = question.target(self._few, self._few).shape
        return ImageTarget(channels=channels, height=height, width=width, levels=self.data.header.levels)

    def _marginal(self, question: Question, target: ImageTarget) -> Path:
        """p(x) of the measurement where the target is an image, else an unconditional decoder of the target."""
        header = self.data.header
        if (target.height, target.width) == (header.height, header.width):
            return self.marginal
        return self._fitted(question, target, None)

    def _fitted(self, question: Question, target: ImageTarget, marginal: Path | None) -> Path:
        pairs = self._fitting_pairs(question, marginal is not None)
        context = None if marginal is None else question.h(self._few, self._few).shape[1:]
        piece = Piece(
            f"{question.name}.{'marginal' if marginal is None else 'image'}",
            self.slice_.decoder,
            target,
            context,
            pairs,
            self.slice_.fit,
            self.facts | {"question": question.name},
            self.pretrained,
        )
        return fit_or_reuse(piece, self.scratch, self.device) / "decoder.safetensors"

    def _fitting_pairs(self, question: Question, conditional: bool) -> QuestionPairs:
        images = np.asarray(self.data.decoder.images)
        everyone = np.arange(len(images))
        return QuestionPairs(images, everyone, self._partners, question, self.device, conditional)

    @cached_property
    def _partners(self) -> NDArray[np.int64]:
        """Row of the other image of each pair; fitted and held-out images are never paired."""
        fit = self.slice_.fit
        partners = np.empty(len(self.data.decoder), np.int64)
        for group in divide(len(partners), fit.holdout):
            cycle = np.random.default_rng([fit.seed, _PARTNERS]).permutation(group)
            partners[cycle] = np.roll(cycle, 1)
        return partners


def halves(count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the left and of the right images of count // 2 disjoint pairs; the order of the images is random."""
    half = count // 2
    return np.arange(half), np.arange(half, 2 * half)
