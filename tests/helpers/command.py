"""Python and the `fashion` command in processes of their own."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from helpers import forked


def python(*arguments: str | Path, text: str = "", **environment: str) -> subprocess.CompletedProcess:
    """Run it to its end, with `text` on its standard input; warnings are errors."""
    line = [forked.python(), "-W", "error", *map(str, arguments)]
    return subprocess.run(line, input=text, env=os.environ | environment, capture_output=True, text=True, timeout=120)


def stage(name: str, plan: dict, *options: str | Path, **environment: str) -> subprocess.CompletedProcess:
    """Run a stage that is told what to make by a plan, as the rules do."""
    return python("-m", f"fashion.{name}", "--plan", "/dev/stdin", *options, text=json.dumps(plan), **environment)


@contextmanager
def fashion(*arguments: str, folder: Path, **options) -> Iterator[subprocess.Popen]:
    """Start the command in a folder; it has ended after the block."""
    environment = os.environ | {"COLUMNS": "100", "LINES": "40", "TERM": "xterm"}
    line = [forked.python(), "-W", "error", "-m", "fashion", *arguments]
    with subprocess.Popen(line, cwd=folder, env=environment, **options) as process:
        try:
            yield process
        finally:
            process.kill()
