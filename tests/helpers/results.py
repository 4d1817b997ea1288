"""A study's folder of results, as trainings that have finished and others leave it."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from fashion.records.progress import Progress, progress
from fashion.study.definition import Study
from fashion.study.run_folder import CHECKPOINT, FOLDER, LOG, run_path
from fashion.study.spec import Key
from helpers.runs import EVALUATED, TRAINED, FakeRun, make_history, make_old


class Results:
    """A folder of a study's results; what it writes is `age` seconds old."""

    def __init__(self, folder: Path, study: Study):
        self.folder, self.study = folder, study

    def path(self, key: Key, pattern: str = FOLDER) -> Path:
        """One of a run's paths; see fashion.study.run_folder."""
        return self.folder / run_path(pattern, key)

    def write(self, path: Path, content: str = "x", age: float = 0) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        make_old(path, age)
        return path

    def _fake(self, key: Key, losses: Sequence[float] = (0.4, 0.3), **facts) -> FakeRun:
        return FakeRun(self.study.specs[key], self.folder / "runs", history=make_history(losses), **facts)

    def train(self, key: Key, losses: Sequence[float] = (0.4, 0.3), age: float = 100, **provenance) -> None:
        """What a training leaves that has finished."""
        provenance = {"finished": datetime.fromtimestamp(time.time() - age, UTC).isoformat("T", "seconds")} | provenance
        self._fake(key, losses, provenance=provenance).write(*TRAINED, age=age)

    def evaluate(self, key: Key, accuracy: float = 0.83, age: float = 50) -> None:
        metrics = {"test_accuracy": accuracy, "test_images": 1000}
        self._fake(key, metrics=metrics).write(*EVALUATED, age=age)

    def finish(self, key: Key, *losses: float, accuracy: float = 0.83, **provenance) -> None:
        self.train(key, losses or (0.4, 0.3), **provenance)
        self.evaluate(key, accuracy)

    def log(self, key: Key, *lines: str, age: float = 0) -> None:
        self.write(self.path(key, LOG), "".join(f"{line}\n" for line in lines), age)

    def checkpoint(self, key: Key, *losses: float, seconds: float = 2, age: float = 0) -> None:
        """What a training leaves beside its log that has not finished: a checkpoint, and the history so far."""
        path = self.path(key, CHECKPOINT)
        self.write(path, age=age)
        if losses:
            self.write(path.with_suffix(".csv"), make_history(losses, seconds=seconds).to_csv(index=False), age)

    def run(self, key: Key, *losses: float, seconds: float = 2, age: float = 0) -> None:
        """What a training leaves that goes on."""
        self.log(key, "an epoch", age=age)
        self.checkpoint(key, *losses, seconds=seconds, age=age)

    def states(self) -> dict[Key, Progress]:
        return progress(self.study, self.folder)
