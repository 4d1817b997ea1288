"""Locks: one process at a time, named to the others, and free however that process ends."""

import errno
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fashion.errors import UserError
from fashion.lock import Lock
from helpers.checkout import ROOT

HOLD = """
import sys, time
from pathlib import Path
from fashion.lock import Lock
with Lock(Path(sys.argv[1]), "is here", 10):
    print("locked", flush=True)
    time.sleep(float(sys.argv[2]))
"""
# Fails if another holds the lock too: that one's file exists.
TAKE_TURNS = """
import os, sys
from pathlib import Path
from fashion.lock import Lock
for _ in range(30):
    with Lock(Path(sys.argv[1]), "is here", 60):
        os.close(os.open(sys.argv[1] + ".held", os.O_CREAT | os.O_EXCL))
        os.unlink(sys.argv[1] + ".held")
"""


def start(script: str, *arguments: str | Path) -> subprocess.Popen:
    line = [sys.executable, "-W", "error", "-c", script, *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    return subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@contextmanager
def holder(path: Path, seconds: float = 60) -> Iterator[subprocess.Popen]:
    """A process that holds a lock for some seconds, unless it is ended before."""
    with start(HOLD, path, seconds) as process:
        assert process.stdout.readline() == "locked\n", process.communicate()
        try:
            yield process
        finally:
            process.kill()


def test_a_second_process_is_told_who_holds_the_lock_and_where(tmp_path):
    with holder(tmp_path / "lock") as process:
        said = f"{tmp_path}/lock: process {process.pid} on {platform.node()} is here: "
        with pytest.raises(UserError, match=f"^{re.escape(said)}wait for it to end, or stop it with kill$"):
            Lock(tmp_path / "lock", "is here")


def test_after_kill_9_it_is_free(tmp_path):
    with holder(tmp_path / "lock") as process:
        process.kill()
        process.wait()
        assert (tmp_path / "lock").exists()
        with Lock(tmp_path / "lock", "is here") as lock:
            assert lock.held()
    assert not list(tmp_path.iterdir())


def test_it_is_waited_for(tmp_path, caplog):
    caplog.set_level("INFO")
    with holder(tmp_path / "lock", seconds=0.5) as process:
        Lock(tmp_path / "lock", "is here", 30).release()
    (said,) = caplog.messages
    assert said.startswith(f"{tmp_path}/lock: process {process.pid} on ")
    assert said.endswith(" is here; waiting up to 30 s for it to end")


def test_it_is_not_waited_for_longer_than_that(tmp_path):
    began = time.monotonic()
    with holder(tmp_path / "lock"), pytest.raises(UserError, match="is here"):
        Lock(tmp_path / "lock", "is here", 0.5)
    assert 0.5 < time.monotonic() - began < 10


def test_processes_that_take_turns_never_hold_it_together(tmp_path):
    processes = [start(TAKE_TURNS, tmp_path / "lock") for _ in range(4)]
    ends = [(process.communicate(timeout=60)[1], process.returncode) for process in processes]
    assert all(status == 0 for _, status in ends), ends
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "lock").unlink(),
        lambda folder: shutil.rmtree(folder),
        lambda folder: folder.rename(f"{folder}.old"),
        # As a backup that is restored.
        lambda folder: (
            shutil.copytree(folder, f"{folder}.copy"),
            shutil.rmtree(folder),
            Path(f"{folder}.copy").rename(folder),
        ),
    ],
    ids=["removed", "with its folder", "moved away", "replaced by a copy"],
)
def test_it_is_not_held_any_more_once_its_file_is_another(change, tmp_path):
    with Lock(tmp_path / "folder/lock", "is here") as lock:
        assert lock.held()
        change(tmp_path / "folder")
        assert not lock.held()


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK])
def test_a_file_system_without_locks_is_told_from_a_lock_that_is_held(number, tmp_path, monkeypatch, caplog):
    def flock(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", flock)
    first = Lock(tmp_path / "lock", "is here")
    assert caplog.messages == [
        f"{tmp_path}/lock: no locks on this file system ({os.strerror(number)}); let nothing else write"
    ]
    assert first.held()
    first.owner = "process 1 on another machine"
    first.path.write_text(first.owner)
    with Lock(tmp_path / "lock", "is here") as second:
        assert (first.held(), second.held()) == (False, True), "the one before has been replaced"
        first.release()
        assert second.held()


def test_where_nothing_can_be_written_it_is_refused_in_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"^\S+/file/lock cannot be written: (Not a directory|File exists)$"):
        Lock(tmp_path / "file/lock", "is here")
