"""Files are whole or absent, and what killed writers leave goes with the next one."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib.figure
import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from fashion.files import atomic, remove_left_over, write_text
from helpers.checkout import ROOT

WRITE = """
import sys, time
from fashion.files import atomic
with atomic(sys.argv[1]) as temporary:
    temporary.write_text("half of it")
    temporary.with_name(".tmpQyUfkl").touch()  # as safetensors does
    print(temporary, flush=True)
    time.sleep(60)
"""


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@contextmanager
def writer(path: Path) -> Iterator[tuple[subprocess.Popen, Path]]:
    """A process in the middle of writing a file, and its temporary file."""
    line = [sys.executable, "-c", WRITE, str(path)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process, Path(process.stdout.readline().strip())
        finally:
            process.kill()


@pytest.mark.parametrize("name", ["table.csv", "seed0.safetensors", "no_suffix", "a [strange] name.x.png"])
def test_what_kill_9_left_is_removed_by_the_next_writer_of_that_file_alone(name, tmp_path):
    path = tmp_path / name
    path.write_text("before")
    with writer(path) as (process, left):
        process.kill()
        process.wait()
    assert path.read_text() == "before"
    assert left.exists()
    write_text(tmp_path / "another file.csv", "")
    assert left.exists()
    write_text(path, "after")
    assert path.read_text() == "after"
    assert {file.name for file in tmp_path.iterdir()} == {name, "another file.csv"}


def test_what_a_live_process_writes_stays(tmp_path):
    with writer(tmp_path / "table.csv") as (_, temporary):
        write_text(tmp_path / "table.csv", "by another")
        assert temporary.read_text() == "half of it"


def test_hidden_files_of_others_stay(tmp_path):
    others = {".table.csv.backup11", ".table.csv", ".other.csv.backup11/alive", ".table.csv.backup/alive"}
    for name in others:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    write_text(tmp_path / "table.csv", "")
    assert files(tmp_path) == {*others, "table.csv"}


WRITERS: dict[str, Callable[[Path], object]] = {
    "table.csv": lambda path: pd.DataFrame({"a": [1]}).to_csv(path),
    "figure.svg": lambda path: matplotlib.figure.Figure().savefig(path),
    "figure.png": lambda path: matplotlib.figure.Figure().savefig(path),
    "predictions.npz": lambda path: np.savez_compressed(path, a=np.zeros(9)),
    "model.safetensors": lambda path: save_file({"a": torch.zeros(9)}, path),
}


@pytest.mark.parametrize("name", WRITERS)
def test_whatever_library_writes_it_the_file_is_whole_and_as_readable_as_any(name, tmp_path):
    with atomic(tmp_path / name) as temporary:
        WRITERS[name](temporary)
        remove_left_over(tmp_path / name)  # as another writer does
        assert temporary.exists()
    assert files(tmp_path) == {name}
    (tmp_path / "usual").touch()
    assert (tmp_path / name).stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_without_locks_on_the_file_system_files_are_written_and_nothing_is_removed(tmp_path, monkeypatch):
    def flock(*_: object) -> None:
        raise OSError("Function not implemented")

    (tmp_path / ".table.csv.12345678").mkdir()
    (tmp_path / ".table.csv.12345678/alive").touch()
    monkeypatch.setattr("fcntl.flock", flock)
    write_text(tmp_path / "table.csv", "whole")
    assert files(tmp_path) == {"table.csv", ".table.csv.12345678/alive"}


def test_after_an_error_the_file_is_as_it_was(tmp_path):
    write_text(tmp_path / "table.csv", "before")
    with pytest.raises(FileNotFoundError), atomic(tmp_path / "table.csv") as temporary:
        temporary.with_name("half of it").touch()
    assert (tmp_path / "table.csv").read_text() == "before"
    assert {file.name for file in tmp_path.iterdir()} == {"table.csv"}
