"""One step of AdamW on a model, and of the average of its weights."""

from collections.abc import Collection
from typing import Any, Generic

import torch
from torch import Tensor, nn

from decoders.spec import FitSpec
from decoders.training.precision import autocast
from decoders.training.process_group import Ranks
from decoders.training.schedule import learning_rate
from decoders.training.seeds import step_seed
from decoders.training.weight_average import Model, WeightAverage


class GradientStep(Generic[Model]):
    """A model together with its loss, its optimizer and the average of its weights.

    Args:
        model: fitted in place; on the device.
        loss: module with the model inside: (target, h) to the loss of each example, (batch,).
        pretrained: parameters with pretrained weights; their learning rate is multiplied by `spec.pretrained_rate`.
        spec: the recipe.
        device: where the model is.
        ranks: the processes that share each step.
    """

    def __init__(
        self,
        model: Model,
        loss: nn.Module,
        pretrained: Collection[nn.Parameter],
        spec: FitSpec,
        device: torch.device,
        ranks: Ranks,
    ) -> None:
        self.model, self.spec, self.device, self.ranks = model, spec, device, ranks
        self.loss = ranks.wrap(loss, device)
        self.average = WeightAverage(model, spec.average_decay)
        self.optimizer = torch.optim.AdamW(
            parameter_groups(model, pretrained, spec.pretrained_rate),
            lr=spec.learning_rate,
            betas=spec.betas,
            weight_decay=spec.weight_decay,
            fused=device.type in {"cpu", "cuda"},
        )

    def take(self, step: int, target: Tensor, h: Tensor | None, batch_size: int) -> Tensor:
        """Take gradient step `step` = 0, 1, ... and update the average.

        Args:
            step: gradient steps before this one.
            target: this process' share of the targets.
            h: this process' share of the contexts.
            batch_size: examples of all processes.

        Returns:
            The mean loss over the examples of all processes before the step, a scalar.
        """
        torch.manual_seed(step_seed(self.spec.seed, step, self.ranks.rank))
        rate = learning_rate(self.spec, step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["share"]
        self.optimizer.zero_grad(set_to_none=True)
        with autocast(self.device, self.spec.precision):
            loss: Tensor = self.loss(target, h).mean() * self.ranks.weight(len(target), batch_size)
        loss.backward()
        if self.spec.gradient_clip is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.spec.gradient_clip)
        self.optimizer.step()
        self.average.update(step + 1)
        return self.ranks.mean(loss.detach())

    def state_dict(self) -> dict[str, Any]:
        """Everything that `load_state_dict` restores."""
        return {
            "model": self.model.state_dict(),
            "average": self.average.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.model.load_state_dict(state["model"])
        self.average.model.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])


def parameter_groups(
    model: nn.Module, pretrained: Collection[nn.Parameter], pretrained_rate: float
) -> list[dict[str, Any]]:
    """Parameter groups: new weights take the whole learning rate, pretrained ones the share `pretrained_rate`."""
    ids = {id(parameter) for parameter in pretrained}
    groups: list[dict[str, Any]] = [
        {"params": [p for p in model.parameters() if id(p) not in ids], "share": 1.0},
        {"params": [p for p in model.parameters() if id(p) in ids], "share": pretrained_rate},
    ]
    return [group for group in groups if group["params"]]
