"""The `fashion` command in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextmanager
def fashion(*arguments: str, folder: Path, **options) -> Iterator[subprocess.Popen]:
    """Start it in a folder; it has ended after the block."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "COLUMNS": "100", "LINES": "40", "TERM": "xterm"}
    line = [sys.executable, "-W", "error", "-m", "fashion", *arguments]
    with subprocess.Popen(line, cwd=folder, env=environment, **options) as process:
        try:
            yield process
        finally:
            process.kill()
