"""How far runs are, by the files that they leave."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from fashion.records import progress
from fashion.records.progress import State, quiet_after, states
from fashion.records.run import Key
from fashion.study.budget import Study, resolve

HISTORY = "epoch,validation_loss,validation_accuracy,test_accuracy,seconds\n1,0.5,0.8,0.79,2\n2,0.4,0.85,0.83,2\n"
EPOCH = "vit both seed 0, epoch 2: train loss 0.4, 2.0 s, best so far"
KEY = ("vit", "both", 0)


class Results:
    """A budget's folder of results, and what the files in it say of its first run."""

    def __init__(self, folder: Path, study: Study):
        self.folder, self.study = folder, study

    def write(self, name: str, content: str = "x", age: float = 0) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        then = time.time() - age
        os.utime(path, (then, then))
        return path

    def train(self, age: float = 100, **provenance) -> None:
        for name, content in {
            "spec.json": json.dumps(self.study.specs[KEY]),
            "history.csv": HISTORY,
            "model.safetensors": "x",
            "provenance.json": json.dumps({"device": "a CPU", **provenance}),
        }.items():
            self.write(f"runs/vit/both/seed0/{name}", content, age)

    def evaluate(self, age: float = 50) -> None:
        self.write("runs/vit/both/seed0/metrics.json", json.dumps({"test_accuracy": 0.83}), age)
        self.write("runs/vit/both/seed0/predictions.npz", "x", age)

    def log(self, *lines: str, stage: str = "train", age: float = 0) -> None:
        self.write(f"logs/{stage}/vit_both_seed0.log", "".join(f"{line}\n" for line in lines), age)

    def checkpoint(self, age: float = 0, history: str | None = HISTORY) -> None:
        self.write("checkpoints/vit_both_seed0.safetensors", age=age)
        if history:
            self.write("checkpoints/vit_both_seed0.csv", history, age)

    def states(self) -> dict[Key, State]:
        return states(self.study, self.folder)

    @property
    def word(self) -> str:
        return self.states()[KEY].word


@pytest.fixture
def results(config: dict, tmp_path: Path) -> Results:
    config["budgets"]["quick"] |= {"models": ["vit", "vgg8"], "seeds": [0, 1]}
    return Results(tmp_path / "quick", resolve(config, "quick"))


def test_all_wait_where_nothing_was_done(results):
    found = results.states()
    assert list(found) == list(results.study.specs)
    for state in found.values():
        assert (state.word, state.reason, state.history, state.run, state.written) == ("waiting", "", None, None, None)


def test_a_training_runs_while_it_writes(results):
    results.log()
    assert (results.word, results.states()[KEY].history) == ("running", None)
    results.log("no CUDA device", EPOCH, age=3600)
    assert results.word == "waiting"  # with nothing to go on from
    results.checkpoint()
    state = results.states()[KEY]
    assert state.word == "running"
    assert state.history["validation_accuracy"].tolist() == [0.8, 0.85]
    assert time.time() - state.written < 60
    assert {state.word for key, state in results.states().items() if key != KEY} == {"waiting"}


def test_a_training_that_wrote_nothing_for_long_is_stopped(results):
    results.log(EPOCH, age=3600)
    results.checkpoint(age=170)
    assert results.word == "running"
    results.checkpoint(age=190)
    state = results.states()[KEY]
    assert (state.word, len(state.history)) == ("stopped", 2)


def test_a_checkpoint_that_takes_long_to_write_may_be_old():
    assert quiet_after(0) == quiet_after(10_000_000) == 180
    assert quiet_after(3_500_000_000) == 2800


def test_an_interrupted_training_is_stopped_at_once_and_runs_once_taken_up(results):
    results.checkpoint()
    results.log(EPOCH, "vit both seed 0: interrupted in epoch 3, after step 5")
    assert results.word == "stopped"
    results.log(EPOCH, "vit both seed 0: interrupted in epoch 3, after step 5", "vit both seed 0: taken up at epoch 3")
    assert results.word == "running"


@pytest.mark.parametrize(
    "last",
    [
        "error: cannot write the run to results: [Errno 28] No space left on device",
        "ValueError: bad",
        "torch.OutOfMemoryError: CUDA out of memory.",
        "zipfile.BadZipFileError",
    ],
)
@pytest.mark.parametrize("age", [0, 3600])
def test_a_failed_training_says_its_logs_last_line(results, last, age):
    results.log("x" * 100_000, EPOCH, "crashed", "Traceback (most recent call last):", last, "", age=age)
    results.checkpoint(age)
    state = results.states()[KEY]
    assert (state.word, state.reason, len(state.history)) == ("failed", last, 2)
    results.log(last, "vit both seed 0: taken up at epoch 3")
    assert results.word == "running"


def test_a_finished_run_is_one_that_was_evaluated(results):
    results.log(EPOCH)
    results.train()
    state = results.states()[KEY]
    assert (state.word, len(state.history), state.run) == ("waiting", 2, None)
    results.log("error: of an evaluation before this training", stage="evaluate", age=200)
    assert results.word == "waiting"
    results.log(stage="evaluate", age=1)
    assert results.word == "running"
    results.log("error: no", stage="evaluate", age=80)
    assert (results.word, results.states()[KEY].reason) == ("failed", "error: no")
    results.evaluate()
    state = results.states()[KEY]
    assert (state.word, state.reason, len(state.history)) == ("finished", "", 2)
    assert state.run.metrics["test_accuracy"] == 0.83


def test_a_run_of_another_spec_has_not_finished(results):
    results.train()
    results.evaluate()
    assert results.word == "finished"
    results.study.specs[KEY]["training"] = {**results.study.specs[KEY]["training"], "epochs": 4}
    assert results.word == "waiting"
    results.log()
    assert results.word == "running"


def test_a_diverged_run_has_its_own_word(results):
    results.train(diverged={"epoch": 2, "step": 3, "learning_rate": 0.1})
    results.evaluate()
    state = results.states()[KEY]
    assert (state.word, len(state.history)) == ("diverged", 2)
    assert state.run.provenance["diverged"]["step"] == 3


@pytest.mark.parametrize("file", ["spec.json", "history.csv", "provenance.json"])
def test_a_damaged_file_fails_its_run_alone(results, file):
    results.train()
    results.evaluate()
    path = results.write(f"runs/vit/both/seed0/{file}", "[1", age=100)
    state = results.states()[KEY]
    assert state.word == "failed"
    assert state.reason.startswith(f"{path}: ")
    assert {state.word for key, state in results.states().items() if key != KEY} == {"waiting"}


def test_a_history_so_far_that_has_just_gone_is_none(results):
    results.checkpoint(history="")
    assert (results.word, results.states()[KEY].history) == ("running", None)


def test_nothing_is_read_again_unless_it_changed(results, monkeypatch):
    reads = []

    def counted(read: Callable) -> Callable:
        def reading(path, *arguments, **options):
            reads.append(Path(path).name)
            return read(path, *arguments, **options)

        return reading

    monkeypatch.setattr(pd, "read_csv", counted(pd.read_csv))
    monkeypatch.setattr(progress, "open", counted(open), raising=False)
    results.log(EPOCH)
    results.checkpoint()
    results.states()
    assert sorted(reads) == ["vit_both_seed0.csv", "vit_both_seed0.log"]
    reads.clear()
    results.states()
    assert reads == []
    results.write("checkpoints/vit_both_seed0.csv", HISTORY + "3,0.3,0.86,0.84,2\n")
    assert len(results.states()[KEY].history) == 3
    assert reads == ["vit_both_seed0.csv"]
    results.train()
    results.evaluate()
    results.states()
    reads.clear()
    assert results.word == "finished"
    assert reads == []
