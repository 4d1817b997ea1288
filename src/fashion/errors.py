"""The error for mistakes of the user. Nothing is imported here."""


class UserError(Exception):
    """An error that the user can mend: one line says what is wrong, where, and what would be right."""
