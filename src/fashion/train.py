"""Train one model as its spec says, and keep the weights of the best validation epoch."""

import argparse
import csv
import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from fashion.augment import augment_epoch, normalise
from fashion.dataset import Dataset, load
from fashion.errors import UserError, exit_on_user_error
from fashion.evaluate import predict, score, use_device
from fashion.files import atomic, read_json, write_json
from fashion.logs import configure, logger
from fashion.models import NUM_CLASSES, build, count_flops
from fashion.protocol import split_sizes
from fashion.provenance import collect
from fashion.randomness import derived_seed, generator

# A training on fewer images than this, counted over its epochs, is short on any processor.
SHORT_IMAGES = 100_000


@dataclass(frozen=True, kw_only=True)
class Split:
    """Images `[N, 1, 28, 28] uint8` and labels `[N] int64` of the three parts, on the training device."""

    train: tuple[Tensor, Tensor]
    validation: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]


def split(dataset: Dataset, training: dict, seed: int, device: torch.device) -> Split:
    """Draw `train_images` of the labelled images by seed, set a share apart for validation; the first test images.

    Raises:
        UserError: the dataset has fewer images than the spec asks for.
    """
    for key, available in (("train_images", len(dataset.train_labels)), ("test_images", len(dataset.test_labels))):
        if training[key] > available:
            raise UserError(f"training.{key}: {training[key]}, but the dataset has {available}")
    drawn = torch.randperm(len(dataset.train_labels), generator=generator(seed, "split"))
    train_index, validation_index = drawn[: training["train_images"]].split(split_sizes(training))

    def part(images: np.ndarray, labels: np.ndarray, index: Tensor) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(images)[index, None].to(device), torch.from_numpy(labels)[index].to(device)

    return Split(
        train=part(dataset.train_images, dataset.train_labels, train_index),
        validation=part(dataset.train_images, dataset.train_labels, validation_index),
        test=part(dataset.test_images, dataset.test_labels, torch.arange(training["test_images"])),
    )


def train_epoch(
    model: nn.Module, optimizer: torch.optim.Optimizer, inputs: Tensor, targets: Tensor, batch_size: int, label: str
) -> dict[str, float]:
    """One pass over `inputs` in their order, one optimisation step a batch.

    Args:
        inputs: `[N, 1, 28, 28] float32` in [-1, 1].
        targets: probabilities `[N, 10]`.
        label: what the progress bar says, and the error.

    Returns:
        `train_loss`, `train_accuracy` (means over the images, as they were seen, before each step) and
        `gradient_norm`, the L2 norm of the first step's gradient.

    Raises:
        UserError: a loss is not finite; names the step and the learning rate.
    """
    model.train()
    batches = list(zip(inputs.split(batch_size), targets.split(batch_size), strict=True))
    # Kept on the device until the epoch ends: reading a number at each step would make a GPU wait for it.
    losses = torch.empty(len(batches), device=inputs.device)
    right = torch.zeros((), dtype=torch.int64, device=inputs.device)
    gradient_norm = None
    for step, (images, probabilities) in enumerate(tqdm(batches, desc=label, unit="step", leave=False, disable=None)):
        logits = model(images)
        loss = functional.cross_entropy(logits, probabilities)
        optimizer.zero_grad()
        loss.backward()
        if gradient_norm is None:
            gradient_norm = nn.utils.get_total_norm([weight.grad for weight in model.parameters()])
        optimizer.step()
        losses[step] = loss.detach()
        right += (logits.detach().argmax(dim=1) == probabilities.argmax(dim=1)).sum()
    losses = losses.cpu()
    if not losses.isfinite().all():
        step = int((~losses.isfinite()).nonzero()[0])
        rate = optimizer.param_groups[0]["lr"]
        raise UserError(
            f"{label}, step {step + 1}: the loss is {losses[step].item()} at learning rate {rate}; "
            "a lower training.learning_rate may help"
        )
    sizes = torch.tensor([len(images) for images, _ in batches])
    return {
        "train_loss": float((losses * sizes).sum() / sizes.sum()),
        "train_accuracy": right.item() / len(inputs),
        "gradient_norm": gradient_norm.item(),
    }


def train(spec: dict, dataset: Dataset, device: torch.device) -> tuple[dict[str, Tensor], list[dict[str, float]]]:
    """Run a spec's training: Adam on cross entropy, early stopping on validation loss.

    Test loss and accuracy are recorded at each epoch, as in the report's Fig. 8, and used for nothing.

    Returns:
        The weights of the epoch with the lowest validation loss, on the CPU, and the history: a row for each epoch.
        `seconds` is the epoch's training and validation, without the test pass that is only recorded.
    """
    training, seed = spec["training"], spec["seed"]
    parts = split(dataset, training, seed, device)
    torch.manual_seed(derived_seed(seed, "weights"))
    model = build(spec["model"]).to(device=device, memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=training["learning_rate"], fused=True)
    test_inputs = normalise(parts.test[0])
    history: list[dict[str, float]] = []
    best_weights: dict[str, Tensor] = {}
    for epoch in range(1, training["epochs"] + 1):
        label = f"{spec['model']['name']} {spec['augmentation']['name']} seed {seed}, epoch {epoch}"
        started = time.perf_counter()
        torch.manual_seed(derived_seed(seed, "dropout", epoch))
        row: dict[str, float] = {"epoch": epoch}
        row |= train_epoch(model, optimizer, *training_inputs(parts, spec, epoch), training["batch_size"], label)
        inputs, targets = validation_inputs(parts, spec, epoch)
        row["validation_loss"], row["validation_accuracy"] = score(predict(model, inputs), targets)
        row["seconds"] = time.perf_counter() - started
        row["test_loss"], row["test_accuracy"] = score(predict(model, test_inputs), parts.test[1])
        history.append(row)
        best = min(history, key=lambda row: row["validation_loss"])
        if best is row:
            # Cloned, as training goes on in place; contiguous, as safetensors wants it.
            best_weights = {
                name: value.clone(memory_format=torch.contiguous_format).cpu()
                for name, value in model.state_dict().items()
            }
        parts_said = ", ".join(
            f"{part} loss {row[f'{part}_loss']:.4f} accuracy {row[f'{part}_accuracy']:.2%}"
            for part in ("train", "validation", "test")
        )
        logger.info(f"{label}: {parts_said}, {row['seconds']:.1f} s{', best so far' if best is row else ''}")
        if epoch - best["epoch"] >= training["patience"]:
            logger.info(f"stopped: no lower validation loss in {training['patience']} epochs")
            break
    return best_weights, history


def training_inputs(parts: Split, spec: dict, epoch: int) -> tuple[Tensor, Tensor]:
    """The epoch's shuffled and augmented training images `[N, 1, 28, 28]` in [-1, 1] and probabilities `[N, 10]`."""
    images, labels = parts.train
    order = torch.randperm(
        len(labels), generator=generator(spec["seed"], "order", epoch, labels.device), device=labels.device
    )
    return _augmented(images[order], labels[order], parts, spec, "augmentation", epoch)


def validation_inputs(parts: Split, spec: dict, epoch: int) -> tuple[Tensor, Tensor]:
    """Validation images in [-1, 1] with labels `[N]`, or with probabilities `[N, 10]` where they are augmented."""
    images, labels = parts.validation
    if spec["training"]["validation"] == "clean":
        return normalise(images), labels
    return _augmented(images, labels, parts, spec, "validation", epoch)


def _augmented(
    images: Tensor, labels: Tensor, parts: Split, spec: dict, purpose: str, epoch: int
) -> tuple[Tensor, Tensor]:
    # The published code mixes with all labelled images, validation among them; ours with the given ones alone.
    published = spec["training"]["validation"] == "augmented"
    partners = tuple(map(torch.cat, zip(parts.train, parts.validation, strict=True))) if published else None
    draws = generator(spec["seed"], purpose, epoch, images.device)
    return augment_epoch(images, labels, spec["augmentation"], NUM_CLASSES, draws, partners=partners)


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


def write_history(path: Path, history: list[dict[str, float]]) -> None:
    """Write one row for each epoch, in the epochs' order."""
    metrics = [f"{part}_{metric}" for part in ("train", "validation", "test") for metric in ("loss", "accuracy")]
    with atomic(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["epoch", *metrics, "seconds", "gradient_norm"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(history)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m fashion.train", description=__doc__)
    parser.add_argument(
        "--spec", type=Path, required=True, help="the run's description, JSON; /dev/stdin reads it there"
    )
    parser.add_argument("--data", type=Path, required=True, help="the dataset, as fashion.download writes it")
    parser.add_argument(
        "--output", type=Path, required=True, help="folder for spec, history, weights and provenance of the run"
    )
    parser.add_argument("--threads", type=int, help="processor threads; torch decides if not given")
    parser.add_argument("--log", type=Path, help="a file that gets the log lines too")
    arguments = parser.parse_args()
    configure(arguments.log)
    spec = read_json(arguments.spec)
    device = use_device(arguments.threads)
    if device.type == "cpu":
        warn_of_hours(spec)
    started = datetime.now(UTC)
    weights, history = train(spec, load(arguments.data), device)
    output = arguments.output
    with atomic(output / "model.safetensors") as temporary:
        save_file(weights, temporary)
    write_history(output / "history.csv", history)
    write_json(output / "spec.json", spec)
    finished = datetime.now(UTC)
    write_json(
        output / "provenance.json",
        {
            **collect(device),
            "started": started.isoformat(timespec="seconds"),
            "finished": finished.isoformat(timespec="seconds"),
            "seconds": (finished - started).total_seconds(),
        },
    )


if __name__ == "__main__":
    exit_on_user_error(main)
