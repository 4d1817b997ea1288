"""The training of a run. It can stop after any step, and goes on later with the same numbers."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from tqdm import tqdm

from fashion.data.dataset import Dataset
from fashion.errors import UserError
from fashion.image import normalise
from fashion.machine.meter import Meter
from fashion.models.build import build
from fashion.stage import logger
from fashion.study.spec import run_name
from fashion.study.stopping import epochs_without_gain
from fashion.training.checkpoint import Checkpoint
from fashion.training.inference import logits_of, place, score
from fashion.training.inputs import split, training_inputs, validation_inputs
from fashion.training.optimizer import WeightAverage, learning_rate, make_optimizer, set_learning_rate
from fashion.training.seeds import derived_seed
from fashion.training.state import State
from fashion.training.step import make_step

PARTS = ("train", "validation", "test")


class Interrupted(Exception):
    """A training was asked to stop, and its state is saved."""


class Training:
    """The training of a run, with cross entropy and early stopping.

    Test loss and accuracy are recorded after each epoch, and select nothing.

    Args:
        spec: the run's spec.
        checkpoint: the checkpoint to go on from, and to save state and history to; None saves nothing.
        stop: called after each step; if it returns True, the state is saved and `Interrupted` is raised.
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
        self.name = run_name(spec)
        self.parts = split(dataset, training, seed, device)
        self.test_inputs = normalise(self.parts.test[0])
        torch.manual_seed(derived_seed(seed, "weights"))
        self.model = place(build(spec["model"]), device)
        # A spec lacks the keys of settings that config.yaml does not set.
        optimizer = make_optimizer(
            self.model, training["learning_rate"], training["optimizer"], training.get("weight_decay", 0.0)
        )
        average = WeightAverage(self.model, training["ema_decay"]) if "ema_decay" in training else None
        self.step = make_step(
            self.model,
            optimizer,
            precision=training.get("precision", "float32"),
            label_smoothing=training.get("label_smoothing", 0.0),
            average=average,
        )
        self.state = State(self.model, optimizer, math.ceil(len(self.parts.train[1]) / training["batch_size"]), average)
        self.meter = Meter(device)
        # Epoch, step and learning rate of the first loss that is not finite.
        self.diverged: dict[str, float] | None = None

    def run(self) -> tuple[dict[str, Tensor], list[dict[str, float]]]:
        """Trains to the end, from the checkpoint if there is one: all epochs, early stopping, or divergence.

        A training diverges if a loss is not finite. It ends after that epoch, whose row in the history has NaN or
        infinite losses, and `diverged` says where.

        Returns:
            The weights to test, on the CPU, and the history, a row for each epoch. The weights come from the epoch with
            the lowest validation loss or from the last one, as the setting `tested_weights` says.
            In a row, `train_loss` and `train_accuracy` are means over the augmented images, each before its step.
            `gradient_norm` is the L2 norm of the first step's gradient, `gradient_norm:<weight>` the norm of one
            layer's. `seconds` and `joules` (NaN where no GPU's driver counts them) cover training and validation, not
            the test pass.

        Raises:
            UserError: a parameter gets no gradient.
            Interrupted: `stop` returned True.
        """
        state, training = self.state, self.spec["training"]
        if self.checkpoint and (saved := self.checkpoint.load()):
            state.restore(*saved)
            done = f"after step {state.steps_done} of {state.steps}"
            logger.info(f"{self.name}: resumed at epoch {state.epoch}, {done}")
        else:
            logger.info(f"{self.name}: started")
        self._show_history()
        while state.epoch <= training["epochs"]:
            losses = [row["validation_loss"] for row in state.history]
            if epochs_without_gain(losses, training["min_delta"]) >= training["patience"]:
                logger.info(f"{self.name}: stopped after {training['patience']} epochs without a lower validation loss")
                break
            self._run_epoch()
            self._show_history()
            if self.diverged:
                where = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in self.diverged.items())
                logger.info(f"{self.name}: diverged, loss not finite at {where}; a lower learning rate may help")
                break
        else:
            logger.info(f"{self.name}: ended after all of {training['epochs']} epochs")
        return {name: value.cpu() for name, value in state.tested_weights.items()}, state.history

    def _run_epoch(self) -> None:
        state, label = self.state, f"{self.name}, epoch {self.state.epoch}"
        row: dict[str, float] = {"epoch": state.epoch}
        self.meter.start(*state.spent)
        row["train_loss"], row["train_accuracy"] = self._train(label)
        inputs, targets = validation_inputs(self.parts, self.spec, state.epoch)
        validation = score(logits_of(state.tested_model, inputs, self._pause), targets)
        row["validation_loss"], row["validation_accuracy"] = validation
        seconds, joules = self.meter.read()
        test = score(logits_of(state.tested_model, self.test_inputs, self._pause), self.parts.test[1])
        row["test_loss"], row["test_accuracy"] = test
        row["seconds"], row["joules"] = seconds, joules
        state.history.append(row | self._gradient_norms())
        best = state.best is state.history[-1]
        if best or self.spec["training"]["tested_weights"] == "last":
            state.keep_weights()
        state.start_epoch()
        parts = (f"{part} loss {row[f'{part}_loss']:.4f} accuracy {row[f'{part}_accuracy']:.2%}" for part in PARTS)
        logger.info(f"{label}: {', '.join(parts)}, {seconds:.1f} s{', best so far' if best else ''}")

    def _train(self, label: str) -> tuple[float, float]:
        """Takes the steps of the epoch that are not done yet, and returns its training loss and accuracy."""
        state, epoch, training = self.state, self.state.epoch, self.spec["training"]
        if state.steps_done == 0:
            torch.manual_seed(derived_seed(self.spec["seed"], "dropout", epoch))
        inputs = training_inputs(self.parts, self.spec, epoch)
        batches = list(zip(*(tensor.split(training["batch_size"]) for tensor in inputs), strict=True))
        self.model.train()
        bar = tqdm(desc=label, unit="step", initial=state.steps_done, total=len(batches), leave=False, disable=None)
        with bar:
            for batch in batches[state.steps_done :]:
                self._prepare_step()
                loss, right = self.step(*batch)
                state.losses[state.steps_done] = loss
                state.right += right
                if state.steps_done == 0:
                    self._measure_gradients()
                state.steps_done += 1
                bar.update()
                self._pause()
        losses, sizes = state.losses.cpu(), torch.tensor([len(images) for images, _ in batches])
        if not losses.isfinite().all():
            step = int((~losses.isfinite()).nonzero()[0])
            self.diverged = {"epoch": epoch, "step": step + 1, "learning_rate": training["learning_rate"]}
        images = int(sizes.sum())
        return float((losses * sizes).sum()) / images, state.right.item() / images

    def _prepare_step(self) -> None:
        """Sets what depends only on the number of the step, so that a resumed training sets it again."""
        state, training, step = self.state, self.spec["training"], self.state.steps_before
        if "schedule" in training:
            steps = state.steps * training["epochs"]
            rate = learning_rate(training["schedule"], training["learning_rate"], step, steps)
            set_learning_rate(state.optimizer, rate)
        if state.average:
            state.average.before_step(step)

    def _measure_gradients(self) -> None:
        """Keeps the norm of each weight's gradient; raises a `UserError` if a weight has no gradient."""
        norms = []
        for name, weight in self.model.named_parameters():
            if weight.grad is None:
                raise UserError(f"{self.name}: the model's {name} gets no gradient: forward does not use it; remove it")
            norms.append(torch.linalg.vector_norm(weight.grad))
        self.state.gradient_norms = torch.stack(norms)

    def _gradient_norms(self) -> dict[str, float]:
        """Returns the history's columns on the first step's gradient: its norm, and the norm of each layer's."""
        norms = self.state.gradient_norms.cpu()
        named = zip(self.model.named_parameters(), norms.tolist(), strict=True)
        # Only matrices and kernels, one a layer: biases and norms have too few entries to say much.
        of_layers = {f"gradient_norm:{name}": norm for (name, weight), norm in named if weight.dim() > 1}
        return {"gradient_norm": norms.norm().item(), **of_layers}

    def _show_history(self) -> None:
        """Writes the history so far, for those who watch the training."""
        if self.checkpoint:
            self.checkpoint.show(self.state.history)

    def _pause(self) -> None:
        """Saves the state if it is time to, or if asked to stop; then raises `Interrupted`."""
        stopping = self.stop()
        if self.checkpoint and (stopping or self.checkpoint.due()):
            self.state.spent = self.meter.read()
            self.checkpoint.save(*self.state.saved())
        if stopping:
            where = f"epoch {self.state.epoch}, after step {self.state.steps_done}"
            raise Interrupted(f"{self.name}: interrupted in {where}")
