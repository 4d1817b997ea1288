"""A study's folder of results with made-up files, as trainings under way and finished ones leave them."""

import json
import os
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from fashion.records.progress import State, states
from fashion.records.run import Key
from fashion.study.study import Study

COLUMNS = "epoch,train_loss,train_accuracy,validation_loss,validation_accuracy,test_loss,test_accuracy,seconds,joules"


def history(*losses: float, seconds: float = 2) -> str:
    """A history with these validation losses."""
    rows = (f"{n},0.5,0.8,{loss},{1 - loss / 2},0.5,0.79,{seconds},\n" for n, loss in enumerate(losses, start=1))
    return f"{COLUMNS}\n{''.join(rows)}"


class Results:
    """A folder of a study's results; what it writes is `age` seconds old."""

    def __init__(self, folder: Path, study: Study):
        self.folder, self.study = folder, study

    def write(self, name: str, content: str = "x", age: float = 0) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        then = time.time() - age
        os.utime(path, (then, then))
        return path

    def train(self, key: Key, losses: Iterable[float] = (0.4, 0.3), age: float = 100, **provenance) -> None:
        """What a training leaves that has finished."""
        finished = datetime.fromtimestamp(time.time() - age, UTC).isoformat(timespec="seconds")
        for name, content in {
            "spec.json": json.dumps(self.study.specs[key]),
            "history.csv": history(*losses),
            "model.safetensors": "x",
            "provenance.json": json.dumps({"device": "a CPU", "finished": finished, **provenance}),
        }.items():
            self.write(f"{_folder(key)}/{name}", content, age)

    def evaluate(self, key: Key, accuracy: float = 0.83, age: float = 50) -> None:
        self.write(f"{_folder(key)}/metrics.json", json.dumps({"test_accuracy": accuracy, "test_images": 1000}), age)
        self.write(f"{_folder(key)}/predictions.npz", "x", age)

    def finish(self, key: Key, *losses: float, accuracy: float = 0.83, **provenance) -> None:
        self.train(key, losses or (0.4, 0.3), **provenance)
        self.evaluate(key, accuracy)

    def log(self, key: Key, *lines: str, stage: str = "train", age: float = 0) -> None:
        self.write(f"logs/{stage}/{_name(key)}.log", "".join(f"{line}\n" for line in lines), age)

    def checkpoint(self, key: Key, so_far: str | None = None, age: float = 0) -> None:
        """What a training leaves beside its log that has not finished."""
        self.write(f"checkpoints/{_name(key)}.safetensors", age=age)
        if so_far is not None:
            self.write(f"checkpoints/{_name(key)}.csv", so_far, age)

    def run(self, key: Key, *losses: float, seconds: float = 2, age: float = 0) -> None:
        """What a training leaves that goes on."""
        self.log(key, "an epoch", age=age)
        self.checkpoint(key, history(*losses, seconds=seconds), age)

    def states(self) -> dict[Key, State]:
        return states(self.study, self.folder)


def _name(key: Key) -> str:
    return "{}_{}_seed{}".format(*key)


def _folder(key: Key) -> str:
    return "runs/{}/{}/seed{}".format(*key)
