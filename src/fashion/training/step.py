"""One optimisation step: forward, loss, backward, update. On a GPU it is a CUDA graph."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from fashion.training.cuda_graph import GraphedStep, Step
from fashion.training.optimizer import WeightAverage


def make_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    *,
    precision: str = "float32",
    label_smoothing: float = 0.0,
    average: WeightAverage | None = None,
) -> Step:
    """Returns a function that takes one step of `model` with `optimizer`, and updates the `average` of its weights.

    A weight's gradient stays in its `grad` until the next step. With `precision` "bfloat16", torch.autocast chooses the
    operations of the model that use it; weights, cross entropy and the update stay in float32.
    """

    def step(images: Tensor, probabilities: Tensor) -> tuple[Tensor, Tensor]:
        with torch.autocast(images.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            logits = model(images)
        logits = logits.to(probabilities.dtype)
        loss = functional.cross_entropy(logits, probabilities, label_smoothing=label_smoothing)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if average:
            average.update()
        return loss.detach(), (logits.detach().argmax(dim=1) == probabilities.argmax(dim=1)).sum()

    on_gpu = next(model.parameters()).is_cuda
    return GraphedStep(step, model, optimizer, average) if on_gpu else step
