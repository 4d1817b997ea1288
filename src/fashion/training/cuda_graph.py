"""A training's step as a CUDA graph, so that it costs no kernel launches from Python."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from fashion.training.optimizer import WeightAverage, moments

# Maps images [B, 1, 28, 28] and probabilities [B, 10] to the batch's mean loss and its number of right predictions,
# both of before the step, as scalars on the device.
Step = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]

WARM_UP_STEPS = 3


class Capture(NamedTuple):
    """A step of one batch size as a CUDA graph, and the tensors that each replay reads and writes."""

    graph: torch.cuda.CUDAGraph
    images: Tensor
    probabilities: Tensor
    gradients: list[Tensor | None]
    loss: Tensor
    right: Tensor


class GraphedStep:
    """A step, captured once for each batch size (an epoch has two: the last batch is smaller) and replayed.

    After https://docs.pytorch.org/docs/stable/notes/cuda.html#whole-network-capture.
    """

    def __init__(
        self, step: Step, model: nn.Module, optimizer: torch.optim.Optimizer, average: WeightAverage | None = None
    ):
        self.step, self.model, self.optimizer, self.average = step, model, optimizer, average
        self.weights = list(model.parameters())
        self.captures: dict[int, Capture] = {}
        # Not torch's one stream for all captures: the end of a graph frees its stream's cuBLAS workspaces, which the
        # graphs of another training in this process may still use (https://github.com/pytorch/pytorch/issues/193402).
        self.stream = torch.cuda.Stream()

    def __call__(self, images: Tensor, probabilities: Tensor) -> tuple[Tensor, Tensor]:
        if len(images) not in self.captures:
            self.captures[len(images)] = self._capture(images.clone(), probabilities.clone())
        capture = self.captures[len(images)]
        capture.images.copy_(images)
        capture.probabilities.copy_(probabilities)
        for weight, gradient in zip(self.weights, capture.gradients, strict=True):
            weight.grad = gradient
        capture.graph.replay()
        return capture.loss, capture.right

    def _capture(self, images: Tensor, probabilities: Tensor) -> Capture:
        graph = torch.cuda.CUDAGraph()
        before = self._state(), torch.cuda.get_rng_state()
        # Steps outside the capture let the libraries choose and allocate.
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            for _ in range(WARM_UP_STEPS):
                self.step(images, probabilities)
        torch.cuda.current_stream().wait_stream(self.stream)
        self.optimizer.zero_grad()  # so that the gradients are the graph's own
        with torch.cuda.graph(graph, stream=self.stream):
            loss, right = self.step(images, probabilities)
        gradients = [weight.grad for weight in self.weights]
        self._restore(*before)
        return Capture(graph, images, probabilities, gradients, loss, right)

    def _tensors(self) -> dict[str, Tensor]:
        """Everything that a step changes, but for the generator: weights, buffers, their averages, the moments."""
        averages = self.average.model.state_dict() if self.average else {}
        averaged = {f"averaged {name}": value for name, value in averages.items()}
        return {**self.model.state_dict(), **moments(self.optimizer), **averaged}

    def _state(self) -> dict[str, Tensor]:
        return {name: value.clone() for name, value in self._tensors().items()}

    def _restore(self, state: dict[str, Tensor], random_state: Tensor) -> None:
        for name, value in self._tensors().items():
            if name in state:
                value.copy_(state[name])
            else:
                value.zero_()  # an optimizer makes its moments, as zeros, at its first step
        torch.cuda.set_rng_state(random_state)
