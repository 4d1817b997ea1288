"""A training in a process of its own, which can be killed."""

import csv
import multiprocessing
import sys
from pathlib import Path

import numpy as np

from fashion.data.dataset import Dataset
from fashion.files import write_json

# See tests/conftest.py.
processes = multiprocessing.get_context("forkserver")


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

    def start(
        self, file_size_limit: int | None = None, checkpoint_seconds: float = 0, waiting_seconds: float = 60
    ) -> multiprocessing.Process:
        """Start `python -m fashion.training.train`, with a checkpoint after each step unless told otherwise."""
        given = (self.arguments, file_size_limit, checkpoint_seconds, waiting_seconds)
        process = processes.Process(target=_train, args=given)
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


def _train(
    arguments: list[str], file_size_limit: int | None, checkpoint_seconds: float, waiting_seconds: float
) -> None:
    import resource

    from fashion.stage import exit_on_user_error
    from fashion.training import checkpoint, train

    checkpoint.SECONDS, checkpoint.SHARE, train.SAVING_SECONDS = checkpoint_seconds, 0, waiting_seconds
    if file_size_limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_size_limit, file_size_limit))
    sys.argv = ["fashion.training.train", *arguments]
    exit_on_user_error(train.main)
