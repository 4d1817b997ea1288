"""What every stage's command line shares: its name, where its log lines go, and how it ends."""

import argparse
import logging
import os
import platform
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from fashion.errors import UserError

logger = logging.getLogger("fashion")


def configure(path: Path | None, keep: bool = False) -> None:
    """Send log lines to stderr and, if given, to the file at `path`; so does the traceback of a crash.

    The file is appended to: each attempt at a stage begins there with a line of its own, and ends with its reason.

    Args:
        keep: Snakemake deletes a job's log before each attempt; let the lines outlive that in `<path>.attempts`.

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
    """Make the log at `path` a second name of the file that has the earlier attempts' lines."""
    attempts = path.with_suffix(".attempts")
    attempts.touch()
    with suppress(OSError):  # a file system without links: each attempt has a log of its own
        path.unlink(missing_ok=True)
        os.link(attempts, path)


def _log_crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Log an error that nobody expected, its reason once more in one line at the end."""
    logger.critical("crashed", exc_info=(kind, error, trace))
    logger.critical("crashed: %s: %.200s", kind.__name__, " ".join(str(error).split()))


def _called() -> str:
    """The stage that runs, as it was called: `python -m fashion.training.train`."""
    spec = sys.modules["__main__"].__spec__
    return f"python -m {spec.name}" if spec else Path(sys.argv[0]).name


def stage_parser(description: str | None) -> argparse.ArgumentParser:
    """The command line of the stage that runs, named as it was called."""
    return argparse.ArgumentParser(prog=_called(), description=description)


def exit_on_user_error(main: Callable[[], None]) -> None:
    """Run `main`; a `UserError` ends the process with its one line and status 1, without a traceback."""
    try:
        main()
    except UserError as error:
        # A stage with a log file has the line there too.
        logger.error("error: %s", error)
        sys.exit(1)
