"""A stage's log: every attempt begins with a line of its own, and its last line says why it ended."""

import subprocess
import sys
from pathlib import Path

STAGE = """\
import sys
from pathlib import Path
from fashion.errors import UserError
from fashion.stage import configure, exit_on_user_error, logger

def main():
    configure(Path(sys.argv[1]))
    logger.info("working")
    raise {error}

exit_on_user_error(main)
"""


def attempt(log: Path, error: str) -> list[str]:
    """The lines that a stage which ends with an error adds to its log."""
    before = log.read_text() if log.exists() else ""
    done = subprocess.run([sys.executable, "-c", STAGE.format(error=error), str(log)], capture_output=True, text=True)
    assert done.returncode == 1
    text = log.read_text()
    assert text.startswith(before)
    lines = text.removeprefix(before).splitlines()
    assert lines[1:] == done.stderr.splitlines()
    return lines


def test_each_attempt_is_appended_and_ends_with_its_reason_in_one_line(tmp_path):
    log = tmp_path / "logs/stage.log"
    began, *lines = attempt(log, 'UserError("the disk is full")')
    assert " on " in began
    assert lines == ["working", "error: the disk is full"]
    _, first, crashed, *trace, last = attempt(log, 'RuntimeError("CUDA error: lost\\nfor debugging " + "x" * 1000)')
    assert (first, crashed, trace[0]) == ("working", "crashed", "Traceback (most recent call last):")
    assert last.startswith("crashed: RuntimeError: CUDA error: lost for debugging xxx")
    assert len(last) < 230


def test_a_log_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "logs").write_text("no folder")
    script = STAGE.format(error="SystemExit")
    command = [sys.executable, "-c", script, str(tmp_path / "logs/stage.log")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {tmp_path}/logs/stage.log: the log cannot be written: ")
    assert done.stderr.count("\n") == 1
