"""The step of a training as a CUDA graph, which needs no kernel launches from Python."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from fashion.training.optimizer import WeightAverage, moments

# Maps images [B, 1, 28, 28] and probabilities [B, 10] to the batch's mean loss and number of right predictions before
# the step, as scalars on the device.
Step = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]

WARM_UP_STEPS = 3


class Capture(NamedTuple):
    """The CUDA graph of a step for one batch size, and the tensors that each replay reads and writes."""

    graph: torch.cuda.CUDAGraph
    images: Tensor
    probabilities: Tensor
    gradients: list[Tensor | None]
    loss: Tensor
    right: Tensor


class GraphedStep:
    """A step that is captured once for each batch size, and then replayed. The last batch of an epoch is smaller.

    After https://docs.pytorch.org/docs/stable/notes/cuda.html#whole-network-capture.
    """

    def __init__(
        self, step: Step, model: nn.Module, optimizer: torch.optim.Optimizer, average: WeightAverage | None = None
    ):
        self.step, self.model, self.optimizer, self.average = step, model, optimizer, average
        self.weights = list(model.parameters())
        self.captures: dict[int, Capture] = {}
        # A stream of its own, because a graph that ends frees the cuBLAS workspaces of its stream. Graphs of other
        # trainings in this process may still use them (https://github.com/pytorch/pytorch/issues/193402).
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
        # In steps outside the capture the libraries choose algorithms and allocate memory.
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            for _ in range(WARM_UP_STEPS):
                self.step(images, probabilities)
        torch.cuda.current_stream().wait_stream(self.stream)
        self.optimizer.zero_grad()  # so that the graph allocates the gradients
        with torch.cuda.graph(graph, stream=self.stream):
            loss, right = self.step(images, probabilities)
        gradients = [weight.grad for weight in self.weights]
        self._restore(*before)
        return Capture(graph, images, probabilities, gradients, loss, right)

    def _tensors(self) -> dict[str, Tensor]:
        """Returns all that a step changes but the generator: weights, buffers, their averages, and moments."""
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
                value.zero_()  # the first step made these moments, as zeros
        torch.cuda.set_rng_state(random_state)
