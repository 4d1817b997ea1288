"""Writes histories as TensorBoard's event files, in a process of its own beside the trainings."""

import shlex
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import pandas as pd

from fashion.ask.follow import follow
from fashion.errors import UserError
from fashion.files import atomic
from fashion.records.progress import Progress
from fashion.study.definition import Study
from fashion.study.run_folder import RUN, run_path
from fashion.study.spec import Key

try:
    from tensorboard.compat.proto.event_pb2 import Event  # ty: ignore
    from tensorboard.compat.proto.summary_pb2 import Summary  # ty: ignore
    from tensorboard.summary.writer.record_writer import RecordWriter
except ModuleNotFoundError as error:
    raise UserError(f"no module {error.name}, which --to tensorboard needs: pip install 'fashion[track]'") from error

# TensorBoard wants "tfevents" in the name. A run keeps one file, so that only new epochs are written.
FILE = "events.out.tfevents.0.fashion"


def track(study: Study, results: Path, folder: Path, live: bool) -> None:
    """Writes the histories of a study's runs to a folder, once or live until all have ended; prints how to see them.

    Raises:
        UserError: a file cannot be written.
    """
    for number, found in enumerate(follow(study, results)):
        tracked = write(found, folder)
        if number == 0:
            print(
                f"{tracked} of {len(found)} runs have a history: tensorboard --logdir {shlex.quote(str(folder))}",
                flush=True,
            )
        if not live:
            break


def write(found: Mapping[Key, Progress], folder: Path) -> int:
    """Writes the histories of runs in these states to a folder, each to `<model>/<augmentation>/seed<k>/`.

    An existing file is completed. A file from another training of the run is replaced.

    Returns:
        The number of runs with a history.

    Raises:
        UserError: a file cannot be written.
    """
    histories = {key: state.history for key, state in found.items() if state.history is not None}
    for key, history in histories.items():
        _write(history, folder / run_path(RUN, key) / FILE)
    return len(histories)


def _write(history: pd.DataFrame, path: Path) -> None:
    content = events(history)
    try:
        there = path.read_bytes() if path.exists() else b""
        if not (there and content.startswith(there)):
            with atomic(path) as temporary:
                temporary.write_bytes(content)
        elif len(there) < len(content):
            # TensorBoard reads on in a file that grows, but does not notice a new file in its place.
            with open(path, "ab") as file:
                file.write(content[len(there) :])
    except OSError as error:
        raise UserError(f"cannot write {path}: {error}") from error


def events(history: pd.DataFrame) -> bytes:
    """Returns a history as the bytes of an event file: an event for each epoch, a scalar for each number of its row.

    An event's time is the training time since the start, so that the bytes depend only on the history.
    """
    file = BytesIO()
    records = RecordWriter(file)
    records.write(Event(wall_time=0, file_version="brain.Event:2").SerializeToString())
    seconds = history["seconds"].cumsum()
    for (_, row), time in zip(history.iterrows(), seconds, strict=True):
        values = row.drop("epoch").dropna()
        summary = Summary(
            value=[Summary.Value(tag=_tag(str(name)), simple_value=value) for name, value in values.items()]
        )
        records.write(Event(wall_time=time, step=int(row["epoch"]), summary=summary).SerializeToString())
    return file.getvalue()


def _tag(column: str) -> str:
    """Returns a column's name as TensorBoard groups it: loss/train, gradient_norm/features.0.weight."""
    part, _, metric = column.rpartition("_")
    return f"{metric}/{part}" if metric in ("loss", "accuracy") else column.replace(":", "/")
