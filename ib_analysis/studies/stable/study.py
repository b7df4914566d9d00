"""Stable ResNet: signals, kernels and training under three branch scalings."""

from collections.abc import Iterator, Sequence
from itertools import product
from statistics import fmean

import numpy as np
import torch
from torch import Tensor

from ib_analysis.datasets.dataset import Part
from ib_analysis.encoders.layers.branch_scaling import branch_scales
from ib_analysis.encoders.layers.normalisation import Normalise, pixel_statistics
from ib_analysis.encoders.specs.encoder import Scaling
from ib_analysis.encoders.specs.resnet import ResNetSpec
from ib_analysis.encoders.training.seeding import derive_seed
from ib_analysis.errors import UserError
from ib_analysis.studies.learning_rate import rate_beyond
from ib_analysis.studies.specs.stable import NORMS, SCALINGS, StableStudySpec, StudiedNorm
from ib_analysis.studies.stable import claims
from ib_analysis.studies.stable.kernel_recursion import Kernels, Variances, compute_kernels, propagation
from ib_analysis.studies.stable.kernel_ridge import Labelled, effective_rank, ridge_regression
from ib_analysis.studies.stable.row import Quantity, StableRow, trained
from ib_analysis.studies.stable.signal_propagation import Network, Passage
from ib_analysis.studies.stable.trainability import Trained, train_all
from ib_analysis.studies.study import Setting, Study
from ib_analysis.studies.verdict import Verdict

NETWORK, IMAGES = range(2)


class StableStudy(Study):
    """Hayou et al. 2021: closed forms against random networks, kernels on images, and trained networks."""

    Spec = StableStudySpec
    Row = StableRow
    spec: StableStudySpec

    def measure(self, piece: str, setting: Setting) -> Sequence[StableRow]:
        """The rows of `signals-seed<s>`, `kernels-seed<s>` or `training-<scaling>-<norm>-<blocks>`."""
        seeded = {
            f"{kind}-seed{seed}": (kind, seed) for kind in ("signals", "kernels") for seed in self.spec.seeds
        }
        if piece in seeded:
            kind, seed = seeded[piece]
            return list({"signals": self._signals, "kernels": self._kernels}[kind](seed, setting))
        arms = {
            f"training-{scaling}-{norm}-{blocks}": (scaling, norm, blocks)
            for scaling, norm, blocks in product(SCALINGS, NORMS, self.spec.stage_blocks)
        }
        return list(self._trainings(*arms[piece], setting))

    def verdicts(self, rows: Sequence[StableRow]) -> Sequence[Verdict]:
        """The claims of the paper (see `claims`)."""
        return claims.verdicts(rows, self.spec)

    @property
    def _variances(self) -> Variances:
        return Variances(weight=self.spec.weight_variance)

    def _signals(self, seed: int, setting: Setting) -> Iterator[StableRow]:
        """Random networks of one seed, averaged over draws, with the recursion."""
        for scaling in SCALINGS:
            for depth in self.spec.depths:
                scales = branch_scales(scaling, depth)
                limit = propagation(self.spec.correlation, scales, self._variances)
                found = [
                    self._passage(scales, derive_seed(seed, NETWORK, i), setting)
                    for i in range(self.spec.draws)
                ]
                row = StableRow(
                    quantity="log_variance_growth", scaling=scaling, norm="none", depth=depth, seed=seed,
                    value=fmean(f.log_variance_growth for f in found), closed_form=limit.log_growth,
                )  # fmt: skip
                yield row
                yield _other(
                    row, "log_gradient_growth", fmean(f.log_gradient_growth for f in found), limit.log_growth
                )
                yield _other(row, "correlation", fmean(f.correlation for f in found), limit.correlation)

    def _passage(self, scales: Sequence[float], seed: int, setting: Setting) -> Passage:
        network = Network(self.spec.width, scales, self._variances, seed, self.spec.pairs, setting.device)
        return network.passage(self.spec.correlation)

    def _kernels(self, seed: int, setting: Setting) -> Iterator[StableRow]:
        """Effective rank and kernel ridge accuracy on the images drawn by the seed."""
        data = setting.images
        parts = (data.encoder, data.decoder, data.evaluation)
        self._check_that_seeds_differ(len(data.encoder))
        rows = [chosen_rows(part, self.spec.kernel_images, seed) for part in parts]
        mean_std = pixel_statistics(data.encoder.images[rows[0]], data.header.levels)
        inputs = [
            on_the_sphere(part.images[r], data.header.levels, *mean_std).to(setting.device)
            for part, r in zip(parts, rows)
        ]
        labels = [torch.from_numpy(part.labels[r]).to(setting.device) for part, r in zip(parts, rows)]
        for scaling in SCALINGS:
            for depth in self.spec.depths:
                scales = branch_scales(scaling, depth)
                kernels = compute_kernels(torch.cat(inputs), inputs[0], scales, self._variances)
                yield from self._of_kernels(
                    kernels, labels, len(data.header.class_names), scaling, depth, seed
                )

    def _check_that_seeds_differ(self, images: int) -> None:
        count = self.spec.kernel_images
        if len(self.spec.seeds) > 1 and count >= images:
            raise UserError(
                f"studies.stable.kernel_images is {count}, but the encoder part has {images} images: every seed would "
                "use all of them, so that seeds would not differ; lower it"
            )

    def _of_kernels(
        self,
        kernels: Kernels,
        labels: Sequence[Tensor],
        classes: int,
        scaling: Scaling,
        depth: int,
        seed: int,
    ) -> Iterator[StableRow]:
        both: tuple[tuple[Tensor, Quantity, Quantity], ...] = (
            (kernels.nngp, "nngp_effective_rank", "nngp_accuracy"),
            (kernels.ntk, "ntk_effective_rank", "ntk_accuracy"),
        )
        for kernel, of_rank, of_accuracy in both:
            blocks = kernel.split([len(part) for part in labels])
            row = StableRow(
                quantity=of_rank, scaling=scaling, norm="none", depth=depth, seed=seed,
                value=effective_rank(blocks[0]),
            )  # fmt: skip
            yield row
            training, validation, evaluation = (Labelled(k, y) for k, y in zip(blocks, labels))
            found = ridge_regression(training, validation, evaluation, self.spec.ridges, classes)
            yield row.model_copy(
                update={
                    "quantity": of_accuracy,
                    "value": found.accuracy,
                    "ridge": found.ridge,
                    "validation_accuracy": found.validation_accuracy,
                }
            )

    def _trainings(
        self, scaling: Scaling, norm: StudiedNorm, blocks: int, setting: Setting
    ) -> Iterator[StableRow]:
        """Accuracy at every tried rate, and initial gradient, of all seeds of one network."""
        network = self.spec.network(scaling, norm, blocks)
        rows = self._trained_at(self.spec.learning_rates, network, norm, setting)
        for _ in range(self.spec.further_learning_rates):
            found = trained(rows)
            rate = rate_beyond(found, lambda network: network.arm, found[0].arm, found[0].chance)
            if rate is None:
                break
            rows += self._trained_at([rate], network, norm, setting)
        yield from rows

    def _trained_at(
        self, rates: Sequence[float], network: ResNetSpec, norm: StudiedNorm, setting: Setting
    ) -> list[StableRow]:
        """The rows of a network of all seeds at some rates; the gradient, which no rate changes, at the first."""
        trainings = [self.spec.training.model_copy(update={"learning_rate": rate}) for rate in rates]
        found = train_all(network, trainings, self.spec.seeds, self.spec.training_images, setting)
        return [
            row
            for rate, of_seeds in zip(rates, found)
            for seed, one in zip(self.spec.seeds, of_seeds)
            for row in self._rows(rate, seed, one, network, norm)
        ]

    def _rows(
        self, rate: float, seed: int, found: Trained, network: ResNetSpec, norm: StudiedNorm
    ) -> Iterator[StableRow]:
        row = StableRow(
            quantity="test_accuracy", scaling=network.scaling, norm=norm, depth=sum(network.blocks), seed=seed,
            value=found.accuracy, learning_rate=rate, training_accuracy=found.training_accuracy,
            validation_accuracy=found.validation_accuracy, chance=found.chance, diverged=found.diverged,
        )  # fmt: skip
        yield row
        if rate == self.spec.learning_rates[0] and found.stem_log_gradient is not None:
            yield StableRow(
                quantity="stem_log_gradient", scaling=row.scaling, norm=norm, depth=row.depth, seed=seed,
                value=found.stem_log_gradient,
            )  # fmt: skip


def _other(row: StableRow, quantity: Quantity, value: float, closed_form: float) -> StableRow:
    return row.model_copy(update={"quantity": quantity, "value": value, "closed_form": closed_form})


def chosen_rows(part: Part, count: int, seed: int) -> np.ndarray:
    """At most `count` rows of a part, drawn without replacement from the seed, in increasing order."""
    rng = np.random.default_rng(derive_seed(seed, IMAGES))
    return np.sort(rng.permutation(len(part))[:count])


def on_the_sphere(images: np.ndarray, levels: int, mean: Tensor, std: Tensor) -> Tensor:
    """Normalised, flattened images scaled to norm sqrt(d), (n, d) float64, so that every input has variance 1."""
    normalise = Normalise(images.shape[1], levels)
    normalise.set(mean, std)
    flat = normalise(torch.from_numpy(images)).double().flatten(1)
    return flat * (flat.shape[1] ** 0.5 / flat.norm(dim=1, keepdim=True))
