"""The state of a training, which can be saved and restored between any two steps."""

from collections import defaultdict

import torch
from torch import Tensor, nn

from fashion.study.stopping import best_epoch
from fashion.training.optimizer import WeightAverage, moments

# Running totals of the current epoch stay on the device, because a GPU would wait for each number that is read.
TOTALS = ("losses", "right", "gradient_norms")


class State:
    """Model, optimizer, weights to test, history with a row for each finished epoch, and the current epoch.

    The current epoch has the loss of each step, `losses [steps] float32`; the number of right predictions,
    `right [] int64`; the norm of each weight's gradient in the first step, `gradient_norms [weights] float32`;
    `steps_done`; and the seconds and joules that were `spent` when it was last saved.

    Args:
        steps: the number of steps in an epoch.
        average: an average of the model's weights, which is then validated and tested.
    """

    def __init__(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, steps: int, average: WeightAverage | None = None
    ):
        self.model, self.optimizer, self.steps, self.average = model, optimizer, steps, average
        self.history: list[dict[str, float]] = []
        self.tested_weights: dict[str, Tensor] = {}
        self.start_epoch()

    def start_epoch(self) -> None:
        """Starts an epoch without any step done."""
        weights = list(self.model.parameters())
        device = weights[0].device
        self.losses = torch.zeros(self.steps, device=device)
        self.right = torch.zeros((), dtype=torch.int64, device=device)
        self.gradient_norms = torch.zeros(len(weights), device=device)
        self.steps_done, self.spent = 0, (0.0, 0.0)

    @property
    def epoch(self) -> int:
        """The number of the current epoch, from 1."""
        return len(self.history) + 1

    @property
    def best(self) -> dict[str, float]:
        """The row of the history with the lowest validation loss."""
        return self.history[best_epoch(row["validation_loss"] for row in self.history)]

    @property
    def tested_model(self) -> nn.Module:
        """The model, or the average of its weights if there is one."""
        return self.average.model if self.average else self.model

    @property
    def steps_before(self) -> int:
        """The number of steps done in the whole training."""
        return len(self.history) * self.steps + self.steps_done

    def keep_weights(self) -> None:
        """Keeps a copy of the tested model's current weights as the weights to test."""
        # Cloned, because training changes weights in place; contiguous for safetensors; on the device, to save a wait.
        self.tested_weights = {
            name: value.clone(memory_format=torch.contiguous_format)
            for name, value in self.tested_model.state_dict().items()
        }

    def saved(self) -> tuple[dict[str, Tensor], dict]:
        """Returns the state and torch's random state: tensors by name, and JSON values, which may be NaN."""
        groups = {
            "model": self.model.state_dict(),
            "averaged": self.average.model.state_dict() if self.average else {},
            "tested": self.tested_weights,
            "optimizer": moments(self.optimizer),
            "totals": {name: getattr(self, name) for name in TOTALS},
            "random": {"cpu": torch.get_rng_state()},
        }
        if self.losses.is_cuda:
            groups["random"]["cuda"] = torch.cuda.get_rng_state()
        tensors = {f"{group} {name}": value for group, values in groups.items() for name, value in values.items()}
        return tensors, {"history": self.history, "steps_done": self.steps_done, "spent": self.spent}

    def restore(self, tensors: dict[str, Tensor], values: dict) -> None:
        """Restores what `saved` returned for the same model, optimizer and number of steps."""
        groups: dict[str, dict[str, Tensor]] = defaultdict(dict)
        for name, value in tensors.items():
            group, _, rest = name.partition(" ")
            groups[group][rest] = value
        self.model.load_state_dict(groups["model"])
        if self.average:
            self.average.model.load_state_dict(groups["averaged"])
        self.tested_weights = groups["tested"]
        weights = [weight for group in self.optimizer.param_groups for weight in group["params"]]
        states: dict[int, dict[str, Tensor]] = defaultdict(dict)
        for name, value in groups["optimizer"].items():
            index, key = name.split()
            if value.dim():
                # In its weight's memory format, because the fused kernel reads both in the order of memory.
                value = torch.empty_like(weights[int(index)]).copy_(value)
            states[int(index)][key] = value
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": states})
        for name in TOTALS:
            getattr(self, name).copy_(groups["totals"][name])
        self.history, self.steps_done, self.spent = values["history"], values["steps_done"], values["spent"]
        torch.set_rng_state(groups["random"]["cpu"])
        if "cuda" in groups["random"]:
            torch.cuda.set_rng_state(groups["random"]["cuda"])
