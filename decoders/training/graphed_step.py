"""A gradient step replayed from a CUDA graph.

A step of a small decoder is some 2,000 short kernels forward and backward, whose launches take longer than their work.
The shapes of a fit are fixed, so the whole step is captured once and replayed by one launch.
"""

import torch
from torch import Tensor

from decoders.spec import FitSpec
from decoders.training.gradient_step import Clip, GradientStep, Loss

# Steps before the capture, in which libraries choose their algorithms and allocate their workspaces.
EAGER_STEPS = 3


class GraphedStep(GradientStep):
    """The step of `GradientStep`, captured after the first few; every batch must have the shapes of the first.

    Dropout stays a function of torch's seed, because a replay reads the state of the generator.
    """

    def __init__(
        self, loss: Loss, optimizer: torch.optim.Optimizer, spec: FitSpec, device: torch.device, clip: Clip
    ) -> None:
        super().__init__(loss, optimizer, spec, device, clip)
        self.taken = 0
        self.side = torch.cuda.Stream(device)
        self.graph: torch.cuda.CUDAGraph | None = None
        self.target: Tensor
        self.h: Tensor | None
        self.captured_loss: Tensor

    def __call__(self, target: Tensor, h: Tensor | None) -> Tensor:
        """Take the step, and return the loss of the batch before it, valid until the next step."""
        self.taken += 1
        if self.taken <= EAGER_STEPS:
            return self._take_eagerly(target, h)
        if self.graph is None:
            self.graph = self._capture(target, h)
        self.target.copy_(target)
        if self.h is not None and h is not None:
            self.h.copy_(h)
        self.graph.replay()
        return self.captured_loss

    def _take_eagerly(self, target: Tensor, h: Tensor | None) -> Tensor:
        """Take the step on a side stream: PyTorch asks for it before a capture, which has a stream of its own."""
        self.side.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(self.side):
            loss = super().__call__(target, h)
        torch.cuda.current_stream(self.device).wait_stream(self.side)
        return loss

    def _capture(self, target: Tensor, h: Tensor | None) -> torch.cuda.CUDAGraph:
        self.target, self.h = target.clone(), None if h is None else h.clone()
        self.optimizer.zero_grad(set_to_none=True)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.captured_loss = super().__call__(self.target, self.h)
        return graph


def build_step(
    loss: Loss, optimizer: torch.optim.Optimizer, spec: FitSpec, device: torch.device, clip: Clip
) -> GradientStep:
    """The fastest step for the device: replayed from a graph on a GPU, operation by operation elsewhere."""
    kind = GraphedStep if device.type == "cuda" else GradientStep
    return kind(loss, optimizer, spec, device, clip)
