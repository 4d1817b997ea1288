"""What hooks into Snakemake: the console's lines, and the lock of the working directory."""

import errno
import logging
import os
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import IO

import pytest
from snakemake.logging import ColorizingTextHandler
from snakemake.persistence import PersistenceBase
from snakemake_interface_logger_plugins.common import LogEvent

from fashion.lock import lock as flock
from helpers.permission import denied
from hooks import console, lock, session

JOBS = {1: ("train", {"model": "vgg8", "augmentation": "both", "seed": "0"}), 2: ("page", {})}


def record(message: str = "", event: LogEvent | None = None, **fields) -> logging.LogRecord:
    """A log record of Snakemake's."""
    made = logging.makeLogRecord({"msg": message, "levelno": logging.INFO, **fields})
    if event:
        made.event = event
    return made


@pytest.fixture
def shown() -> Callable[[logging.LogRecord], str | None]:
    """What the console shows of a record, after two jobs have begun: None if it is filtered out."""
    formatter = console.Console(logging.Formatter("snakemake: %(message)s"))
    for job, (rule, wildcards) in JOBS.items():
        began = record("rule ...", LogEvent.JOB_INFO, jobid=job, rule_name=rule, wildcards=wildcards)
        assert not formatter.filter(began)
    return lambda made: formatter.format(made) if formatter.filter(made) else None


def test_jobs_are_shown_as_they_end(shown):
    for job in JOBS:
        assert shown(record("Finished job", LogEvent.JOB_FINISHED, job_id=job)) == ""
    line = shown(record("2 of 5 steps", LogEvent.PROGRESS, done=2, total=5))
    assert re.fullmatch(r"\d\d:\d\d:\d\d 2 of 5: train vgg8 both seed 0, page", line)
    assert shown(record("Finished job", LogEvent.JOB_FINISHED, job_id=2)) == ""
    assert shown(record("3 of 5 steps", LogEvent.PROGRESS, done=3, total=5)).endswith(" 3 of 5: page")


@pytest.mark.parametrize("event", sorted(console.SILENT - {LogEvent.JOB_INFO}), ids=lambda event: event.name)
def test_what_begins_is_not_shown(shown, event):
    assert shown(record("anything", event)) is None


@pytest.mark.parametrize("start", console.NOISE)
def test_what_says_nothing_of_this_run_is_not_shown(shown, start):
    assert shown(record(f"{start} and so on")) is None


def test_anything_else_is_shown_as_snakemake_does(shown):
    assert shown(record("Nothing to be done.")) == "snakemake: Nothing to be done."
    assert shown(record("WorkflowError: no such file", LogEvent.ERROR)) == "snakemake: WorkflowError: no such file"


def test_a_failure_is_shown_with_its_logs_last_lines(shown, tmp_path):
    long, empty = tmp_path / "long.log", tmp_path / "empty.log"
    long.write_bytes(b"\xff\n" + "".join(f"line {number}\n" for number in range(20)).encode())
    empty.touch()
    logs = [f"{long} (check log file(s) for error details)", str(empty), str(tmp_path / "missing.log")]
    error = record("Error in rule train", LogEvent.JOB_ERROR, jobid=1, rule_name="train", rule_msg=None, log=logs)
    assert shown(error).split("\n    ") == [
        "failed: train vgg8 both seed 0",
        f"{long} ends with:",
        *(f"line {number}" for number in range(20 - console.LOG_LINES, 20)),
        f"{empty} is empty",
        f"{tmp_path}/missing.log is empty",
    ]
    assert shown(record("CalledProcessError in file: the command", LogEvent.ERROR)) == ""
    other = record("Error", LogEvent.JOB_ERROR, jobid=9, rule_name="curves", rule_msg="out of memory", log=[])
    assert shown(other) == "failed: curves\n    out of memory"
    end = shown(record("Exiting because a job execution failed. Look below for error messages"))
    assert end == "2 failed, see above: train vgg8 both seed 0, curves"


@pytest.fixture
def handler():
    """Snakemake's handler on its logger, alone."""
    logger = logging.getLogger("snakemake.logging")
    before, logger.handlers = logger.handlers, [handler := ColorizingTextHandler()]
    yield handler
    logger.handlers = before


@pytest.mark.parametrize(
    ("verbose", "printshellcmds", "tidied"), [(False, False, True), (True, False, False), (False, True, False)]
)
def test_with_verbose_or_its_commands_snakemakes_own_lines_are_shown(handler, verbose, printshellcmds, tidied):
    settings = SimpleNamespace(verbose=verbose, printshellcmds=printshellcmds)
    console.tidy(SimpleNamespace(output_settings=settings))
    assert isinstance(handler.formatter, console.Console) is tidied
    assert handler.filter(record("Select jobs to execute...")) is not tidied


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A working directory that a killed Snakemake left locked."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".snakemake/locks").mkdir(parents=True)
    (tmp_path / ".snakemake/locks/0.input.lock").touch()
    return tmp_path


@pytest.fixture
def other(folder) -> Iterator[IO[str]]:
    """The kernel lock of another Snakemake that lives."""
    with (folder / ".snakemake/alive").open("a+") as file:
        assert flock(file, shared=True)
        yield file


@pytest.fixture
def no_locks(monkeypatch) -> None:
    """A file system without locks, as Lustre is unless mounted with `flock`."""

    def flock(*_: object) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr("fcntl.flock", flock)


def locked(folder: Path) -> bool:
    return any(folder.glob(".snakemake/locks/*.lock"))


def test_a_killed_snakemakes_lock_is_removed(folder, capsys):
    with lock.remove_stale():
        assert not locked(folder)
        assert capsys.readouterr().err == "removed the lock that a killed Snakemake left\n"
        assert (folder / ".snakemake/alive").read_text() == socket.gethostname()
    lock.remove_stale().close()
    assert capsys.readouterr().err == "", "there was none"


def test_a_live_snakemakes_lock_stays(folder, other, capsys):
    with lock.remove_stale():
        assert locked(folder)
        assert capsys.readouterr().err == ""
        # It holds the kernel's lock as well: a third one leaves Snakemake's alone once the other has ended.
        other.close()
        lock.remove_stale().close()
        assert locked(folder)


def test_a_folder_that_one_may_not_write_is_said_to_be_that(folder):
    with denied(folder), pytest.raises(SystemExit) as end:
        lock.remove_stale()
    assert end.value.code == f"error: {folder}: permission denied to write here; name a folder of yours by --directory"


def test_the_lock_of_another_machine_stays(folder):
    (folder / ".snakemake/alive").write_text("another host")
    lock.remove_stale().close()
    assert locked(folder)
    lock.remove_stale().close()  # now it is this one's
    assert not locked(folder)


def test_without_kernel_locks_snakemakes_own_stays(folder, no_locks):
    lock.remove_stale().close()
    assert locked(folder)


@pytest.fixture
def snakemakes_lock(monkeypatch) -> None:
    """Snakemake's own, put back in the end."""
    monkeypatch.setattr(PersistenceBase, "lock", PersistenceBase.lock)


def test_partial_results_are_made_beside_a_snakemake_that_trains(folder, other, snakemakes_lock):
    (folder / "data.npz").touch()
    with lock.join_others(folder / "data.npz"):
        assert PersistenceBase.lock is PersistenceBase.noop
        assert locked(folder), "the other's lock is not removed"
        held = rf"^error: .snakemake/partial: process {os.getpid()} on \S+ is making partial results in this folder: "
        with pytest.raises(SystemExit, match=f"{held}wait for it to end, or stop it with kill$"):
            lock.join_others(folder / "data.npz")
    lock.join_others(folder / "data.npz").release()


def test_without_the_dataset_they_wait_for_who_makes_it(folder, other, snakemakes_lock):
    with pytest.raises(SystemExit, match=r"^error: data.npz: .*; try again when it is there$"):
        lock.join_others(Path("data.npz"))


def test_where_no_one_trains_they_make_the_dataset(folder, snakemakes_lock):
    lock.join_others(Path("data.npz")).release()


def test_without_kernel_locks_partial_results_are_made_all_the_same(folder, no_locks, snakemakes_lock, caplog):
    lock.join_others(Path("data.npz")).release()
    assert "no locks on this file system (Function not implemented)" in caplog.text


def test_what_is_wrong_with_files_is_said_of_the_first_with_the_number_of_the_others():
    assert session.some([], "missing") == []
    assert session.some(["b.csv"], "missing") == ["b.csv is missing"]
    assert session.some(["b.csv", "a.csv", "c.csv"], "changed") == ["a.csv and 2 more are changed"]


def test_a_run_ends_with_a_line_for_each_failure(tmp_path):
    (tmp_path / "log").write_text("working\nerror: the disk is full\n")

    def job(seed: int, log: str = "log") -> SimpleNamespace:
        wildcards = {"model": "vit", "augmentation": "both", "seed": f"{seed:02}"}
        return SimpleNamespace(rule=SimpleNamespace(name="train"), wildcards_dict=wildcards, log=[tmp_path / log])

    assert session.failures([job(1), job(0, "missing")]) == [
        "failed: train vit both seed 00: its log is empty",
        "failed: train vit both seed 01: error: the disk is full",
    ]
    lines = session.failures(map(job, range(session.FAILURES_LISTED + 3)))
    assert (len(lines), lines[-1]) == (session.FAILURES_LISTED + 1, "failed: 3 more")
