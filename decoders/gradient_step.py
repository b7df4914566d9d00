"""One gradient step: forward, loss, backward, clip and Adam; on a GPU replayed from a CUDA graph.

A step of a small decoder is some 2,000 short kernels forward and backward, whose launches take longer than their work.
A fit has fixed shapes, so that the whole step is captured once and replayed by one launch.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from decoders.evaluation import autocast
from decoders.spec import FitSpec

EAGER_STEPS = 3
"""Steps before the capture: libraries choose their algorithms and allocate their workspaces meanwhile."""

Loss = Callable[[Tensor, Tensor | None], Tensor]


def adam(groups: Iterable[dict[str, Any]], spec: FitSpec, device: torch.device) -> torch.optim.AdamW:
    """Adam of a fit; on a GPU its state and learning rates are tensors there, as a captured step needs."""
    on_gpu = device.type == "cuda"
    optimizer = torch.optim.AdamW(
        groups,
        lr=torch.tensor(spec.learning_rate, device=device) if on_gpu else spec.learning_rate,
        betas=spec.betas,
        weight_decay=spec.weight_decay,
        fused=device.type in {"cpu", "cuda"},
        capturable=on_gpu,
    )
    for group in optimizer.param_groups:
        group["lr"] = group["lr"].clone() if on_gpu else group["lr"]
    return optimizer


def set_learning_rate(group: dict[str, Any], rate: float) -> None:
    """Set the rate of a group, in place where a captured step reads it."""
    if isinstance(group["lr"], Tensor):
        group["lr"].fill_(rate)
    else:
        group["lr"] = rate


class GradientStep:
    """A step, operation by operation.

    Args:
        loss: the mean loss in nats of a batch (target, h), a scalar.
        optimizer: made by `adam`.
        spec: precision and gradient clip.
        device: where it all lives.
        clip: cuts the gradients to the norm that the spec asks for.
    """

    def __init__(
        self,
        loss: Loss,
        optimizer: torch.optim.Optimizer,
        spec: FitSpec,
        device: torch.device,
        clip: Callable[[float], object],
    ) -> None:
        self.loss, self.optimizer, self.spec, self.device, self.clip = loss, optimizer, spec, device, clip

    def __call__(self, target: Tensor, h: Tensor | None) -> Tensor:
        """Take the step; the loss of the batch before it, detached."""
        self.optimizer.zero_grad(set_to_none=True)
        with autocast(self.device, self.spec.precision):
            loss = self.loss(target, h)
        loss.backward()
        if self.spec.gradient_clip is not None:
            self.clip(self.spec.gradient_clip)
        self.optimizer.step()
        return loss.detach()


class GraphedStep(GradientStep):
    """The same step, captured as a CUDA graph after the first few; every batch must have the shapes of the first.

    Dropout stays a function of torch's seed: a replay reads the state of the generator.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.taken = 0
        self.side = torch.cuda.Stream(self.device)
        self.graph: torch.cuda.CUDAGraph | None = None
        self.target: Tensor
        self.h: Tensor | None
        self.captured_loss: Tensor

    def __call__(self, target: Tensor, h: Tensor | None) -> Tensor:
        """Take the step; the loss of the batch before it, valid until the next step."""
        self.taken += 1
        if self.taken <= EAGER_STEPS:
            return self._eager(target, h)
        if self.graph is None:
            self._capture(target, h)
        self.target.copy_(target)
        if self.h is not None and h is not None:
            self.h.copy_(h)
        assert self.graph is not None
        self.graph.replay()
        return self.captured_loss

    def _eager(self, target: Tensor, h: Tensor | None) -> Tensor:
        """On a stream of its own, as a capture is: what is allocated there is reused by it."""
        self.side.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(self.side):
            loss = super().__call__(target, h)
        torch.cuda.current_stream(self.device).wait_stream(self.side)
        return loss

    def _capture(self, target: Tensor, h: Tensor | None) -> None:
        self.target, self.h = target.clone(), None if h is None else h.clone()
        self.optimizer.zero_grad(set_to_none=True)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.captured_loss = super().__call__(self.target, self.h)


def gradient_step(
    loss: Loss,
    optimizer: torch.optim.Optimizer,
    spec: FitSpec,
    device: torch.device,
    clip: Callable[[float], object],
) -> GradientStep:
    """The fastest step for the device: replayed from a graph on a GPU, operation by operation elsewhere."""
    kind = GraphedStep if device.type == "cuda" else GradientStep
    return kind(loss, optimizer, spec, device, clip)


def clip_by_member(parameters: Iterable[nn.Parameter], largest: float) -> None:
    """Cut the gradient of each member to the norm `largest`; the first dimension of every parameter is the member's.

    Equals `torch.nn.utils.clip_grad_norm_` of each member alone.
    """
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    squares = torch.stack([g.flatten(1).square().sum(1) for g in gradients]).sum(0)
    factor = (largest / (squares.sqrt() + 1e-6)).clamp(max=1.0)
    for g in gradients:
        g.mul_(factor.view(-1, *[1] * (g.dim() - 1)))
