"""What every stage's command line shares: its name, where its log lines go, and how it ends."""

import argparse
import logging
import sys
from collections.abc import Callable
from pathlib import Path

from fashion.errors import UserError

logger = logging.getLogger("fashion")


def configure(path: Path | None) -> None:
    """Log lines go to stderr and, if given, to the file at `path`; so does the traceback of a crash."""
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(path, mode="w", encoding="utf-8"))
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=handlers)
    sys.excepthook = lambda *error: logger.critical("crashed", exc_info=error)


def stage_parser(description: str | None) -> argparse.ArgumentParser:
    """The command line of the stage that runs, named as it was called: `python -m fashion.training.train`."""
    spec = sys.modules["__main__"].__spec__
    return argparse.ArgumentParser(prog=f"python -m {spec.name}" if spec else None, description=description)


def exit_on_user_error(main: Callable[[], None]) -> None:
    """Run `main`; a `UserError` ends the process with its one line and status 1, without a traceback."""
    try:
        main()
    except UserError as error:
        # A stage with a log file has the line there too.
        logger.error("error: %s", error)
        sys.exit(1)
