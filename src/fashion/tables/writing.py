"""Tables as files: CSV, and Markdown for readers."""

import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from fashion.files import atomic, write_text

# What could be a mark of CommonMark or GitHub's Markdown, or end a table's cell. An underscore within a word is none.
MARKS = re.compile(r"[\\`*<>\[\]|&$~]|(?<![^\W_])_|_(?![^\W_])")


class Markdown(str):
    """Text that is Markdown already: `escape` leaves it as it is."""


def escape(text: str) -> str:
    """Returns one line of Markdown that shows the text as it is."""
    if isinstance(text, Markdown):
        return text
    return MARKS.sub(r"\\\g<0>", " ".join(text.split()))


def markdown(table: pd.DataFrame, titles: Mapping[str, Mapping[str, str]] | None = None) -> str:
    """Returns a table as Markdown.

    Args:
        titles: see `Study.titles`; the table has them in place of keys.
    """
    shown = table.replace(titles or {}).rename(columns=escape)
    shown = shown.map(lambda cell: escape(cell) if isinstance(cell, str) else cell)
    return shown.to_markdown(index=False, disable_numparse=True)


def write_table(
    frame: pd.DataFrame, path: Path, note: str = "", shown: pd.DataFrame | None = None, titles: dict | None = None
) -> None:
    """Writes `frame` to `path`, a .csv file, and beside it a Markdown file, which ends with `note`.

    Args:
        shown: the table of the Markdown file, if it is not `frame`.
        titles: as `markdown` takes them, for the Markdown file.
    """
    with atomic(path) as temporary:
        frame.to_csv(temporary, index=False, lineterminator="\n")
    text = markdown(frame if shown is None else shown, titles)
    write_text(path.with_suffix(".md"), f"{text}\n" + (f"\n*{escape(note)}*\n" if note else ""))
