"""What the command lines of all stages share: their name, their log and their exit."""

import argparse
import ctypes
import logging
import os
import platform
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from fashion.errors import UserError

logger = logging.getLogger("fashion")
# Set in the environment of a job.
JOB = "FASHION_JOB"
PR_SET_PDEATHSIG = 1  # of Linux's prctl.h


def configure(path: Path | None, keep: bool = False) -> None:
    """Sends log lines and the traceback of a crash to stderr and, if given, to the file at `path`.

    Each attempt at a stage appends to the file: first a line with its time and machine, last the reason why it ended.

    Args:
        keep: keep the lines of earlier attempts in `<path>.attempts`, because Snakemake deletes a job's log.

    Raises:
        UserError: the file cannot be written.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    if path:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if keep:
                _restore(path)
            with open(path, "a", encoding="utf-8") as file:
                file.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} on {platform.node()}: {_called()}\n")
        except OSError as error:
            raise UserError(f"{path}: the log cannot be written: {error.strerror}") from error
        handlers.append(logging.FileHandler(path, encoding="utf-8"))
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=handlers)
    sys.excepthook = _log_crash


def _restore(path: Path) -> None:
    """Makes the log at `path` a hard link to the file that holds the lines of earlier attempts."""
    attempts = path.with_suffix(".attempts")
    attempts.touch()
    with suppress(OSError):  # a file system without hard links: only the last attempt is logged
        path.unlink(missing_ok=True)
        os.link(attempts, path)


def _log_crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Logs the traceback of an unexpected error, then its reason in one line."""
    logger.critical("crashed", exc_info=(kind, error, trace))
    logger.critical("crashed: %s: %.200s", kind.__name__, " ".join(str(error).split()))


def _called() -> str:
    """Returns the name under which this stage was called, such as `python -m fashion.training.train`."""
    spec = sys.modules["__main__"].__spec__
    return f"python -m {spec.name}" if spec else Path(sys.argv[0]).name


def stage_parser(description: str | None) -> argparse.ArgumentParser:
    """Returns a parser for the command line of this stage."""
    return argparse.ArgumentParser(prog=_called(), description=description)


def exit_on_user_error(main: Callable[[], None]) -> None:
    """Runs `main`; what the user can mend ends the process with one line and status 1, without a traceback.

    A job gets SIGTERM when the process that started it dies, so that none outlives a killed Snakemake. Only Linux does
    that.
    """
    if os.environ.get(JOB) and sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    try:
        main()
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (UserError, PermissionError) as error:
        if isinstance(error, PermissionError):
            error = UserError(f"{error.filename}: permission denied; its owner can allow it by chmod")
        # Through the logger, so that the log file has the line too.
        logger.error("error: %s", error)
        sys.exit(1)
