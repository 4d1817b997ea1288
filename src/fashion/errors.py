"""The one error that a user can cause."""


class UserError(Exception):
    """What was wrong, where, and what would be right, in one line."""
