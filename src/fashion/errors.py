"""The error for mistakes of the user, and text for a terminal. Nothing of the package is imported here."""

import unicodedata


class UserError(Exception):
    """An error that the user can mend: one line says what is wrong, where, and what would be right.

    Args:
        lines: the line, and further ones if one is not enough.
    """

    def __init__(self, *lines: str):
        super().__init__("\n".join(map(printable, lines)))


def printable(text: str) -> str:
    """Returns a text without line breaks and characters that control a terminal: they are escaped as in Python."""
    return "".join(
        character.encode("unicode_escape").decode() if unicodedata.category(character)[0] == "C" else character
        for character in text
    )
