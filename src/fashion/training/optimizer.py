"""The optimizer of a training, the learning rate of each step, and the moving average of the weights."""

import copy
import math
from typing import Any

import torch
from torch import Tensor, nn

# Of one_cycle, as in torch.optim.lr_scheduler.OneCycleLR: the share of steps with a rising rate, and the first and the
# last rate as shares of the peak.
RISING, FIRST, LAST = 0.3, 1 / 25, 1 / 25e4
MOMENTUM = 0.9


def make_optimizer(
    model: nn.Module, learning_rate: float, kind: str = "adam", weight_decay: float = 0.0
) -> torch.optim.Optimizer:
    """Returns Adam, AdamW, or SGD with a Nesterov momentum of 0.9, in one fused kernel.

    On a GPU a graph can capture it, because the learning rate and Adam's count of steps are on the device. Matrices and
    kernels get weight decay; biases, norms and other vectors get none.

    Args:
        kind: adam, adamw or sgd.
    """
    weights = list(model.parameters())
    device = weights[0].device
    decaying, others = [], []
    for weight in weights:
        (decaying if weight_decay and weight.dim() > 1 else others).append(weight)
    groups = [{"params": others}] + [{"params": decaying, "weight_decay": weight_decay}] * bool(decaying)
    options: dict[str, Any] = {"lr": learning_rate, "weight_decay": 0.0, "fused": True}
    if kind == "sgd":
        optimizer = torch.optim.SGD(groups, momentum=MOMENTUM, nesterov=True, **options)
    else:
        make = torch.optim.AdamW if kind == "adamw" else torch.optim.Adam
        optimizer = make(groups, capturable=device.type == "cuda", **options)
    if device.type == "cuda":
        for group in optimizer.param_groups:
            group["lr"] = torch.full((), learning_rate, dtype=torch.float32, device=device)
    return optimizer


def moments(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Returns the optimizer's own tensors for each weight, as `<index> <key>`; empty before the first step."""
    states = optimizer.state_dict()["state"]
    return {f"{index} {key}": value for index, state in states.items() for key, value in state.items()}


def set_learning_rate(optimizer: torch.optim.Optimizer, value: float) -> None:
    """Sets the learning rate of the next step, even if a graph replays the step."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(value)
        else:
            group["lr"] = value


def learning_rate(schedule: str, peak: float, step: int, steps: int) -> float:
    """Returns the learning rate of a step, counted from 0, of so many `steps` in all; `peak` is the highest rate.

    The schedule is constant; cosine, which falls to 0 (Loshchilov and Hutter, 2016); or one_cycle, which rises and then
    falls along cosines (Smith and Topin, 2017).
    """
    if schedule == "constant":
        return peak
    if schedule == "cosine":
        return _along_cosine(peak, 0.0, step / steps)
    rising = RISING * steps - 1
    if step <= rising:
        return _along_cosine(FIRST * peak, peak, step / rising)
    return _along_cosine(peak, LAST * peak, (step - rising) / (steps - 1 - rising))


def _along_cosine(first: float, last: float, share: float) -> float:
    return last + (first - last) * (1 + math.cos(math.pi * share)) / 2


class WeightAverage:
    """A model whose weights and buffers are the exponential moving average of another's.

    The newest weights get the share 1 - `decay`. In the first steps they get more, 9 / (10 + step), so that the initial
    weights are soon forgotten, as in TensorFlow's ExponentialMovingAverage.
    """

    def __init__(self, model: nn.Module, decay: float):
        self.decay = decay
        self.model = copy.deepcopy(model).requires_grad_(False)
        self._pairs = list(zip(self.model.state_dict().values(), model.state_dict().values(), strict=True))
        weight = next(model.parameters())
        # On the device, where a graph that replays an update reads it.
        self._share = torch.ones((), dtype=weight.dtype, device=weight.device)

    def before_step(self, step: int) -> None:
        """Sets the share for the update after a step, counted from 0."""
        self._share.fill_(max(1 - self.decay, 9 / (10 + step)))

    @torch.no_grad()
    def update(self) -> None:
        """Adds the model's current weights and buffers to the average."""
        for averaged, newest in self._pairs:
            if averaged.is_floating_point():
                averaged.lerp_(newest, self._share)
            else:
                averaged.copy_(newest)
