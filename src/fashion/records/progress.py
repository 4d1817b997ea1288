"""How far a study's runs are, by their files alone: nothing is locked, and no process is asked.

A training may run on a node of a cluster, where its process is not seen. What is seen is that it writes: a line and a
row after each epoch, a checkpoint at least every minute or every twenty times what saving one takes. So a training
that wrote nothing for `quiet_after` seconds counts as stopped, if it has a checkpoint to go on from, or else as not
begun. That is wrong

- for so long after a training was killed without a word: it seems to run;
- where writing a checkpoint takes longer than assumed, or an epoch and the start of a training without any checkpoint
  do, or the process is suspended, or the clocks of node and reader differ by so much: a training that runs seems
  stopped or waiting, until it writes again.
"""

import os
import re
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from fashion.errors import UserError
from fashion.records.run import Run, finished_runs
from fashion.study.definition import Study
from fashion.study.run_folder import (
    CHECKPOINT,
    EVALUATION_LOG,
    FOLDER,
    HISTORY,
    METRICS,
    PROVENANCE,
    SPEC,
    TRAINING_LOG,
    run_path,
)
from fashion.study.spec import Key

WAITING, RUNNING, STOPPED, FAILED, DIVERGED, FINISHED = STATES = (
    "waiting",
    "running",
    "stopped",
    "failed",
    "diverged",
    "finished",
)
# Three checkpoints' time, and that of a large one on a slow disk.
QUIET_SECONDS = 180
SLOW_DISK = 50e6  # bytes a second
# How a log ends of a stage that failed, or that could not even begin.
ERROR = re.compile(r"error: |crashed: |([a-z_]\w*\.)*[A-Z]\w*(Error|Exception|Interrupt)\b")
TAIL_BYTES = 1 << 14
# Files whose content is kept: a large study has some thousand runs.
KEPT = 4096


@dataclass(frozen=True, kw_only=True, eq=False)
class State:
    """How far a run is.

    Args:
        word: one of `STATES`; of a training that has finished, its evaluation's.
        reason: why it failed, its log's last line; else "".
        history: the epochs so far, with the columns of history.csv; None before the first has ended.
        run: what it left, if its training has finished; diverged ones have.
        updated: when the last of these epochs ended, in seconds since 1970; 0 before the first has.
    """

    word: str
    reason: str = ""
    history: pd.DataFrame | None = None
    run: Run | None = None
    updated: float = 0.0


class _Stamp(NamedTuple):
    """When a file was written, in seconds since 1970, and its bytes."""

    time: float
    size: int


ABSENT = _Stamp(0.0, 0)


def states(study: Study, results: Path) -> dict[Key, State]:
    """The state of each run of a study, whose results are in a folder that others may be writing to.

    Files that have not changed since the last call are not read again.
    """
    finished = finished_runs(results)
    return {key: _state(key, spec, results, key in finished) for key, spec in study.specs.items()}


def quiet_after(checkpoint_bytes: int) -> float:
    """The seconds after which a training with such a checkpoint that wrote nothing counts as stopped."""
    return max(QUIET_SECONDS, 2 * 20 * checkpoint_bytes / SLOW_DISK)


def _state(key: Key, spec: dict, results: Path, finished: bool) -> State:
    folder = results / run_path(FOLDER, key)
    try:
        run_stamps = [_stamp(folder / file) for file in (METRICS, SPEC, HISTORY, PROVENANCE)]
        run = _run(folder, *run_stamps)
        trained = ABSENT not in run_stamps[1:] and run.spec == spec
        if trained and finished and run.metrics:
            word = DIVERGED if run.diverged else FINISHED
            return State(word=word, history=run.history, run=run, updated=run_stamps[2].time)
        history, updated = (run.history, run_stamps[2].time) if trained else (None, 0.0)
    except UserError as error:
        return State(word=FAILED, reason=str(error))
    if trained:
        log, since, checkpoint, so_far = results / run_path(EVALUATION_LOG, key), run_stamps[-1].time, ABSENT, ABSENT
    else:
        log, since = results / run_path(TRAINING_LOG, key), 0.0
        path = results / run_path(CHECKPOINT, key)
        checkpoint, so_far = _stamp(path), _stamp(path.with_suffix(".csv"))
        history, updated = _history(path.with_suffix(".csv"), so_far), so_far.time
    logged = _stamp(log)
    if logged.time < since:  # by the evaluation of the run's predecessor
        logged = ABSENT
    end = _last_line(log, logged)
    written = max(logged.time, checkpoint.time, so_far.time)
    if ERROR.match(end):
        word = FAILED
    elif ": interrupted in " not in end and time.time() - written < quiet_after(checkpoint.size):
        word = RUNNING
    else:
        word = STOPPED if checkpoint.size else WAITING
    return State(
        word=word, reason=end if word == FAILED else "", history=history, run=run if trained else None, updated=updated
    )


def _stamp(path: Path) -> _Stamp:
    try:
        status = path.stat()
    except FileNotFoundError:
        return ABSENT
    return _Stamp(status.st_mtime, status.st_size)


@lru_cache(KEPT)
def _run(folder: Path, *stamps: _Stamp) -> Run:
    """The run in a folder; it keeps what is read of it."""
    return Run(folder)


@lru_cache(KEPT)
def _history(path: Path, stamp: _Stamp) -> pd.DataFrame | None:
    """A history so far; None if there is none."""
    try:
        return pd.read_csv(path, dtype=float) if stamp.size else None
    except (OSError, ValueError):  # removed just now: the training has finished
        return None


@lru_cache(KEPT)
def _last_line(log: Path, stamp: _Stamp) -> str:
    """`last_line`, read again once the log has changed."""
    return last_line(log) if stamp.size else ""


def last_line(log: Path) -> str:
    """The last line of a log that says something; "" if there is none."""
    try:
        with open(log, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
            lines = file.read().decode(errors="replace").split("\n")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
