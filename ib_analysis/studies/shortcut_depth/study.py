"""Spectra at the initial point, and training at the best learning rate."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import torch
from torch import Tensor

from ib_analysis.encoders.specs.shortcut_units import (
    Initialization,
    Layout,
    Nonlinearity,
    Shortcut,
    layers_of_a_unit,
)
from ib_analysis.encoders.training.seeding import generator
from ib_analysis.studies.shortcut_depth.claims import verdicts
from ib_analysis.studies.shortcut_depth.hessian_at_zero import (
    condition_at_zero,
    hessian_at_zero,
    mismatch,
)
from ib_analysis.studies.shortcut_depth.hessian_spectrum import Spectrum, of_eigenvalues, spectrum
from ib_analysis.studies.shortcut_depth.networks import SHORTCUTS, Problem, least_loss
from ib_analysis.studies.shortcut_depth.row import ShortcutDepthRow
from ib_analysis.studies.shortcut_depth.training_dynamics import Descent, best, descend, final_loss
from ib_analysis.studies.shortcut_depth.units import Samples, UnitNetwork
from ib_analysis.studies.specs.shortcut_depth import ADVISED, CONVOLUTIONAL, ShortcutDepthStudySpec
from ib_analysis.studies.study import Setting, Study
from ib_analysis.studies.verdict import Verdict

WEIGHTS, PROBES = 91, 92
"""Purposes of seeds."""


class ShortcutDepthStudy(Study):
    """Li, Jiao, Han & Weissman 2016: units with shortcuts of depth 1, 2, 3 and none, at equal numbers of layers."""

    Spec = ShortcutDepthStudySpec
    Row = ShortcutDepthRow
    spec: ShortcutDepthStudySpec

    def measure(self, piece: str, setting: Setting) -> Sequence[ShortcutDepthRow]:
        """The rows of `<nonlinearity>-seed<s>` (dense networks) or of `convolutional-seed<s>`."""
        kind, _, seed = piece.rpartition("-seed")
        layout: Layout = "convolutional" if kind == CONVOLUTIONAL else "dense"
        problem = Problem.of(self.spec, layout, int(seed), setting.images, setting.device)
        laboratory = Laboratory(self.spec, problem, int(seed))
        if kind == CONVOLUTIONAL:
            return list(laboratory.convolutions())
        (nonlinearity,) = (one for one in self.spec.nonlinearities if one == kind)
        return list(laboratory.dense(nonlinearity))

    def verdicts(self, rows: Sequence[Any]) -> Sequence[Verdict]:
        """One verdict for each claim of the paper, and for the claims added by this project."""
        return verdicts(rows)


@dataclass(frozen=True)
class Arm:
    """A compared network, before its weights are drawn."""

    network: UnitNetwork
    nonlinearity: Nonlinearity
    shortcut: Shortcut
    layers: int


class Laboratory:
    """The networks of one layout and seed."""

    def __init__(self, spec: ShortcutDepthStudySpec, problem: Problem, seed: int) -> None:
        self.spec, self.problem, self.seed = spec, problem, seed

    def dense(self, nonlinearity: Nonlinearity) -> Iterator[ShortcutDepthRow]:
        """Spectra and trainings of the dense networks, and spectra of deeper linear networks."""
        spec, depths = self.spec, self.spec.depths(nonlinearity)
        deeper = spec.lanczos_layers if nonlinearity == "identity" else ()
        yield from self.few_units(nonlinearity, (*depths, *deeper))
        for layers in depths:
            yield from self.spectra(nonlinearity, layers, spec.initializations)
            along = spec.checkpoints if layers == depths[0] else ()
            yield from self.trainings(nonlinearity, layers, spec.initializations, spec.steps, along)
        for layers in deeper:
            yield from self.spectra(nonlinearity, layers, (ADVISED,))

    def convolutions(self) -> Iterator[ShortcutDepthRow]:
        """Spectra and trainings of the convolutional networks."""
        spec, nonlinearity = self.spec, self.spec.convolutional_nonlinearity
        how = spec.convolutional_initializations
        yield from self.few_units(nonlinearity, spec.convolutional_layers)
        for layers in spec.convolutional_layers:
            yield from self.spectra(nonlinearity, layers, how)
            yield from self.trainings(nonlinearity, layers, how, spec.convolutional_steps, ())

    def few_units(self, nonlinearity: Nonlinearity, measured: Sequence[int]) -> Iterator[ShortcutDepthRow]:
        """Spectra at zero weights for small numbers of units; points in `measured` are skipped."""
        for shortcut in SHORTCUTS[1:]:
            for layers in (units * layers_of_a_unit(shortcut) for units in self.spec.units_at_zero):
                if layers not in measured and nonlinearity != "relu":
                    yield self._at_zero(self._arm(nonlinearity, shortcut, layers))

    def spectra(
        self, nonlinearity: Nonlinearity, layers: int, initializations: Sequence[Initialization]
    ) -> Iterator[ShortcutDepthRow]:
        """Spectra at zero weights, if the loss is twice differentiable there, and at the given initializations."""
        for shortcut in SHORTCUTS:
            arm = self._arm(nonlinearity, shortcut, layers)
            if nonlinearity != "relu":
                yield self._at_zero(arm)
            for how in initializations:
                yield self._row("initial", arm, how, _columns(self._spectrum(arm, self._start(arm, how))))

    def trainings(
        self,
        nonlinearity: Nonlinearity,
        layers: int,
        initializations: Sequence[Initialization],
        steps: int,
        checkpoints: Sequence[int],
    ) -> Iterator[ShortcutDepthRow]:
        """Gradient descent for every shortcut and the given initializations, with spectra at the checkpoints."""
        samples, rates = self.problem.descended(nonlinearity), self.spec.learning_rates
        for shortcut in SHORTCUTS:
            arm = self._arm(nonlinearity, shortcut, layers)
            starts = [self._start(arm, how) for how in initializations]
            trained = descend(arm.network, starts, samples, rates, sorted({*checkpoints, steps}))
            for how, descents in zip(initializations, trained):
                yield from self._training(arm, how, descents, steps, checkpoints)

    def _training(
        self,
        arm: Arm,
        how: Initialization,
        descents: Sequence[Descent],
        steps: int,
        checkpoints: Sequence[int],
    ) -> Iterator[ShortcutDepthRow]:
        chosen = best(arm.network, descents, self.problem.validation)
        if chosen is None:
            yield self._row("final", arm, how, {"outcome": "diverged", "step": steps})
            return
        for step in checkpoints:
            found = self._spectrum(arm, chosen.weights[step])
            yield self._row("along", arm, how, {**_columns(found), **_at_step(chosen, step)})
        advised = (arm.shortcut, how) == (2, ADVISED)
        ended = _columns(self._spectrum(arm, chosen.weights[steps])) if advised else {}
        yield self._row("final", arm, how, {**ended, **_at_step(chosen, steps), **self._end(arm, chosen)})

    def _end(self, arm: Arm, chosen: Descent) -> dict[str, float]:
        parts = {"validation": self.problem.validation, "evaluation": self.problem.evaluation}
        losses = {f"{name}_loss": final_loss(arm.network, chosen, part) for name, part in parts.items()}
        weights = chosen.weights[max(chosen.weights)]
        norm = (weights.square().sum() / arm.layers).sqrt().item()
        return losses | {"least_loss": least_loss(self.problem.training), "layer_norm": norm}

    def _at_zero(self, arm: Arm) -> ShortcutDepthRow:
        found = _columns(self._spectrum(arm, torch.zeros_like(arm.network.weights)))
        return self._row("zero", arm, "zero", {**found, "predicted_condition_number": self._predicted(arm)})

    def _predicted(self, arm: Arm) -> float | None:
        """The closed form for dense networks, at depth 2 for every nonlinearity, at depth 1 for linear networks."""
        if self.problem.layout != "dense" or arm.shortcut not in (1, 2):
            return None
        samples, readout = self._curved(arm), self.problem.readout
        M = mismatch(samples, readout)
        if arm.shortcut == 2:
            return condition_at_zero(M)
        if arm.nonlinearity != "identity" or len(arm.network.weights) > self.spec.dense_parameters:
            return None
        sigma = samples.x.T @ samples.x / len(samples.x)
        values = torch.linalg.eigvalsh(hessian_at_zero(1, arm.layers, sigma, M, readout))
        return of_eigenvalues(values).condition_number

    def _arm(self, nonlinearity: Nonlinearity, shortcut: Shortcut, layers: int) -> Arm:
        return Arm(self.problem.network(layers, shortcut, nonlinearity), nonlinearity, shortcut, layers)

    def _start(self, arm: Arm, how: Initialization) -> Tensor:
        """Initial weights, identical for the spectrum and for the training."""
        draws = generator(self.seed, WEIGHTS, arm.layers, get_args(Initialization).index(how))
        weights = arm.network.cpu().initialised(how, self.spec.std, draws)
        device = self.problem.training.x.device
        arm.network.to(device)
        return weights.to(device)

    def _curved(self, arm: Arm) -> Samples:
        return self.problem.curved(arm.nonlinearity, self.spec.convolutional_hessian_images)

    def _spectrum(self, arm: Arm, weights: Tensor) -> Spectrum:
        draws = generator(self.seed, PROBES)
        return spectrum(arm.network, weights, self._curved(arm), self.spec.dense_parameters, draws)

    def _row(
        self, experiment: str, arm: Arm, initialization: str, columns: Mapping[str, Any]
    ) -> ShortcutDepthRow:
        about = {
            "experiment": experiment,
            "layout": self.problem.layout,
            "nonlinearity": arm.nonlinearity,
            "shortcut": str(arm.shortcut),
            "initialization": initialization,
            "layers": arm.layers,
            "seed": self.seed,
            "parameters": len(arm.network.weights),
        }
        return ShortcutDepthRow.model_validate({**about, **columns})


def _columns(found: Spectrum) -> dict[str, Any]:
    return {
        "condition_number": found.condition_number,
        "largest_eigenvalue": found.largest,
        "smallest_eigenvalue": found.smallest,
        "index": found.index,
        "flat": found.flat,
        "method": found.method,
    }


def _at_step(trained: Descent, step: int) -> dict[str, Any]:
    return {"step": step, "learning_rate": trained.learning_rate, "training_loss": trained.losses[step]}
