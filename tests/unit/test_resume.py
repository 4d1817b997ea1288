"""Whoever pulls the plug loses seconds, and gets the same numbers to the last bit."""

import csv
import json
import math
import os
import platform
import random
import re
import shutil
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from fashion.files import write_json
from fashion.training.checkpoint import Checkpoint
from fashion.training.loop import Interrupted, Training
from helpers.specs import BOTH, MODELS, make_spec
from helpers.training import Run, write_dataset

KILLS = 8  # of each family's training: 24 in all
EPOCHS = 10  # of a training that is stopped once; one that is killed again and again has more


@pytest.fixture(scope="module")
def data(dataset, tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("data") / "data.npz", dataset)


@pytest.fixture(scope="module")
def undisturbed(data, tmp_path_factory):
    """The results of the training that is stopped, never interrupted."""
    return Run(tmp_path_factory.mktemp("undisturbed") / "vgg", slow_spec("vgg"), data).finish().results()


def slow_spec(family: str, epochs: int = EPOCHS) -> dict:
    # Of one family under the published protocol, which tests the last epoch's weights.
    published = {"validation": "augmented", "tested_weights": "last", "min_delta": 0.001} if family == "resnet" else {}
    return make_spec(family, augmentation=BOTH, epochs=epochs, patience=epochs, **published)


def wait_for(condition, process, seconds=60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.is_alive(), f"ended too early, with status {process.exitcode}"
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("family", MODELS)
def test_killed_at_random_moments_it_ends_with_the_same_numbers(family, data, tmp_path):
    moments, spec = random.Random(family), slow_spec(family, epochs=25)
    undisturbed = Run(tmp_path / "undisturbed", spec, data).finish().results()
    run = Run(tmp_path / "run", spec, data)
    kills = 0
    while kills < KILLS:
        process = run.start()
        # A checkpoint is written after each step, so that many of the kills fall into the writing of one.
        process.join(moments.uniform(0.1, 0.5))
        if process.is_alive():
            process.kill()
            process.join()
            kills += 1
        else:  # a fast machine: it got to its end between two kills
            assert run.results() == undisturbed
            shutil.rmtree(run.output)
    run.finish()
    assert run.results() == undisturbed
    assert not run.checkpoint.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT])
def test_a_signal_saves_the_state_and_exits_with_143(number, data, undisturbed, tmp_path):
    run = Run(tmp_path / "run", slow_spec("vgg"), data)
    process = run.start(checkpoint_seconds=1e9)  # so that only the signal can be the reason to save
    wait_for(lambda: run.log.exists() and "epoch 2:" in run.log.read_text(), process)
    os.kill(process.pid, number)
    process.join(60)
    assert process.exitcode == 143
    first = run.log.read_text()
    assert "interrupted in epoch" in first.splitlines()[-1]
    assert not run.output.exists()
    run.finish()
    assert run.results() == undisturbed
    provenance = json.loads((run.output / "provenance.json").read_text())
    assert provenance["attempts"] == 2
    # Nothing of the first attempt is lost, and the second says where it resumed.
    second = run.log.read_text().removeprefix(first).splitlines()
    assert re.match(r"\d{4}-\d\d-\d\dT\S+ on \S+: ", second[0])
    assert second[1].startswith("small both seed 0: resumed at epoch ")
    assert second[-2] == f"small both seed 0: ended after all of {EPOCHS} epochs"


def test_a_repeated_training_adds_to_its_log(data, tmp_path):
    run = Run(tmp_path / "run", make_spec("vgg"), data).finish()
    first = run.log.read_text()
    run.finish()
    assert run.log.read_text().startswith(first)
    lines = [line.partition(": ")[2] for line in run.log.read_text().splitlines()]
    assert lines.count("started") == lines.count("trained already, evaluated again") == 1


def test_a_second_training_of_a_run_ends_and_says_which_process_has_it(data, undisturbed, tmp_path):
    run = Run(tmp_path / "run", slow_spec("vgg"), data)
    first = run.start()
    wait_for(run.checkpoint.exists, first)
    os.kill(first.pid, signal.SIGSTOP)
    before = run.checkpoint.read_bytes()
    second = run.start(waiting_seconds=0)
    second.join(60)
    assert second.exitcode == 1
    assert run.log.read_text().splitlines()[-1] == (
        f"error: {run.output}.lock: process {first.pid} on {platform.node()} is training this run: "
        "wait for it to end, or stop it with kill"
    )
    assert run.checkpoint.read_bytes() == before
    os.kill(first.pid, signal.SIGCONT)
    first.join(60)
    assert first.exitcode == 0
    assert run.results() == undisturbed
    assert not run.output.with_name("run.lock").exists()


def test_a_training_waits_for_one_that_saves_its_state_and_goes_on_from_there(data, undisturbed, tmp_path):
    run = Run(tmp_path / "run", slow_spec("vgg"), data)
    first = run.start(checkpoint_seconds=1e9)
    wait_for(lambda: run.log.exists() and "epoch 2:" in run.log.read_text(), first)
    os.kill(first.pid, signal.SIGSTOP)
    second = run.start(checkpoint_seconds=1e9)
    wait_for(lambda: f"process {first.pid} on" in run.log.read_text(), second)
    os.kill(first.pid, signal.SIGTERM)
    os.kill(first.pid, signal.SIGCONT)
    for process, status in ((first, 143), (second, 0)):
        process.join(60)
        assert process.exitcode == status
    log = run.log.read_text()
    assert log.index("waiting up to 60 s") < log.index("interrupted in epoch") < log.index("resumed at epoch")
    assert run.results() == undisturbed


def test_a_training_whose_lock_was_taken_away_writes_no_results(data, undisturbed, tmp_path):
    run = Run(tmp_path / "run", slow_spec("vgg"), data)
    process = run.start()
    wait_for(run.checkpoint.exists, process)
    os.kill(process.pid, signal.SIGSTOP)
    run.output.with_name("run.lock").unlink()  # as with the whole folder
    os.kill(process.pid, signal.SIGCONT)
    process.join(60)
    assert process.exitcode == 1
    last = run.log.read_text().splitlines()[-1]
    assert last == f"error: {run.output}.lock was removed, or taken by another training: this one writes no results"
    assert not run.output.exists()
    assert run.finish().results() == undisturbed


def test_what_kill_9_left_of_a_checkpoint_is_gone_after_the_next_training(data, tmp_path):
    run = Run(tmp_path / "run", make_spec("vgg"), data)
    left = run.checkpoint.with_name(f".{run.checkpoint.name}.12345678")
    left.mkdir()
    for name in ("alive", run.checkpoint.name, ".tmpQyUfkl"):
        (left / name).touch()
    run.finish()  # too short to save a checkpoint
    assert sorted(path.name for path in left.parent.iterdir()) == ["log", "log.attempts", "run", "spec.json"]


@pytest.fixture
def interrupted(data, tmp_path):
    """A run that was stopped, with its last two checkpoints."""
    run = Run(tmp_path / "run", slow_spec("vgg"), data)
    process = run.start()
    wait_for(run.checkpoint.with_suffix(".safetensors.previous").exists, process)
    process.terminate()
    process.join()
    return run


def flip(path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        flip,
        lambda path: path.write_bytes(path.read_bytes().replace(b"steps_done", b"steps_dome")),
        lambda path: path.write_bytes(path.read_bytes()[:-1000]),
        lambda path: path.write_bytes(b"no checkpoint at all"),
        lambda path: path.write_bytes(b""),
    ],
    ids=["one bit", "a letter of the values", "truncated", "foreign", "empty"],
)
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(damage, interrupted, undisturbed):
    damage(interrupted.checkpoint)
    interrupted.finish()
    log = interrupted.log.read_text()
    assert f"{interrupted.checkpoint} cannot be read" in log
    assert "resumed at epoch" in log
    assert interrupted.results() == undisturbed


def test_without_a_usable_checkpoint_the_training_starts_afresh(interrupted, undisturbed):
    flip(interrupted.checkpoint)
    interrupted.checkpoint.with_suffix(".safetensors.previous").write_bytes(b"")
    interrupted.finish()
    log = interrupted.log.read_text()
    assert log.count("cannot be read") == 2
    assert "resumed at epoch" not in log
    assert interrupted.results() == undisturbed


def test_a_checkpoint_of_another_spec_is_not_taken_up(interrupted, data, tmp_path):
    other = Run(tmp_path / "other", make_spec("vgg", seed=1), data)
    os.replace(interrupted.checkpoint, other.checkpoint)
    other.finish()
    log = other.log.read_text()
    assert "is from another spec, code, dataset or device; it is not used" in log
    assert "resumed at epoch" not in log


@pytest.mark.parametrize("tested", ["best", "last"])
def test_taken_up_after_its_best_epoch_it_keeps_those_weights_and_stops_in_the_same_epoch(tested, dataset, tmp_path):
    # Labels by chance can only be learned by heart, so that the validation loss soon rises.
    dataset = replace(dataset, train_labels=np.random.default_rng(0).permutation(dataset.train_labels))
    spec, device = make_spec(learning_rate=0.01, epochs=20, patience=4, tested_weights=tested), torch.device("cpu")
    weights, history = Training(spec, dataset, device).run()
    best = min(history, key=lambda row: row["validation_loss"])["epoch"]
    assert best + 4 == len(history) < 20
    checkpoint = Checkpoint(tmp_path / "checkpoint.safetensors", "key")
    training = Training(spec, dataset, device, checkpoint, lambda: training.state.epoch == best + 2)
    with pytest.raises(Interrupted, match=f"interrupted in epoch {best + 2}, after step 1"):
        training.run()
    resumed, resumed_history = Training(spec, dataset, device, checkpoint).run()
    assert [row["validation_loss"] for row in resumed_history] == [row["validation_loss"] for row in history]
    assert resumed.keys() == weights.keys()
    assert all(torch.equal(resumed[name], weights[name]) for name in weights)


def test_a_training_that_diverges_does_so_when_it_is_taken_up_too(dataset, tmp_path):
    spec, device = make_spec(learning_rate=1e30), torch.device("cpu")
    checkpoint = Checkpoint(tmp_path / "checkpoint.safetensors", "key")
    training = Training(spec, dataset, device, checkpoint, lambda: training.state.steps_done == 4)
    with pytest.raises(Interrupted):  # after the step that diverges, which its epoch's end notices
        training.run()
    assert training.diverged is None
    resumed = Training(spec, dataset, device, checkpoint)
    _, history = resumed.run()
    assert resumed.diverged == {"epoch": 1, "step": 2, "learning_rate": 1e30}
    assert math.isnan(history[-1]["train_loss"])


def test_a_checkpoint_gives_back_what_was_saved_and_the_one_before_is_kept(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    checkpoint = Checkpoint(path, "key")
    assert checkpoint.load() is None
    tensors = {"a b": torch.arange(6.0).view(2, 3).T, "scalar": torch.tensor(7), "empty": torch.zeros(0)}
    values = {"step": 1, "row": {"b": 0.1, "a": math.nan}}
    checkpoint.save(tensors, values)
    checkpoint.save({"a b": torch.zeros(1)}, {"step": 2})
    assert checkpoint.load()[1] == {"step": 2}
    path.unlink()  # as between the two moves of a save
    loaded, loaded_values = checkpoint.load()
    assert repr(loaded_values) == repr(values)
    assert all(torch.equal(loaded[name], tensors[name]) for name in tensors)
    assert Checkpoint(path, "another key").load() is None
    checkpoint.remove()
    assert not list(tmp_path.iterdir())


def test_the_history_so_far_is_beside_the_checkpoint_until_the_training_has_finished(data, undisturbed, tmp_path):
    run = Run(tmp_path / "run", slow_spec("vgg"), data)
    process = run.start(checkpoint_seconds=1e9)
    wait_for(lambda: run.log.exists() and "epoch 3:" in run.log.read_text(), process)
    process.terminate()
    process.join(60)
    with open(run.checkpoint.with_suffix(".csv"), newline="") as file:
        history = [{**row, "seconds": None} for row in csv.DictReader(file)]
    assert 3 <= len(history) < EPOCHS
    assert history == undisturbed[1][: len(history)]
    run.finish()
    assert not run.checkpoint.with_suffix(".csv").exists()


def test_a_training_that_is_taken_up_shows_its_history_before_its_first_step(dataset, tmp_path):
    spec, device, history = make_spec(), torch.device("cpu"), tmp_path / "checkpoint.csv"
    history.write_text("of an earlier training")
    checkpoint = Checkpoint(tmp_path / "checkpoint.safetensors", "key")
    with pytest.raises(Interrupted, match="epoch 1, after step 1"):
        Training(spec, dataset, device, checkpoint, lambda: True).run()
    assert not history.exists()
    training = Training(spec, dataset, device, checkpoint, lambda: training.state.epoch == 3)
    with pytest.raises(Interrupted):
        training.run()
    shown = history.read_text()
    assert shown.count("\n") == 3
    history.unlink()
    with pytest.raises(Interrupted, match="epoch 3, after step 2"):
        Training(spec, dataset, device, checkpoint, lambda: True).run()
    assert history.read_text() == shown


def test_a_history_so_far_that_cannot_be_written_ends_no_training(dataset, tmp_path, caplog):
    (tmp_path / "checkpoint.csv").mkdir()
    checkpoint = Checkpoint(tmp_path / "checkpoint.safetensors", "key")
    _, history = Training(make_spec(), dataset, torch.device("cpu"), checkpoint).run()
    assert len(history) == 3
    assert caplog.text.count("checkpoint.csv: the history so far cannot be written") == 4


def test_a_checkpoint_that_takes_long_is_written_less_often(tmp_path, monkeypatch):
    now = 0.0
    monkeypatch.setattr("fashion.training.checkpoint.time.perf_counter", lambda: now)
    checkpoint = Checkpoint(tmp_path / "checkpoint.safetensors", "key")

    def due_after() -> int:
        nonlocal now
        began = now
        while not checkpoint.due():
            now += 1
        return now - began

    def slow_save(tensors, path, metadata) -> None:
        nonlocal now
        now += 10
        path.touch()

    assert due_after() == 61
    checkpoint.save({}, {})
    assert due_after() == 61
    monkeypatch.setattr("fashion.training.checkpoint.save_file", slow_save)
    checkpoint.save({}, {})
    assert due_after() == 201


def test_a_full_disk_is_one_clear_line_and_earlier_files_stay(data, tmp_path):
    run = Run(tmp_path / "run", make_spec("vgg"), data).finish()
    before = {path: path.read_bytes() for path in run.output.iterdir()}
    write_json(tmp_path / "run/spec.json", make_spec("vgg", seed=1))
    process = run.start(file_size_limit=10_000)  # bytes: more than the log needs, less than the weights
    process.join(120)
    assert process.exitcode == 1
    *_, warning, error = (line for line in run.log.read_text().splitlines() if "epoch" not in line)
    assert "the checkpoint cannot be written; the last one stays" in warning
    assert error.startswith(f"error: cannot write the run to {run.output}: ")
    assert {path: path.read_bytes() for path in run.output.iterdir()} == before
    assert sorted(path.name for path in run.output.parent.iterdir()) == [
        "checkpoint.csv",
        "log",
        "log.attempts",
        "run",
        "spec.json",
    ]
