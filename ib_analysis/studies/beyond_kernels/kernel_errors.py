"""Errors of the linear methods: kernels in closed form, and features of random networks."""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from ib_analysis.encoders.training.seeding import generator
from ib_analysis.studies.beyond_kernels.concept import Concept
from ib_analysis.studies.beyond_kernels.kernels import conjugate, polynomial, tangent
from ib_analysis.studies.beyond_kernels.learners import LEARNERS, Weights
from ib_analysis.studies.beyond_kernels.random_features import features, tangent_gram
from ib_analysis.studies.beyond_kernels.ridge import Grams, Selected, Targets, kernel_ridge, least_squares
from ib_analysis.studies.beyond_kernels.row import Arm, Point, Row
from ib_analysis.studies.beyond_kernels.samples import WEIGHTS, draw_samples
from ib_analysis.studies.specs.beyond_kernels import NETS, BeyondKernelsStudySpec, Net

TANGENT: dict[Net, Arm] = {"net2": "tangent_net2", "net3": "tangent_net3", "resnet": "tangent_resnet"}
CONJUGATE: dict[Net, Arm] = {"net2": "conjugate_net2", "net3": "conjugate_net3", "resnet": "conjugate_resnet"}
Kernel = Callable[[Tensor, Tensor], Tensor]


class Linear:
    """All linear methods at one size and seed, in double precision."""

    def __init__(self, spec: BeyondKernelsStudySpec, point: Point, seed: int, device: torch.device) -> None:
        self.spec, self.point, self.seed, self.device = spec, point, seed, device
        concept = Concept(spec.version, point.alpha, spec.inputs)
        samples = draw_samples(concept, seed, point.samples, spec.validation, spec.test)
        parts = (samples.learn, samples.validation, samples.test)
        self.x, self.y = _on(device, [p.x for p in parts]), _on(device, [p.y for p in parts])

    def closed_forms(self) -> Iterator[Row]:
        """Rows of the conjugate and tangent kernels at the width of the point, and of the polynomial kernel."""
        m, k = self.point.width, self.spec.outputs
        for net in NETS:
            yield self._of_kernel(CONJUGATE[net], partial(conjugate, net, width=m, outputs=k))
            yield self._of_kernel(TANGENT[net], partial(tangent, net, width=m, outputs=k))
        yield self._of_kernel("polynomial2", polynomial)

    def drawn_networks(self) -> Iterator[Row]:
        """Rows of features and tangent kernels of networks at their initial weights."""
        for net in NETS:
            if net != "net3" or self.point.width <= self.spec.widest_dense:
                yield from self._of_network(net)

    def _of_network(self, net: Net) -> Iterator[Row]:
        learner = LEARNERS[net](self.point.width, self.spec.inputs, self.spec.outputs)
        start = learner.start(generator(self.seed, WEIGHTS))
        weights: Weights = {name: weight.to(self.device, torch.float64) for name, weight in start.items()}
        train, validation, test = (features(learner, weights, x) for x in self.x)
        yield self._row(CONJUGATE[net], self._ridge(Grams.of((train, validation, test))), self.point.width)
        if net == "net2":
            found = least_squares((train, validation, test), Targets(*self.y))
            yield self._row("regression_net2", found, self.point.width)
        yield self._of_kernel(TANGENT[net], partial(tangent_gram, learner, weights), self.point.width)

    def _of_kernel(self, arm: Arm, kernel: Kernel, width: int | None = None) -> Row:
        train, *others = self.x
        grams = Grams(kernel(train, train), *(kernel(x, train) for x in others))
        return self._row(arm, self._ridge(grams), width)

    def _ridge(self, grams: Grams) -> Selected:
        return kernel_ridge(grams, Targets(*self.y), self.spec.ridges)

    def _row(self, arm: Arm, found: Selected, width: int | None) -> Row:
        return Row(
            arm=arm,
            seed=self.seed,
            alpha=self.point.alpha,
            outputs=self.spec.outputs,
            samples=self.point.samples,
            width=width,
            ridge=found.ridge,
            selected=True,
            validation_error=_finite(found.validation_error),
            test_error=_finite(found.test_error),
        )


def _on(device: torch.device, parts: list[Tensor]) -> tuple[Tensor, ...]:
    return tuple(part.to(device, torch.float64) for part in parts)


def _finite(error: float) -> float | None:
    return error if error < float("inf") else None
