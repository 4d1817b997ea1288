"""A stage's log: every attempt begins with a line of its own, and its last line says why it ended."""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from helpers.checkout import ROOT
from helpers.command import python

STAGE = """\
import os, sys
from pathlib import Path
from fashion.errors import UserError
from fashion.stage import configure, exit_on_user_error, logger

def no_links(*_):
    raise PermissionError

if "no links" in sys.argv:
    os.link = no_links

def main():
    configure(Path(sys.argv[1]), keep="keep" in sys.argv)
    logger.info("working")
    raise {error}

exit_on_user_error(main)
"""


def attempt(log: Path, error: str, *options: str, before: str | None = None) -> list[str]:
    """The lines that a stage which ends with an error adds to its log, which had those `before`."""
    before = before or (log.read_text() if log.exists() else "")
    done = python("-c", STAGE.format(error=error), log, *options)
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


@pytest.mark.parametrize("link", [os.link, None], ids=["links", "no links"])
def test_lines_that_are_kept_outlive_the_log(link, tmp_path):
    log = tmp_path / "logs/stage.log"
    # A file system without links, as the stage sees it.
    script_options = ("keep",) if link else ("keep", "no links")
    attempt(log, 'UserError("first")', *script_options)
    first = log.read_text()
    log.unlink()  # as Snakemake does before each attempt
    _, *lines = attempt(log, 'UserError("second")', *script_options, before=first if link else "")
    assert lines == ["working", "error: second"]


def test_a_reader_that_ends_early_ends_the_writer_without_a_traceback():
    code = "from fashion.stage import exit_on_user_error\nexit_on_user_error(lambda: print('line\\n' * 10**5))"
    command = f"{shlex.quote(sys.executable)} -W error -c {shlex.quote(code)} | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, env=os.environ)
    assert (done.stdout, done.stderr) == ("line\n", "")


def test_a_log_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "logs").write_text("no folder")
    done = python("-c", STAGE.format(error="SystemExit"), tmp_path / "logs/stage.log")
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {tmp_path}/logs/stage.log: the log cannot be written: ")
    assert done.stderr.count("\n") == 1


# A process that starts a stage and waits for it, as Snakemake does.
STARTER = """
import subprocess, sys
sys.exit(subprocess.run([sys.executable, "-c", sys.argv[1]]).returncode)
"""
SLOW = """
import os, time
from fashion.stage import exit_on_user_error
def main():
    print(os.getpid(), flush=True)
    time.sleep({seconds})
exit_on_user_error(main)
"""


def alive(process: int) -> bool:
    """Whether a process lives; one that has ended and that nobody waits for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")
@pytest.mark.parametrize("job", [True, False], ids=["a job", "by hand"])
def test_a_job_ends_with_the_snakemake_that_started_it(job):
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")} | ({"FASHION_JOB": "1"} if job else {})
    line = [sys.executable, "-c", STARTER, SLOW.format(seconds=60)]
    with subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, text=True) as starter:
        stage = int(starter.stdout.readline())
        starter.kill()
        starter.wait()
        deadline = time.monotonic() + (10 if job else 0.5)
        while alive(stage) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert alive(stage) is not job
        if not job:
            os.kill(stage, signal.SIGKILL)
