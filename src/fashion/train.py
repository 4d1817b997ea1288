"""Train one model as its spec says, and keep the weights of the best validation epoch.

Interrupted by SIGTERM, SIGUSR1 or SIGINT, a training finishes its step, saves its state and exits with status 143; the
same command goes on from there, or after kill -9 from the last regular checkpoint, and ends with the same numbers.
"""

import argparse
import csv
import hashlib
import math
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn
from tqdm import tqdm

from fashion.augment import normalise
from fashion.checkpoint import Checkpoint
from fashion.dataset import Dataset, load
from fashion.digest import code_digests
from fashion.errors import UserError, exit_on_user_error
from fashion.files import atomic, canonical_json, write_json
from fashion.inference import predict, score, use_device
from fashion.inputs import split, training_inputs, validation_inputs
from fashion.logs import configure, logger
from fashion.models import build, count_flops
from fashion.protocol import read_spec
from fashion.provenance import collect
from fashion.randomness import derived_seed
from fashion.step import make_optimizer, make_step

PARTS = ("train", "validation", "test")
COLUMNS = (
    "epoch",
    *(f"{part}_{metric}" for part in PARTS for metric in ("loss", "accuracy")),
    "seconds",
    "gradient_norm",
)

# Seconds between checkpoints: at least so many, and so many times what the last one took, since VGG12's has gigabytes.
CHECKPOINT_SECONDS = 60
CHECKPOINT_SHARE = 20

# A training on fewer images than this, counted over its epochs, is short on any processor.
SHORT_IMAGES = 100_000

INTERRUPTED = 143


class Interrupted(Exception):
    """A signal asked to stop, and the state is saved."""


class Training:
    """A run, able to stop between any two steps and to be taken up again: Adam on cross entropy, early stopping.

    Test loss and accuracy are recorded at each epoch, as in the report's Fig. 8, and used for nothing.

    Args:
        spec: the run's description; see `fashion.config`.
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
        self.history: list[dict[str, float]] = []
        self.best_weights: dict[str, Tensor] = {}
        # Of the epoch under way. Kept on the device: reading a number at each step would make a GPU wait for it.
        steps = math.ceil(len(self.parts.train[1]) / training["batch_size"])
        self.steps_done, self.seconds = 0, 0.0
        self.losses = torch.zeros(steps, device=device)
        self.right = torch.zeros((), dtype=torch.int64, device=device)
        self.gradient_norm = torch.zeros((), device=device)
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
            The weights of the epoch with the lowest validation loss, on the CPU, and the history: a row for each epoch.
            `train_loss` and `train_accuracy` are means over the images as the model saw them, before each step;
            `gradient_norm` is the L2 norm of the first step's gradient; `seconds` are the epoch's training and
            validation, without the test pass that is only recorded.

        Raises:
            UserError: a loss is not finite; names epoch, step and learning rate.
            Interrupted: `stop` said so.
        """
        training = self.spec["training"]
        while self.epoch <= training["epochs"]:
            if self.history and self.epoch - 1 - self.best["epoch"] >= training["patience"]:
                logger.info(f"{self.name}: stopped, no lower validation loss in {training['patience']} epochs")
                break
            self._run_epoch()
        return self.best_weights, self.history

    def _run_epoch(self) -> None:
        epoch, batch_size, label = self.epoch, self.spec["training"]["batch_size"], f"{self.name}, epoch {self.epoch}"
        self.started = time.perf_counter() - self.seconds
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
                    self.gradient_norm.copy_(
                        nn.utils.get_total_norm([weight.grad for weight in self.model.parameters()])
                    )
                self.steps_done += 1
                bar.update()
                self._pause()
        row = {"epoch": epoch, **self._training_metrics(label, [len(images) for images, _ in batches])}
        inputs, targets = validation_inputs(self.parts, self.spec, epoch)
        validation = score(predict(self.model, inputs, self._pause), targets)
        row["validation_loss"], row["validation_accuracy"] = validation
        seconds = time.perf_counter() - self.started
        test = score(predict(self.model, self.test_inputs, self._pause), self.parts.test[1])
        row["test_loss"], row["test_accuracy"] = test
        row["seconds"], row["gradient_norm"] = seconds, self.gradient_norm.item()
        self.history.append(row)
        if self.best is row:
            # Cloned, as training goes on in place; contiguous, as safetensors wants it.
            self.best_weights = {
                name: value.clone(memory_format=torch.contiguous_format).cpu()
                for name, value in self.model.state_dict().items()
            }
        self.steps_done, self.seconds = 0, 0.0
        self.right.zero_()
        parts = (f"{part} loss {row[f'{part}_loss']:.4f} accuracy {row[f'{part}_accuracy']:.2%}" for part in PARTS)
        logger.info(f"{label}: {', '.join(parts)}, {seconds:.1f} s{', best so far' if self.best is row else ''}")

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
        now = time.perf_counter()
        self.seconds = now - self.started
        stopping = self.stop()
        if self.checkpoint and (
            stopping or now - self.saved_at > max(CHECKPOINT_SECONDS, CHECKPOINT_SHARE * self.saving_took)
        ):
            self._save()
        if stopping:
            raise Interrupted(f"{self.name}: interrupted in epoch {self.epoch}, after step {self.steps_done}")

    def _save(self) -> None:
        began = time.perf_counter()
        try:
            self.checkpoint.save(self._tensors(), {"steps_done": self.steps_done, "seconds": self.seconds})
        except (OSError, SafetensorError) as error:
            logger.warning(f"{self.name}: the checkpoint cannot be written, training goes on without ({error})")
        self.saved_at = time.perf_counter()
        self.saving_took = self.saved_at - began

    def _tensors(self) -> dict[str, Tensor]:
        """All of the state that is not a number or two."""
        rows = [[row[column] for column in COLUMNS] for row in self.history]
        return {
            **{f"model {name}": value for name, value in self.model.state_dict().items()},
            **{f"best {name}": value for name, value in self.best_weights.items()},
            **{
                f"optimizer {index} {key}": value
                for index, state in self.optimizer.state_dict()["state"].items()
                for key, value in state.items()
            },
            "history": torch.tensor(rows, dtype=torch.float64).view(-1, len(COLUMNS)),
            "losses": self.losses,
            "right": self.right,
            "gradient_norm": self.gradient_norm,
            "random": torch.get_rng_state(),
            **({"cuda_random": torch.cuda.get_rng_state()} if self.losses.is_cuda else {}),
        }

    def _restore(self, tensors: dict[str, Tensor], state: dict) -> None:
        groups: dict[str, dict[str, Tensor]] = {"model": {}, "best": {}, "optimizer": {}}
        for name, value in tensors.items():
            group, _, rest = name.partition(" ")
            if rest:
                groups[group][rest] = value
        self.model.load_state_dict(groups["model"])
        self.best_weights = groups["best"]
        moments: dict[int, dict[str, Tensor]] = {}
        weights = list(self.model.parameters())
        for name, value in groups["optimizer"].items():
            index, key = name.split()
            if value.dim():
                # In its weight's memory format: the fused kernel goes through both in the order of memory.
                value = torch.empty_like(weights[int(index)]).copy_(value)
            moments.setdefault(int(index), {})[key] = value
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": moments})
        self.history = [dict(zip(COLUMNS, row, strict=True)) for row in tensors["history"].tolist()]
        for row in self.history:
            row["epoch"] = int(row["epoch"])
        self.losses.copy_(tensors["losses"])
        self.right.copy_(tensors["right"])
        self.gradient_norm.copy_(tensors["gradient_norm"])
        torch.set_rng_state(tensors["random"])
        if "cuda_random" in tensors:
            torch.cuda.set_rng_state(tensors["cuda_random"])
        self.steps_done, self.seconds = state["steps_done"], state["seconds"]


def warn_of_hours(spec: dict) -> None:
    """Say how long a long training takes at least on this processor, and what takes minutes instead."""
    training = spec["training"]
    # A backward pass costs two forward passes.
    images = training["epochs"] * (3 * training["train_images"] + training["test_images"])
    if images < SHORT_IMAGES:
        return
    size = 2048
    matrix = torch.ones(size, size)
    started = time.perf_counter()
    matrix @ matrix
    seconds_per_flop = (time.perf_counter() - started) / (2 * size**3)
    hours = math.ceil(images * count_flops(spec["model"]) * seconds_per_flop / 3600)
    logger.warning(
        f"no CUDA device: all {training['epochs']} epochs of this run take {hours} hours or more; "
        "`make quick` shows the whole pipeline in minutes"
    )


def checkpoint_key(spec: dict, data: Path, device: torch.device) -> str:
    """A digest of all that a training's numbers depend on."""
    with open(data, "rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    code = code_digests("fashion.train", f"fashion.models.{spec['model']['family']}")
    return hashlib.sha256(canonical_json([spec, code, content, device.type]).encode()).hexdigest()


def write_outputs(output: Path, spec: dict, weights: dict[str, Tensor], history: list[dict], provenance: dict) -> None:
    """Write the run's four files, each whole or not at all; a `UserError` if the disk does not take them."""
    try:
        with atomic(output / "model.safetensors") as temporary:
            save_file(weights, temporary)
        with atomic(output / "history.csv") as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(history)
        write_json(output / "spec.json", spec)
        write_json(output / "provenance.json", provenance)
    except (OSError, SafetensorError) as error:
        raise UserError(f"cannot write the run to {output}: {error}") from error


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m fashion.train", description=__doc__)
    parser.add_argument(
        "--spec", type=Path, required=True, help="the run's description, JSON; /dev/stdin reads it there"
    )
    parser.add_argument("--data", type=Path, required=True, help="the dataset, as fashion.download writes it")
    parser.add_argument(
        "--output", type=Path, required=True, help="folder for spec, history, weights and provenance of the run"
    )
    parser.add_argument("--checkpoint", type=Path, help="the file that an interrupted training is taken up from")
    parser.add_argument("--threads", type=int, help="processor threads; torch decides if not given")
    parser.add_argument("--log", type=Path, help="a file that gets the log lines too")
    arguments = parser.parse_args()
    asked_to_stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT):
        signal.signal(number, lambda *_: asked_to_stop.set())
    configure(arguments.log)
    spec = read_spec(arguments.spec)
    device = use_device(arguments.threads)
    if device.type == "cpu":
        warn_of_hours(spec)
    started = datetime.now(UTC)
    checkpoint = None
    if arguments.checkpoint:
        checkpoint = Checkpoint(arguments.checkpoint, checkpoint_key(spec, arguments.data, device))
    try:
        weights, history = Training(spec, load(arguments.data), device, checkpoint, asked_to_stop.is_set).run()
    except Interrupted as interruption:
        logger.info(interruption)
        sys.exit(INTERRUPTED)
    finished = datetime.now(UTC)
    provenance = {
        **collect(device),
        "started": started.isoformat(timespec="seconds"),
        "finished": finished.isoformat(timespec="seconds"),
        "seconds": (finished - started).total_seconds(),
    }
    write_outputs(arguments.output, spec, weights, history, provenance)
    if checkpoint:
        checkpoint.remove()


if __name__ == "__main__":
    exit_on_user_error(main)
