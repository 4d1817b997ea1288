"""Atomic writing of files, canonical JSON, and reading of JSON and Python."""

import ast
import csv
import json
import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from fashion.errors import UserError


@contextmanager
def atomic(path: str | Path) -> Generator[Path]:
    """Yields a temporary path beside `path`, and moves that file to `path` when the block ends without an error.

    A missing folder is made. After an error `path` is unchanged and the temporary file is gone.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays, because writers such as matplotlib choose their format by it.
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        # Some writers, such as safetensors, give a file to its owner alone, whatever the umask says.
        temporary.touch()
        mode = temporary.stat().st_mode
        yield temporary
        temporary.chmod(mode)
        _sync(temporary)
        os.replace(temporary, path)
        _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


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


def read_json(path: str | Path):
    """Returns the value in the JSON file at `path`.

    Raises:
        UserError: the file is missing or no JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not a readable JSON file: {error}") from error


def parse_python(path: Path) -> ast.Module:
    """Returns the syntax tree of the Python file at `path`.

    Raises:
        UserError: the file is no valid Python; names file and line.
    """
    try:
        return ast.parse(path.read_bytes())
    except SyntaxError as error:
        raise UserError(f"{path}, line {error.lineno}: {error.msg}") from error
