"""The progress of a study's runs, read from their files alone: no lock is taken, and no process is asked.

A training may run on a node of a cluster, where its process cannot be seen. Its files can: it writes a line and a row
after each epoch, and a checkpoint every minute, or every twenty times the time that saving takes if that is longer. A
training that wrote nothing for `quiet_after` seconds counts as stopped if it has a checkpoint, else as waiting. There
are two mistakes:

- A training that was killed seems to run for that time.
- A training that runs seems stopped or waiting until it writes again, if one of these lasts longer than that time:
  saving a checkpoint, the first epoch with the start before it, a suspension of the process, or the difference between
  the clocks of node and reader.
"""

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from fashion.errors import UserError, printable
from fashion.records.run import Run
from fashion.records.state import Wanted, state, wanted
from fashion.study.definition import Study
from fashion.study.run_folder import CHECKPOINT, FOLDER, HISTORY, LOG, METRICS, PROVENANCE, SPEC, run_path
from fashion.study.spec import Key

WAITING, RUNNING, STOPPED, FAILED, DIVERGED, FINISHED = STATES = (
    "waiting",
    "running",
    "stopped",
    "failed",
    "diverged",
    "finished",
)
# Three checkpoints are due in this time. The other is the speed of a slow disk, for large checkpoints.
QUIET_SECONDS = 180
SLOW_DISK = 50e6  # bytes a second
# The last line of the log of a training that failed, or that could not even begin; and of one that ended otherwise.
ERROR = re.compile(r"error: |crashed: |([a-z_]\w*\.)*[A-Z]\w*(Error|Exception|Interrupt)\b")
ENDED = re.compile(": (interrupted in|test accuracy) ")
TAIL_BYTES = 1 << 14
# Files whose content is kept: a large study has some thousand runs.
KEPT = 4096


@dataclass(frozen=True, kw_only=True, eq=False)
class Progress:
    """The state of a run.

    Args:
        word: one of `STATES`.
        reason: the last line of a failed run's log, or why a run has to be trained again that has finished; else "".
        history: the epochs so far, with the columns of history.csv; None before the first has ended.
        run: the run's files, if its training has finished or diverged.
        updated: when the last epoch ended, in seconds since 1970; 0 before the first has.
    """

    word: str
    reason: str = ""
    history: pd.DataFrame | None = None
    run: Run | None = None
    updated: float = 0.0


class _Stamp(NamedTuple):
    """The time when a file was written, in seconds since 1970, and its size in bytes."""

    time: float
    size: int


ABSENT = _Stamp(0.0, 0)


def progress(study: Study, results: Path, dataset: Mapping[str, str] | None = None) -> dict[Key, Progress]:
    """Returns how far each run of a study is, while others may write to its folder of results.

    Histories and logs that have not changed since the last call are not read again. `dataset` is as in `wanted`.
    """
    return {key: _progress(key, each, results) for key, each in wanted(study, results, dataset).items()}


def quiet_after(checkpoint_bytes: int) -> float:
    """Returns the seconds without a write after which a training with such a checkpoint counts as stopped."""
    return max(QUIET_SECONDS, 2 * 20 * checkpoint_bytes / SLOW_DISK)


def _progress(key: Key, wanted: Wanted, results: Path) -> Progress:
    folder = results / run_path(FOLDER, key)
    recorded, stamps = state(folder, wanted), [_stamp(folder / file) for file in (METRICS, SPEC, HISTORY, PROVENANCE)]
    run, trained = _run(folder, *stamps), recorded.training is None
    try:
        history, updated = (run.history, stamps[2].time) if trained else (None, 0.0)
        if recorded.finished:
            word = DIVERGED if run.diverged else FINISHED
            return Progress(word=word, history=history, run=run, updated=updated)
    except UserError as error:
        return Progress(word=FAILED, reason=str(error))
    log, path = results / run_path(LOG, key), results / run_path(CHECKPOINT, key)
    logged, checkpoint, so_far = _stamp(log), _stamp(path), _stamp(path.with_suffix(".csv"))
    if not trained:
        history, updated = _history(path.with_suffix(".csv"), so_far), so_far.time
    end = _last_line(log, logged)
    written = max(logged.time, checkpoint.time, so_far.time)
    reason = recorded.why or "" if recorded.damaged or ABSENT not in stamps[1:] else ""
    if ERROR.match(end):
        word, reason = FAILED, end
    elif not ENDED.search(end) and time.time() - written < quiet_after(checkpoint.size):
        word, reason = RUNNING, ""
    elif checkpoint.size:
        word, reason = STOPPED, ""
    else:
        word = FAILED if recorded.damaged else WAITING
    return Progress(word=word, reason=reason, history=history, run=run if trained else None, updated=updated)


def _stamp(path: Path) -> _Stamp:
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    return _Stamp(status.st_mtime, status.st_size)


@lru_cache(KEPT)
def _run(folder: Path, *stamps: _Stamp) -> Run:
    """Returns the run in a folder, which keeps what it has read."""
    return Run(folder)


@lru_cache(KEPT)
def _history(path: Path, stamp: _Stamp) -> pd.DataFrame | None:
    """Returns a history so far; None if there is none."""
    try:
        return pd.read_csv(path, dtype=float) if stamp.size else None
    except (OSError, ValueError):  # removed just now: the training has finished
        return None


@lru_cache(KEPT)
def _last_line(log: Path, stamp: _Stamp) -> str:
    """Returns `last_line`, read again once the log has changed."""
    return last_line(log) if stamp.size else ""


def last_line(log: Path) -> str:
    """Returns the last line of a log that is not blank; "" if there is none."""
    try:
        with open(log, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
            lines = file.read().decode(errors="replace").split("\n")
    except OSError:
        return ""
    return next((printable(line.strip()) for line in reversed(lines) if line.strip()), "")
