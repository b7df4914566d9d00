"""Validation steps: what a fit reaches on the held-out share, which step is the best, and when it stops."""

import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from decoders.training.plateau import LateGain, late_gain

# Held-out examples whose nats are kept at every validation step for the paired error of the late gain (8 KB a step).
KEPT_NATS = 2048


@dataclass(frozen=True)
class HistoryRow:
    """One validation step; `fit_nats` is the mean loss of the gradient steps since the previous one."""

    step: int
    seconds: float
    fit_nats: float | None
    holdout_nats: float
    holdout_stderr_nats: float
    learning_rate: float


class History:
    """The validation steps of one fit, in order.

    Args:
        patience: validation steps without improvement after which the fit stops; None for no limit.
    """

    def __init__(self, patience: int | None) -> None:
        self.patience = patience
        self.rows: list[HistoryRow] = []
        self._kept_nats: list[Tensor] = []

    def add(
        self,
        step: int,
        seconds: float,
        fit_nats: float | None,
        nats: NDArray[np.float64],
        learning_rate: float,
    ) -> bool:
        """Append a validation step.

        Args:
            step: gradient steps so far.
            seconds: time of the fit so far.
            fit_nats: mean loss since the previous validation step, in nats; None before the first gradient step.
            nats: held-out negative log-likelihoods, (examples,), in nats.
            learning_rate: of the last gradient step.

        Returns:
            Whether it is the best so far.
        """
        stderr = float(nats.std(ddof=1)) / math.sqrt(len(nats))
        self.rows.append(HistoryRow(step, seconds, fit_nats, float(nats.mean()), stderr, learning_rate))
        self._kept_nats.append(torch.from_numpy(nats[:KEPT_NATS].astype(np.float32)))
        return self.best_index == len(self.rows) - 1

    @property
    def best_index(self) -> int:
        """Index of the first row with the lowest held-out cross-entropy."""
        return int(np.argmin([row.holdout_nats for row in self.rows]))

    @property
    def best(self) -> HistoryRow:
        """The first row with the lowest held-out cross-entropy."""
        return self.rows[self.best_index]

    @property
    def out_of_patience(self) -> bool:
        """Whether the last `patience` validation steps brought no improvement."""
        patience = self.patience
        return patience is not None and bool(self.rows) and len(self.rows) - 1 - self.best_index >= patience

    def late_gain(self) -> LateGain:
        """Improvement in the last quarter of the gradient steps."""
        return late_gain([row.step for row in self.rows], torch.stack(self._kept_nats).numpy())

    def state_dict(self) -> dict[str, Any]:
        """Everything that `load_state_dict` restores."""
        return {
            "rows": [astuple(row) for row in self.rows],
            "kept_nats": torch.stack(self._kept_nats),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.rows = [HistoryRow(*row) for row in state["rows"]]
        self._kept_nats = list(state["kept_nats"].cpu())
