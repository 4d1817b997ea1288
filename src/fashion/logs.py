"""Where a stage's log lines go."""

import logging
import sys
from pathlib import Path

logger = logging.getLogger("fashion")


def configure(path: Path | None) -> None:
    """Log lines go to stderr and, if given, to the file at `path`; so does the traceback of a crash."""
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(path, mode="w", encoding="utf-8"))
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=handlers)
    sys.excepthook = lambda *error: logger.critical("crashed", exc_info=error)
