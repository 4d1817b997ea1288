"""The configured models, small runs for tests, and a training in a process of its own, which can be killed."""

import csv
import multiprocessing
import sys
from pathlib import Path

import numpy as np
import torch
import yaml

from fashion.data.dataset import Dataset
from fashion.files import write_json

# Pytest's processes share the cores: threads that wait for each other busily slow them many-fold.
torch.set_num_threads(1)

CONFIGURED = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text())["models"]
# The two largest take gigabytes and seconds to train a step; their layers are those of the others.
LIGHT = [name for name in CONFIGURED if name not in ("vgg12", "resnet18_wide")]

MODELS = {
    "vgg": {"layers": [8, "M", 16, "M"], "hidden": [32], "dropout": 0.5},
    "resnet": {"layers": [8, "M", 16, "M"]},
    "vit": {"depth": 1, "width": 32, "heads": 4, "depthwise": "norm_first", "dropout": 0.1},
}
# Each setting that is no key of Table 3's protocol, and each augmentation that the report has not.
MODERN = {
    "optimizer": "adamw",
    "schedule": "one_cycle",
    "weight_decay": 0.02,
    "label_smoothing": 0.1,
    "ema_decay": 0.9,
    "flip_averaging": True,
}
DISTORTED = {"flip": True, "shift": 2, "erase": 8}
BOTH = {"mixup": {"alpha": 0.4}, "randaugment": {"num_ops": 2, "magnitude": 9}}

# See tests/conftest.py.
processes = multiprocessing.get_context("forkserver")


def make_spec(family: str = "vit", *, seed: int = 0, augmentation: dict | None = None, **training) -> dict:
    """A run of seconds: a small model of a family on 200 images, without augmentation unless told otherwise."""
    return {
        "model": {"name": "small", "family": family, "settings": MODELS[family]},
        "augmentation": {"name": "both" if augmentation else "none", **(augmentation or {})},
        "training": {
            "loss": "cross_entropy",
            "optimizer": "adam",
            "learning_rate": 0.003,
            "batch_size": 16,
            "epochs": 3,
            "patience": 5,
            "min_delta": 0,
            "tested_weights": "best",
            "train_images": 200,
            "validation_fraction": 0.3,
            "validation": "clean",
            "test_images": 60,
            **training,
        },
        "study": "test",
        "seed": seed,
    }


def write_dataset(path: Path, dataset: Dataset) -> Path:
    np.savez(path, **vars(dataset))
    return path


class Run:
    """A spec, a folder for its outputs, and a checkpoint beside it."""

    def __init__(self, folder: Path, spec: dict, data: Path):
        self.output, self.checkpoint, self.log = folder / "run", folder / "checkpoint.safetensors", folder / "log"
        folder.mkdir()
        write_json(folder / "spec.json", spec)
        options = {"spec": folder / "spec.json", "data": data, "output": self.output, "log": self.log}
        options |= {"checkpoint": self.checkpoint, "threads": 1}
        self.arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]

    def start(self, file_size_limit: int | None = None, checkpoint_seconds: float = 0) -> multiprocessing.Process:
        """Start `python -m fashion.training.train`, with a checkpoint after each step unless told otherwise."""
        process = processes.Process(target=_train, args=(self.arguments, file_size_limit, checkpoint_seconds))
        process.start()
        return process

    def finish(self) -> "Run":
        """Run to the end, from the checkpoint if there is one, without another."""
        process = self.start(checkpoint_seconds=1e9)
        process.join(120)
        assert process.exitcode == 0, self.log.read_text()
        return self

    def results(self) -> tuple[bytes, list[dict]]:
        """The weights' bytes, and the history without its column of seconds."""
        with open(self.output / "history.csv", newline="") as file:
            history = [{**row, "seconds": None} for row in csv.DictReader(file)]
        return (self.output / "model.safetensors").read_bytes(), history


def _train(arguments: list[str], file_size_limit: int | None, checkpoint_seconds: float) -> None:
    import resource

    from fashion.stage import exit_on_user_error
    from fashion.training import checkpoint, train

    checkpoint.SECONDS, checkpoint.SHARE = checkpoint_seconds, 0
    if file_size_limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_size_limit, file_size_limit))
    sys.argv = ["fashion.training.train", *arguments]
    exit_on_user_error(train.main)
