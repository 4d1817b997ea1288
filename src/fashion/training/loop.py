"""The training of one run, which can stop between any two steps and be taken up again with the same numbers."""

import math
import time
from collections.abc import Callable, Sequence

import torch
from safetensors import SafetensorError
from torch import Tensor
from tqdm import tqdm

from fashion.data.dataset import Dataset
from fashion.errors import UserError
from fashion.image import normalise
from fashion.models.build import build
from fashion.stage import logger
from fashion.training.checkpoint import Checkpoint
from fashion.training.inference import logits_of, score
from fashion.training.inputs import split, training_inputs, validation_inputs
from fashion.training.meter import Meter
from fashion.training.seeds import derived_seed
from fashion.training.step import make_optimizer, make_step

PARTS = ("train", "validation", "test")
COLUMNS = (
    "epoch",
    *(f"{part}_{metric}" for part in PARTS for metric in ("loss", "accuracy")),
    "seconds",
    "joules",
    "gradient_norm",
)

# Seconds between checkpoints: at least so many, and so many times what the last one took, since VGG12's has gigabytes.
CHECKPOINT_SECONDS = 60
CHECKPOINT_SHARE = 20


class Interrupted(Exception):
    """A signal asked to stop, and the state is saved."""


def epochs_without_gain(validation_losses: Sequence[float], min_delta: float) -> int:
    """Early stopping's count after these epochs, by the rule of the report's published code.

    A loss below the lowest so far resets it; one above the lowest plus `min_delta`, or one that is no number, adds one;
    one in between changes nothing.
    """
    lowest, count = math.inf, 0
    for loss in validation_losses:
        if loss < lowest:
            lowest, count = loss, 0
        elif not (loss <= lowest + min_delta and math.isfinite(loss)):
            count += 1
    return count


class Training:
    """A run, able to stop between any two steps and to be taken up again: Adam on cross entropy, early stopping.

    Test loss and accuracy are recorded at each epoch, as in the report's Fig. 8, and used for nothing.

    Args:
        spec: the run's description; see `fashion.study.config`.
        checkpoint: where the state is saved, and taken up from if there is one; None saves nothing.
        stop: asked after each step; once it says so, the state is saved and `Interrupted` raised.
    """

    def __init__(
        self,
        spec: dict,
        dataset: Dataset,
        device: torch.device,
        checkpoint: Checkpoint | None = None,
        stop: Callable[[], bool] = lambda: False,
    ):
        training, seed = spec["training"], spec["seed"]
        self.spec, self.checkpoint, self.stop = spec, checkpoint, stop
        self.name = f"{spec['model']['name']} {spec['augmentation']['name']} seed {seed}"
        self.parts = split(dataset, training, seed, device)
        self.test_inputs = normalise(self.parts.test[0])
        torch.manual_seed(derived_seed(seed, "weights"))
        self.model = build(spec["model"]).to(device=device, memory_format=torch.channels_last)
        self.optimizer = make_optimizer(self.model, training["learning_rate"])
        self.step = make_step(self.model, self.optimizer)
        self.weights = dict(self.model.named_parameters())
        # Of matrices and kernels, one for each layer; biases and norms have too few entries to say much.
        self.layers = [name for name, weight in self.weights.items() if weight.dim() > 1]
        self.columns = (*COLUMNS, *(f"gradient_norm:{name}" for name in self.layers))
        self.history: list[dict[str, float]] = []
        self.tested_weights: dict[str, Tensor] = {}
        # Of the epoch under way. Kept on the device: reading a number at each step would make a GPU wait for it.
        steps = math.ceil(len(self.parts.train[1]) / training["batch_size"])
        self.steps_done, self.spent, self.meter = 0, (0.0, 0.0), Meter(device)
        self.losses = torch.zeros(steps, device=device)
        self.right = torch.zeros((), dtype=torch.int64, device=device)
        self.gradient_norms = torch.zeros(len(self.weights), device=device)
        if checkpoint and (saved := checkpoint.load()):
            self._restore(*saved)
            logger.info(f"{self.name}: taken up at epoch {self.epoch}, after step {self.steps_done} of {steps}")
        self.saved_at, self.saving_took = time.perf_counter(), 0.0

    @property
    def epoch(self) -> int:
        """The epoch under way, from 1."""
        return len(self.history) + 1

    @property
    def best(self) -> dict[str, float]:
        """The history's row with the lowest validation loss."""
        return min(
            self.history, key=lambda row: math.inf if math.isnan(row["validation_loss"]) else row["validation_loss"]
        )

    def run(self) -> tuple[dict[str, Tensor], list[dict[str, float]]]:
        """Train to the end.

        Returns:
            The weights to be tested, on the CPU: those of the epoch with the lowest validation loss, or of the last, as
            `tested_weights` of the spec's training says; and the history, a row for each epoch.
            `train_loss` and `train_accuracy` are means over the images as the model saw them, before each step;
            `gradient_norm` is the L2 norm of the first step's gradient, `gradient_norm:<weight>` that of one layer's;
            `seconds` and `joules` (NaN where no GPU's driver counts them) are of the epoch's training and validation,
            without the test pass that is only recorded.

        Raises:
            UserError: a loss is not finite; names epoch, step and learning rate. Or a parameter gets no gradient.
            Interrupted: `stop` said so.
        """
        training = self.spec["training"]
        while self.epoch <= training["epochs"]:
            losses = [row["validation_loss"] for row in self.history]
            if epochs_without_gain(losses, training["min_delta"]) >= training["patience"]:
                logger.info(f"{self.name}: stopped, {training['patience']} epochs without a lower validation loss")
                break
            self._run_epoch()
        return self.tested_weights, self.history

    def _run_epoch(self) -> None:
        epoch, batch_size, label = self.epoch, self.spec["training"]["batch_size"], f"{self.name}, epoch {self.epoch}"
        self.meter.start(*self.spent)
        if self.steps_done == 0:
            torch.manual_seed(derived_seed(self.spec["seed"], "dropout", epoch))
        images, probabilities = training_inputs(self.parts, self.spec, epoch)
        batches = list(zip(images.split(batch_size), probabilities.split(batch_size), strict=True))
        self.model.train()
        with tqdm(
            desc=label, unit="step", initial=self.steps_done, total=len(batches), leave=False, disable=None
        ) as bar:
            for batch in batches[self.steps_done :]:
                loss, right = self.step(*batch)
                self.losses[self.steps_done] = loss
                self.right += right
                if self.steps_done == 0:
                    self._measure_gradients()
                self.steps_done += 1
                bar.update()
                self._pause()
        row = {"epoch": epoch, **self._training_metrics(label, [len(images) for images, _ in batches])}
        inputs, targets = validation_inputs(self.parts, self.spec, epoch)
        validation = score(logits_of(self.model, inputs, self._pause), targets)
        row["validation_loss"], row["validation_accuracy"] = validation
        seconds, joules = self.meter.read()
        test = score(logits_of(self.model, self.test_inputs, self._pause), self.parts.test[1])
        row["test_loss"], row["test_accuracy"] = test
        row["seconds"], row["joules"] = seconds, joules
        row["gradient_norm"] = self.gradient_norms.norm().item()
        norms = dict(zip(self.weights, self.gradient_norms.tolist(), strict=True))
        row |= {f"gradient_norm:{name}": norms[name] for name in self.layers}
        self.history.append(row)
        if self.best is row or self.spec["training"]["tested_weights"] == "last":
            # Cloned, as training goes on in place; contiguous, as safetensors wants it.
            self.tested_weights = {
                name: value.clone(memory_format=torch.contiguous_format).cpu()
                for name, value in self.model.state_dict().items()
            }
        self.steps_done, self.spent = 0, (0.0, 0.0)
        self.right.zero_()
        parts = (f"{part} loss {row[f'{part}_loss']:.4f} accuracy {row[f'{part}_accuracy']:.2%}" for part in PARTS)
        logger.info(f"{label}: {', '.join(parts)}, {seconds:.1f} s{', best so far' if self.best is row else ''}")

    def _measure_gradients(self) -> None:
        """Keep the norm of each weight's gradient; a `UserError` where a weight has none."""
        for name, weight in self.weights.items():
            if weight.grad is None:
                raise UserError(
                    f"{self.name}: the model's {name} gets no gradient: no image passes it; remove it from the model"
                )
        norms = [torch.linalg.vector_norm(weight.grad) for weight in self.weights.values()]
        self.gradient_norms.copy_(torch.stack(norms))

    def _training_metrics(self, label: str, batch_sizes: list[int]) -> dict[str, float]:
        """The epoch's training loss and accuracy; a `UserError` where a loss is not finite."""
        losses, sizes = self.losses.cpu(), torch.tensor(batch_sizes)
        if not losses.isfinite().all():
            step = int((~losses.isfinite()).nonzero()[0])
            raise UserError(
                f"{label}, step {step + 1}: the loss is {losses[step].item()} at learning rate "
                f"{self.spec['training']['learning_rate']}; a lower training.learning_rate may help"
            )
        images = int(sizes.sum())
        return {"train_loss": float((losses * sizes).sum()) / images, "train_accuracy": self.right.item() / images}

    def _pause(self) -> None:
        """Save if it is time to, or if asked to stop."""
        stopping = self.stop()
        due = self.saved_at + max(CHECKPOINT_SECONDS, CHECKPOINT_SHARE * self.saving_took)
        if self.checkpoint and (stopping or time.perf_counter() > due):
            self._save()
        if stopping:
            raise Interrupted(f"{self.name}: interrupted in epoch {self.epoch}, after step {self.steps_done}")

    def _save(self) -> None:
        began = time.perf_counter()
        try:
            self.checkpoint.save(self._tensors(), {"steps_done": self.steps_done})
        except (OSError, SafetensorError) as error:
            logger.warning(f"{self.name}: the checkpoint cannot be written, the one before it stays ({error})")
        self.saved_at = time.perf_counter()
        self.saving_took = self.saved_at - began

    def _tensors(self) -> dict[str, Tensor]:
        """All of the state that is not a number or two."""
        rows = [[row[column] for column in self.columns] for row in self.history]
        return {
            **{f"model {name}": value for name, value in self.model.state_dict().items()},
            **{f"tested {name}": value for name, value in self.tested_weights.items()},
            **{
                f"optimizer {index} {key}": value
                for index, state in self.optimizer.state_dict()["state"].items()
                for key, value in state.items()
            },
            "history": torch.tensor(rows, dtype=torch.float64).view(-1, len(self.columns)),
            "spent": torch.tensor(self.meter.read(), dtype=torch.float64),
            "losses": self.losses,
            "right": self.right,
            "gradient_norms": self.gradient_norms,
            "random": torch.get_rng_state(),
            **({"cuda_random": torch.cuda.get_rng_state()} if self.losses.is_cuda else {}),
        }

    def _restore(self, tensors: dict[str, Tensor], state: dict) -> None:
        groups: dict[str, dict[str, Tensor]] = {"model": {}, "tested": {}, "optimizer": {}}
        for name, value in tensors.items():
            group, _, rest = name.partition(" ")
            if rest:
                groups[group][rest] = value
        self.model.load_state_dict(groups["model"])
        self.tested_weights = groups["tested"]
        moments: dict[int, dict[str, Tensor]] = {}
        weights = list(self.weights.values())
        for name, value in groups["optimizer"].items():
            index, key = name.split()
            if value.dim():
                # In its weight's memory format: the fused kernel goes through both in the order of memory.
                value = torch.empty_like(weights[int(index)]).copy_(value)
            moments.setdefault(int(index), {})[key] = value
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": moments})
        self.history = [dict(zip(self.columns, row, strict=True)) for row in tensors["history"].tolist()]
        for row in self.history:
            row["epoch"] = int(row["epoch"])
        self.losses.copy_(tensors["losses"])
        self.right.copy_(tensors["right"])
        self.gradient_norms.copy_(tensors["gradient_norms"])
        torch.set_rng_state(tensors["random"])
        if "cuda_random" in tensors:
            torch.cuda.set_rng_state(tensors["cuda_random"])
        self.steps_done, self.spent = state["steps_done"], tuple(tensors["spent"].tolist())
