"""The one error that a user can cause, and how a command line shows it."""

import sys
from collections.abc import Callable

from fashion.logs import logger


class UserError(Exception):
    """What was wrong, where, and what would be right, in one line."""


def exit_on_user_error(main: Callable[[], None]) -> None:
    """Run `main`; a `UserError` ends the process with its one line and status 1, without a traceback."""
    try:
        main()
    except UserError as error:
        # A stage with a log file has the line there too.
        logger.error("error: %s", error)
        sys.exit(1)
