"""Tables as files: CSV, and Markdown for readers."""

from pathlib import Path

import pandas as pd

from fashion.files import atomic, write_text


def write_table(
    frame: pd.DataFrame, path: Path, note: str = "", shown: pd.DataFrame | None = None, titles: dict | None = None
) -> None:
    """Writes `frame` to `path`, a .csv file, and beside it a Markdown file, which ends with `note`.

    Args:
        shown: the table of the Markdown file, if it is not `frame`.
        titles: see `Study.titles`; the Markdown file has them in place of keys.
    """
    with atomic(path) as temporary:
        frame.to_csv(temporary, index=False, lineterminator="\n")
    text = (frame if shown is None else shown).replace(titles or {}).to_markdown(index=False, disable_numparse=True)
    write_text(path.with_suffix(".md"), f"{text}\n" + (f"\n*{note}*\n" if note else ""))
