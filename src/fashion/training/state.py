"""What a training changes as it goes on: all of it can be saved between any two steps and taken up again."""

from collections import defaultdict

import torch
from torch import Tensor, nn

from fashion.study.stopping import best_epoch
from fashion.training.optimizer import WeightAverage, moments

# Of the epoch under way, on the device: reading a number at each step would make a GPU wait for it.
TOTALS = ("losses", "right", "gradient_norms")


class State:
    """Model, optimizer, the weights to be tested, a row of the history for each epoch, and the epoch under way.

    The epoch under way has the loss of each step, `losses [steps] float32`; the number of images predicted right,
    `right [] int64`; the norm of each weight's gradient in its first step, `gradient_norms [weights] float32`;
    `steps_done`; and the seconds and joules `spent` when it was last saved.

    Args:
        steps: how many an epoch has.
        average: of the model's weights; then it is that which is validated and tested.
    """

    def __init__(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, steps: int, average: WeightAverage | None = None
    ):
        self.model, self.optimizer, self.steps, self.average = model, optimizer, steps, average
        self.history: list[dict[str, float]] = []
        self.tested_weights: dict[str, Tensor] = {}
        self.start_epoch()

    def start_epoch(self) -> None:
        """Begin with nothing of the epoch done."""
        weights = list(self.model.parameters())
        device = weights[0].device
        self.losses = torch.zeros(self.steps, device=device)
        self.right = torch.zeros((), dtype=torch.int64, device=device)
        self.gradient_norms = torch.zeros(len(weights), device=device)
        self.steps_done, self.spent = 0, (0.0, 0.0)

    @property
    def epoch(self) -> int:
        """The epoch under way, from 1."""
        return len(self.history) + 1

    @property
    def best(self) -> dict[str, float]:
        """The history's row with the lowest validation loss."""
        return self.history[best_epoch(row["validation_loss"] for row in self.history)]

    @property
    def tested_model(self) -> nn.Module:
        """The model, or the average of its weights where there is one."""
        return self.average.model if self.average else self.model

    @property
    def steps_before(self) -> int:
        """How many steps of the whole training are done."""
        return len(self.history) * self.steps + self.steps_done

    def keep_weights(self) -> None:
        """Have the tested model's weights, as they are now, be those to be tested."""
        # Cloned, as training goes on in place; contiguous, as safetensors wants it; on the device, which need not wait.
        self.tested_weights = {
            name: value.clone(memory_format=torch.contiguous_format)
            for name, value in self.tested_model.state_dict().items()
        }

    def saved(self) -> tuple[dict[str, Tensor], dict]:
        """All of it and torch's random state: tensors by name, and JSON values, of which some may be NaN."""
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
        """Take up what `saved` gave, of a state with the same model, optimizer and number of steps."""
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
                # In its weight's memory format: the fused kernel goes through both in the order of memory.
                value = torch.empty_like(weights[int(index)]).copy_(value)
            states[int(index)][key] = value
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": states})
        for name in TOTALS:
            getattr(self, name).copy_(groups["totals"][name])
        self.history, self.steps_done, self.spent = values["history"], values["steps_done"], values["spent"]
        torch.set_rng_state(groups["random"]["cpu"])
        if "cuda" in groups["random"]:
            torch.cuda.set_rng_state(groups["random"]["cuda"])
