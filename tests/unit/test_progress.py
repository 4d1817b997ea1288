"""How far runs are, by the files that they leave."""

import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from fashion.records import progress
from fashion.records.progress import quiet_after
from fashion.study.definition import resolve
from fashion.study.run_folder import CHECKPOINT
from helpers.results import Results

EPOCH = "vit both seed 0, epoch 2: train loss 0.4, 2.0 s, best so far"
KEY = ("vit", "both", 0)


@pytest.fixture
def results(config: dict, tmp_path: Path) -> Results:
    config["studies"]["quick"] |= {"models": ["vit", "vgg8"], "seeds": [0, 1]}
    return Results(tmp_path / "quick", resolve(config, "quick"))


def word(results: Results) -> str:
    return results.states()[KEY].word


def test_all_wait_where_nothing_was_done(results):
    found = results.states()
    assert list(found) == list(results.study.specs)
    for state in found.values():
        assert (state.word, state.reason, state.history, state.run, state.updated) == ("waiting", "", None, None, 0)


def test_a_training_runs_while_it_writes(results):
    results.log(KEY)
    assert (word(results), results.states()[KEY].history) == ("running", None)
    results.log(KEY, "no CUDA device", EPOCH, age=3600)
    assert word(results) == "waiting"  # with nothing to go on from
    results.checkpoint(KEY, 0.5, 0.4)
    state = results.states()[KEY]
    assert state.word == "running"
    assert state.history["validation_loss"].tolist() == [0.5, 0.4]
    assert state.run is None
    assert 0 <= time.time() - state.updated < 60
    assert {state.word for key, state in results.states().items() if key != KEY} == {"waiting"}


def test_a_training_that_wrote_nothing_for_long_is_stopped(results):
    results.log(KEY, EPOCH, age=3600)
    results.checkpoint(KEY, 0.5, 0.4, age=170)
    assert word(results) == "running"
    results.checkpoint(KEY, 0.5, 0.4, age=190)
    state = results.states()[KEY]
    assert (state.word, len(state.history)) == ("stopped", 2)


def test_a_checkpoint_that_takes_long_to_write_may_be_old():
    assert quiet_after(0) == quiet_after(10_000_000) == 180
    assert quiet_after(3_500_000_000) == 2800


def test_an_interrupted_training_is_stopped_at_once_and_runs_once_taken_up(results):
    results.checkpoint(KEY, 0.5, 0.4)
    results.log(KEY, EPOCH, "vit both seed 0: interrupted in epoch 3, after step 5")
    assert word(results) == "stopped"
    results.log(
        KEY, EPOCH, "vit both seed 0: interrupted in epoch 3, after step 5", "vit both seed 0: resumed at epoch 3"
    )
    assert word(results) == "running"


@pytest.mark.parametrize(
    "last",
    [
        "error: cannot write the run to results: [Errno 28] No space left on device",
        "crashed: ValueError: bad",
        "ValueError: bad",
        "torch.OutOfMemoryError: CUDA out of memory.",
        "zipfile.BadZipFileError",
    ],
)
@pytest.mark.parametrize("age", [0, 3600])
def test_a_failed_training_says_its_logs_last_line(results, last, age):
    results.log(KEY, "x" * 100_000, EPOCH, "crashed", "Traceback (most recent call last):", last, "", age=age)
    results.checkpoint(KEY, 0.5, 0.4, age=age)
    state = results.states()[KEY]
    assert (state.word, state.reason, len(state.history)) == ("failed", last, 2)
    results.log(KEY, last, "vit both seed 0: resumed at epoch 3")
    assert word(results) == "running"


def test_a_finished_run_is_one_that_was_evaluated(results):
    results.log(KEY, EPOCH)
    results.train(KEY)
    state = results.states()[KEY]
    assert (state.word, len(state.history), state.run.provenance["device"]) == ("running", 2, "a CPU")
    results.log(KEY, EPOCH, age=3600)
    assert (word(results), results.states()[KEY].reason) == ("waiting", "never evaluated")
    results.log(KEY, "error: no", age=80)
    assert (word(results), results.states()[KEY].reason) == ("failed", "error: no")
    results.evaluate(KEY)
    state = results.states()[KEY]
    assert (state.word, state.reason, len(state.history)) == ("finished", "", 2)
    assert state.run.metrics["test_accuracy"] == 0.83


def test_a_run_of_another_spec_has_not_finished(results):
    results.train(KEY)
    results.evaluate(KEY)
    assert word(results) == "finished"
    results.study.specs[KEY]["training"] = {**results.study.specs[KEY]["training"], "epochs": 4}
    results.log(KEY, EPOCH, "vit both seed 0: test accuracy 83.00% on 1000 images")
    assert (word(results), results.states()[KEY].reason) == ("waiting", "training.epochs 3 -> 4")
    results.log(KEY, EPOCH, "2026-11-28T01:02:03+00:00 on node: python -m fashion.training.train")
    assert (word(results), results.states()[KEY].reason) == ("running", "")
    results.log(KEY, "error: no")
    assert (word(results), results.states()[KEY].reason) == ("failed", "error: no")


def test_a_diverged_run_has_its_own_word(results):
    results.train(KEY, diverged={"epoch": 2, "step": 3, "learning_rate": 0.1})
    results.evaluate(KEY)
    state = results.states()[KEY]
    assert (state.word, len(state.history)) == ("diverged", 2)
    assert state.run.provenance["diverged"]["step"] == 3


@pytest.mark.parametrize("file", ["spec.json", "history.csv", "provenance.json", "metrics.json"])
def test_a_damaged_file_fails_its_run_alone(results, file):
    results.train(KEY)
    results.evaluate(KEY)
    path = results.write(results.path(KEY) / file, "[1", age=100)
    state = results.states()[KEY]
    assert state.word == "failed"
    assert state.reason.startswith(f"{path}: ")
    assert {state.word for key, state in results.states().items() if key != KEY} == {"waiting"}


def test_a_history_so_far_that_has_just_gone_is_none(results):
    results.checkpoint(KEY)
    results.write(results.path(KEY, CHECKPOINT).with_suffix(".csv"), "")
    assert (word(results), results.states()[KEY].history) == ("running", None)


def test_nothing_is_read_again_unless_it_changed(results, monkeypatch):
    reads = []

    def counted(read: Callable) -> Callable:
        def reading(path, *arguments, **options):
            reads.append(Path(path).name)
            return read(path, *arguments, **options)

        return reading

    monkeypatch.setattr(pd, "read_csv", counted(pd.read_csv))
    monkeypatch.setattr(progress, "open", counted(open), raising=False)
    results.log(KEY, EPOCH)
    results.checkpoint(KEY, 0.5, 0.4)
    results.states()
    assert sorted(reads) == ["seed0.csv", "seed0.log"]
    reads.clear()
    results.states()
    assert reads == []
    results.checkpoint(KEY, 0.5, 0.4, 0.3)
    assert len(results.states()[KEY].history) == 3
    assert reads == ["seed0.csv"]
    results.train(KEY)
    results.evaluate(KEY)
    results.states()
    reads.clear()
    assert word(results) == "finished"
    assert reads == []
