"""Atomic writing of files, canonical JSON, and reading of JSON and Python."""

import ast
import csv
import glob
import hashlib
import json
import os
import shutil
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from fashion.errors import UserError
from fashion.lock import lock

# The file in a temporary folder that its writer locks.
ALIVE = "alive"


@contextmanager
def atomic(path: str | Path) -> Generator[Path]:
    """Yields a temporary path, and moves the file there to `path` when the block ends without an error.

    A missing folder is made. After an error `path` is unchanged and the temporary file is gone. What a killed writer of
    `path` left is removed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_left_over(path)
    # A folder, because libraries make temporary files of their own beside the one that they are to write.
    with (
        TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder,
        open(f"{folder}/{ALIVE}", "x") as alive,
    ):
        with suppress(OSError):  # a file system without locks
            lock(alive)
        temporary = Path(folder, path.name)
        yield temporary
        shutil.copymode(alive.name, temporary)  # safetensors makes files that only their owner can read
        _sync(temporary)
        os.replace(temporary, path)
        _sync(path.parent)


def remove_left_over(path: Path) -> None:
    """Removes the temporary folders that killed writers of `path` left: a live writer, on any machine, locks its own.

    On a file system without locks they stay.
    """
    for alive in path.parent.glob(f".{glob.escape(path.name)}.????????/{ALIVE}"):
        with suppress(OSError), open(alive, "r+") as file:
            if lock(file):
                shutil.rmtree(alive.parent)


def _sync(path: Path) -> None:
    """Forces a file, or the entries of a folder, onto the disk, so that a power cut loses nothing."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def canonical_json(value: object) -> str:
    """Returns `value` as JSON in one line with sorted keys, so that equal values give equal strings."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def write_text(path: str | Path, text: str) -> None:
    """Writes `text` to `path`, atomically."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: object) -> None:
    """Writes `value` to `path` as indented JSON with sorted keys, atomically."""
    write_text(path, json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_csv(path: str | Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Writes `rows` to `path`, atomically: at least one row, all with the columns of the first."""
    with atomic(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def sha256(path: str | Path) -> str:
    """Returns the SHA-256 of a file's bytes, as hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_json(path: str | Path):
    """Returns the value in the JSON file at `path`.

    Raises:
        UserError: the file is missing or no JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=_refuse)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not a readable JSON file: {error}") from error


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON value")


def parse_python(path: Path) -> ast.Module:
    """Returns the syntax tree of the Python file at `path`.

    Raises:
        UserError: the file is no valid Python; names file and line.
    """
    try:
        return ast.parse(path.read_bytes())
    except SyntaxError as error:
        raise UserError(f"{path}, line {error.lineno}: {error.msg}") from error
