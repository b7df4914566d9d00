"""The MLP probe: a small network that reads the class from the features."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, log_softmax

from ib_analysis.errors import UserError
from ib_analysis.information.estimators.critic import multilayer_perceptron
from ib_analysis.information.estimators.label_probe import (
    LabelledRows,
    LabelProbe,
    LogProbabilities,
    Prediction,
    log_frequencies,
)
from ib_analysis.information.estimators.training import Schedule, Training, seeded, torch_device, train


@dataclass(frozen=True)
class MLPProbe(LabelProbe):
    """H(y) - CE(y | x) with q(y | x) = softmax(MLP(x)), the step chosen on the hold-out part by patience.

    The network starts at the class frequencies, so that the fit starts from CE = H(y).

    Attributes:
        hidden: widths of the hidden layers.
        steps: most gradient steps.
        patience: gradient steps without a better validation step after which the fit ends.
        batch: rows in a step.
        learning_rate: of Adam.
        weight_decay: of AdamW.
        device: where the network lives; "cpu" or "cuda".
    """

    name: ClassVar[str] = "mlp_probe"
    reference: ClassVar[str] = "Barber & Agakov 2003; Xu et al. 2020 (arXiv 2002.10689)"
    assumptions: ClassVar[str] = (
        "Rows are independent draws; it counts only what a small network of x can use."
    )

    hidden: tuple[int, ...] = (256,)
    steps: int = 5000
    patience: int = 500
    batch: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    device: str = "cpu"

    evaluate_every: ClassVar[int] = 25

    def __post_init__(self) -> None:
        """Refuse settings that cannot run.

        Raises:
            UserError: naming the setting.
        """
        self._schedule()
        if not self.hidden or min(self.hidden) < 1:
            raise UserError(f"hidden is {self.hidden}: give the width of one hidden layer or more.")

    def predict(
        self, fit: LabelledRows, hold_out: LabelledRows, evaluation: NDArray[np.float64], classes: int
    ) -> Prediction:
        """Fit a network and predict with the weights of its best validation step."""
        device = torch_device(self.device)
        network, training = self._fit(fit, hold_out, classes, device)
        return Prediction(
            _log_probabilities(network, hold_out.rows, device),
            _log_probabilities(network, evaluation, device),
            _cautions(training),
        )

    def _fit(
        self, fit: LabelledRows, hold_out: LabelledRows, classes: int, device: torch.device
    ) -> tuple[nn.Module, Training]:
        with seeded(self.seed):
            network = multilayer_perceptron([fit.rows.shape[1], *self.hidden, classes])
        start_at_frequencies(network, fit.labels)
        rows, labels = _on(device, fit)
        held_rows, held_labels = _on(device, hold_out)

        def loss(network: nn.Module, batch: Tensor) -> Tensor:
            return cross_entropy(network(rows[batch]), labels[batch])

        def score(network: nn.Module) -> float:
            return -cross_entropy(network(held_rows).double(), held_labels).item()

        return train(network.to(device), len(fit), loss, score, self._schedule(), self.seed, self.name)

    def _schedule(self) -> Schedule:
        return Schedule(
            steps=self.steps,
            patience=self.patience,
            evaluate_every=min(self.evaluate_every, self.steps),
            batch=self.batch,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
        )


@torch.no_grad()
def start_at_frequencies(network: nn.Sequential, labels: NDArray[np.int64]) -> None:
    """Make the last layer give the log of the class frequencies, whatever the input."""
    last = network[-1]
    assert isinstance(last, nn.Linear)
    last.weight.zero_()
    last.bias.copy_(torch.from_numpy(log_frequencies(labels)))


def _on(device: torch.device, part: LabelledRows) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(part.rows).float().to(device), torch.from_numpy(part.labels).to(device)


@torch.no_grad()
def _log_probabilities(
    network: nn.Module, rows: NDArray[np.float64], device: torch.device
) -> LogProbabilities:
    logits = network(torch.from_numpy(rows).float().to(device)).double()
    found: LogProbabilities = log_softmax(logits, 1).cpu().numpy()
    return found


def _cautions(training: Training) -> tuple[str, ...]:
    if not training.cut_short:
        return ()
    return (
        f"The cross-entropy of the hold-out part was still falling at step {training.last_step}: give more steps.",
    )
