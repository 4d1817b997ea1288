"""Histories in TensorBoard, read back with its own reader."""

import importlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from fashion.errors import UserError
from fashion.study.definition import resolve
from helpers.command import fashion
from helpers.results import Results

pytest.importorskip("tensorboard", reason="needs the extra `track`: pip install 'fashion[track]'")

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from fashion.ask.track import events, write

KEY = ("vit", "both", 0)
PIPES = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}


@pytest.fixture
def results(config: dict, tmp_path: Path) -> Results:
    config["studies"]["quick"]["models"] = ["vit", "vgg8"]
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    return Results(tmp_path / "results/quick", resolve(config, "quick"))


def read(folder: Path) -> dict[str, list[tuple[float, int, float]]]:
    """Time, step and value of each scalar that TensorBoard finds."""
    accumulator = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
    return {
        tag: [(event.wall_time, event.step, event.value) for event in accumulator.Scalars(tag)]
        for tag in accumulator.Tags()["scalars"]
    }


def losses(folder: Path) -> list[tuple[int, float]]:
    return [(step, pytest.approx(value)) for _, step, value in read(folder)["loss/validation"]]


def test_tensorboard_reads_what_was_written(results, tmp_path):
    results.run(KEY, 0.5, 0.25, seconds=3)
    assert write(results.states(), tmp_path / "tb") == 1
    (file,) = (path for path in (tmp_path / "tb").rglob("*") if path.is_file())
    assert file.parent == tmp_path / "tb/vit/both/seed0"
    scalars = read(file.parent)
    # No GPU counted joules.
    parts = [f"{metric}/{part}" for part in ("train", "validation", "test") for metric in ("loss", "accuracy")]
    assert sorted(scalars) == sorted([*parts, "seconds"])
    assert scalars["loss/validation"] == [(3, 1, 0.5), (6, 2, 0.25)]
    assert scalars["accuracy/validation"] == [(3, 1, 0.75), (6, 2, 0.875)]


def test_layers_have_a_group_of_their_own(results, tmp_path):
    results.run(KEY, 0.5)
    frame = results.states()[KEY].history.assign(**{"gradient_norm": 2.0, "gradient_norm:features.0.weight": 1.0})
    (tmp_path / "events.out.tfevents.0").write_bytes(events(frame))
    assert {"gradient_norm", "gradient_norm/features.0.weight"} < set(read(tmp_path))


def test_what_is_there_is_completed_and_nothing_is_twice(results, tmp_path):
    folder = tmp_path / "tb/vit/both/seed0"
    results.run(KEY, 0.5, 0.25)
    write(results.states(), tmp_path / "tb")
    (file,) = folder.iterdir()
    before, inode = file.read_bytes(), file.stat().st_ino
    write(results.states(), tmp_path / "tb")
    assert file.read_bytes() == before
    results.checkpoint(KEY, 0.5, 0.25, 0.125)
    write(results.states(), tmp_path / "tb")
    # In place: TensorBoard goes on where it was.
    assert file.stat().st_ino == inode
    assert file.read_bytes().startswith(before)
    assert losses(folder) == [(1, 0.5), (2, 0.25), (3, 0.125)]
    # The finished run has the same history, and leaves elsewhere.
    results.finish(KEY, 0.5, 0.25, 0.125)
    write(results.states(), tmp_path / "tb")
    assert losses(folder) == [(1, 0.5), (2, 0.25), (3, 0.125)]
    assert list(folder.iterdir()) == [file]


@pytest.mark.parametrize("cut", [1, 5, 60])
def test_one_that_was_interrupted_is_completed(results, tmp_path, cut):
    results.run(KEY, 0.5, 0.25)
    write(results.states(), tmp_path / "tb")
    (file,) = (tmp_path / "tb/vit/both/seed0").iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:-cut])
    write(results.states(), tmp_path / "tb")
    assert file.read_bytes() == whole


def test_another_training_of_the_run_replaces_it(results, tmp_path):
    for values in [(0.5, 0.25), (0.75, 0.25, 0.125), (0.5,)]:
        results.run(KEY, *values)
        write(results.states(), tmp_path / "tb")
        assert losses(tmp_path / "tb/vit/both/seed0") == list(enumerate(values, start=1))


def test_the_command_writes_once_and_says_where(results, tmp_path):
    results.run(KEY, 0.5, 0.25)
    results.finish(("vgg8", "both", 0))
    arguments = ("track", "--to", "tensorboard", "--study", "quick")
    with fashion(*arguments, folder=tmp_path, **PIPES) as process:
        out, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (0, b"")
    assert out == b"2 of 2 runs have a history: tensorboard --logdir results/quick/tensorboard\n"
    assert len(losses(tmp_path / "results/quick/tensorboard/vit/both/seed0")) == 2
    assert len(losses(tmp_path / "results/quick/tensorboard/vgg8/both/seed0")) == 2


def test_live_it_goes_on_until_interrupted(results, tmp_path):
    results.run(KEY, 0.5)
    arguments = ("track", "--to", "tensorboard", "my events", "--study", "quick", "--live")
    with fashion(*arguments, folder=tmp_path, **PIPES) as process:
        said = process.stdout.readline()
        assert said == b"1 of 2 runs have a history: tensorboard --logdir 'my events'\n"
        results.run(KEY, 0.5, 0.25)
        deadline = time.monotonic() + 30
        while len(losses(tmp_path / "my events/vit/both/seed0")) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60) == (b"", b"")
    assert process.returncode == 0


def test_a_folder_that_cannot_be_written_is_named(results, tmp_path):
    results.run(KEY, 0.5)
    (tmp_path / "tb").write_text("a file")
    with pytest.raises(UserError, match=f"^cannot write {tmp_path}/tb/vit/both/seed0/"):
        write(results.states(), tmp_path / "tb")


def test_without_tensorboard_it_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto.event_pb2", None)
    monkeypatch.delitem(sys.modules, "fashion.ask.track")
    with pytest.raises(UserError, match=r"^no module tensorboard.*: pip install 'fashion\[track\]'$"):
        importlib.import_module("fashion.ask.track")
