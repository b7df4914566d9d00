"""Errors of trained networks: every candidate of the grid is trained, validation vectors select one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import torch
from torch import Tensor

from ib_analysis.encoders.training.seeding import derive_seed, generator
from ib_analysis.information.estimators.estimator import Estimator
from ib_analysis.studies.beyond_kernels.concept import Concept
from ib_analysis.studies.beyond_kernels.layer_information import estimator_of, layer_information
from ib_analysis.studies.beyond_kernels.learners import LEARNERS, Learner, Weights
from ib_analysis.studies.beyond_kernels.row import Point, Row
from ib_analysis.studies.beyond_kernels.samples import PROBED, WEIGHTS, Samples, Vectors, draw_samples
from ib_analysis.studies.beyond_kernels.training import (
    ROWS_AT_ONCE,
    Plan,
    Setting,
    Trained,
    errors,
    errors_along,
    errors_of_f,
    train,
)
from ib_analysis.studies.specs.beyond_kernels import BeyondKernelsStudySpec, Net

NUMBERS_AT_ONCE = 2**28
"""Memory of all runs that are computed together: 1 GB."""
ERRORS = ("validation_error", "test_error", "error_along_g", "error_of_f")
"""The columns of a training, which the rows of its layers leave empty."""
Snapshots = dict[int, Weights]
"""Weights of one run by epoch."""


@dataclass(frozen=True)
class Grid:
    """All trainings of one net at one size: every candidate with every seed."""

    spec: BeyondKernelsStudySpec
    net: Net
    point: Point
    seeds: tuple[int, ...]

    @property
    def settings(self) -> list[Setting]:
        """One run for each seed, learning rate and weight decay."""
        rates, decays = self.spec.learning_rates[self.net], self.spec.weight_decays[self.net]
        return [Setting(*values) for values in product(self.seeds, rates, decays)]

    @property
    def concept(self) -> Concept:
        """The target."""
        return Concept(self.spec.version, self.point.alpha, self.spec.inputs)

    def measured(self, device: torch.device, *, probed: bool = False) -> list[Row]:
        """One row per training; with `probed` also the rows of the layers of the selected trainings."""
        samples = {seed: self._samples(seed) for seed in self.seeds}
        found, kept = list[Row](), list[Snapshots]()
        for settings in self._at_once():
            trained = self._trained(settings, samples, device, self.spec.probe_epochs if probed else ())
            found += self._rows(settings, trained, samples, device)
            kept += [of_run(trained, run) for run in range(len(settings))]
        rows = [row.model_copy(update={"selected": is_selected(row, found)}) for row in found]
        chosen = [
            (row, snapshots)
            for row, snapshots in zip(rows, kept)
            if row.selected and row.test_error is not None
        ]
        return rows + [layer for row, snapshots in chosen for layer in self._layers(row, snapshots, device)]

    @property
    def _learner(self) -> Learner:
        return LEARNERS[self.net](self.point.width, self.spec.inputs, self.spec.outputs)

    def _samples(self, seed: int) -> Samples:
        return draw_samples(self.concept, seed, self.point.samples, self.spec.validation, self.spec.test)

    def _at_once(self) -> Iterator[list[Setting]]:
        """The runs in groups that fit into memory, with their weights and both hidden layers during evaluation."""
        weights = self._learner.start(generator(0, WEIGHTS)).values()
        numbers = sum(weight.numel() for weight in weights) + 2 * ROWS_AT_ONCE * self.point.width
        count = max(1, NUMBERS_AT_ONCE // numbers)
        for first in range(0, len(self.settings), count):
            yield self.settings[first : first + count]

    def _trained(
        self, settings: list[Setting], samples: dict[int, Samples], device: torch.device, keep: Sequence[int]
    ) -> Trained:
        plan = Plan(self.spec.epochs, self.spec.batch_size, self.spec.momentum)
        pairs = {seed: sample.learn for seed, sample in samples.items()}
        return train(self._learner, settings, pairs, plan, device, keep)

    def _rows(
        self, settings: list[Setting], trained: Trained, samples: dict[int, Samples], device: torch.device
    ) -> list[Row]:
        weights = trained.weights
        validation, test = (self._stacked(settings, samples, part, device) for part in ("validation", "test"))
        (x, y), first, second = test, self.concept.first, self.concept.second
        found = {
            "validation_error": errors(self._learner, weights, *validation),
            "test_error": errors(self._learner, weights, x, y),
            "error_along_g": errors_along(self._learner, weights, x, y, second(x)),
            "error_of_f": errors_of_f(
                self._learner, weights, (validation[0], first(validation[0])), (x, first(x))
            ),
        }
        columns = {name: _finite(values) for name, values in found.items() if values is not None}
        return [
            self._row(setting, {name: values[i] for name, values in columns.items()})
            for i, setting in enumerate(settings)
        ]

    @staticmethod
    def _stacked(
        settings: list[Setting],
        samples: dict[int, Samples],
        part: Literal["validation", "test"],
        device: torch.device,
    ) -> tuple[Tensor, Tensor]:
        """Vectors and targets of each run, (runs, n, inputs) and (runs, n, outputs)."""
        parts: list[Vectors] = [getattr(samples[setting.seed], part) for setting in settings]
        x, y = torch.stack([p.x for p in parts]), torch.stack([p.y for p in parts])
        return x.to(device), y.to(device)

    def _row(self, setting: Setting, errors_of_run: Mapping[str, float | None]) -> Row:
        lost = errors_of_run["test_error"] is None
        return Row(
            arm=self.net,
            seed=setting.seed,
            alpha=self.point.alpha,
            outputs=self.spec.outputs,
            samples=self.point.samples,
            width=self.point.width,
            learning_rate=setting.learning_rate,
            weight_decay=setting.weight_decay,
            selected=False,
            **(dict.fromkeys(errors_of_run) if lost else errors_of_run),
        )

    def _layers(self, row: Row, snapshots: Snapshots, device: torch.device) -> Iterator[Row]:
        x = self.concept.draw(self.spec.probe_vectors, generator(row.seed, PROBED)).to(device)
        seed = derive_seed(row.seed, PROBED) % 2**31
        probes: dict[str, Estimator] = {
            name: estimator_of(name, seed, self.spec.probe_steps, device) for name in self.spec.probes
        }
        blank = row.model_copy(update=dict.fromkeys(ERRORS))
        for epoch, weights in snapshots.items():
            for found in layer_information(self._learner, weights, self.concept, x, self.spec.probed, probes):
                yield blank.model_copy(update={"epoch": epoch, **vars(found)})


def _finite(found: Tensor) -> list[float | None]:
    return [error if error < float("inf") else None for error in found.tolist()]


def of_run(trained: Trained, run: int) -> Snapshots:
    """The kept weights of one of the runs."""
    return {epoch: {name: w[run] for name, w in weights.items()} for epoch, weights in trained.kept.items()}


def is_selected(row: Row, rows: Sequence[Row]) -> bool:
    """Whether the row has the smallest validation error of its seed; if all diverged, whether it is the first."""
    of_seed = [other for other in rows if other.seed == row.seed]
    return row is min(of_seed, key=_validation_error)


def _validation_error(row: Row) -> float:
    return float("inf") if row.validation_error is None else row.validation_error
