"""Shows a running study in a terminal, and on a page that reloads itself."""

import os
import time
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from fashion.ask.follow import follow
from fashion.ask.overview import Overview, overview
from fashion.ask.watch_page import write_page
from fashion.errors import printable
from fashion.records.progress import DIVERGED, FAILED, FINISHED, RUNNING, STOPPED
from fashion.study.definition import Study

COLOURS = {RUNNING: "cyan", STOPPED: "yellow", FAILED: "red", DIVERGED: "magenta", FINISHED: "green"}
# If every run of a study fails, the first ones tell why.
TROUBLES = 8


def watch(study: Study, results: Path, page: Path | None) -> None:
    """Shows the states of a study's runs, as they change, until all have ended.

    If standard output is not a terminal, it prints them once.

    Args:
        page: an HTML file to keep up to date too.
    """
    if os.environ.get("COLUMNS") == "0":  # as in some containers; rich would print nothing
        del os.environ["COLUMNS"]
    console = Console(highlight=False)
    # A full screen, because output longer than the terminal would be printed again and again.
    live = Live(console=console, screen=True, auto_refresh=False) if console.is_terminal else None
    shown: RenderableType = ""
    try:
        with live or nullcontext():
            for found in follow(study, results):
                last = overview(study, found, time.time())
                shown = render(last)
                if page:
                    write_page(last, page)
                if live:
                    live.update(shown, refresh=True)
                elif not page:
                    break
    finally:
        console.print(shown)


def render(shown: Overview) -> RenderableType:
    """Returns an overview for a terminal: running runs, what went wrong, then a row for each model."""
    title = Text.assemble((f"{shown.study} study", "bold"), f", {sum(shown.counts.values())} runs at {shown.at}: ")
    words = [Text(f"{count} {word}", COLOURS.get(word, "")) for word, count in shown.counts.items()]
    parts: list[RenderableType] = [title + Text(", ").join(words)]
    parts += [_plain(line, "dim") for line in (shown.left, shown.note) if line]
    if shown.running:
        parts.append("")
        table = _table("running", ">epoch", ">best validation", ">images/s", ">likely end", ">latest end")
        for run in shown.running:
            best = run.best and f"{run.best} ({run.best_epoch})"
            table.add_row(_plain(run.name), run.epoch, best, run.speed, run.likely, run.latest)
        parts.append(table)
    if shown.troubles:
        parts.append("")
        table = _table("failed, diverged or stopped", "", "why")
        for trouble in shown.troubles[:TROUBLES]:
            table.add_row(_plain(trouble.name), Text(trouble.word, COLOURS[trouble.word]), Text(trouble.reason))
        if more := shown.troubles[TROUBLES:]:
            table.add_row(f"and {len(more)} more", "", f"see results/{shown.study}/logs")
        parts.append(table)
    table = _table("finished seeds, mean test accuracy", *shown.augmentations)
    for model, cells in shown.cells.items():
        texts = (cells.get(augmentation, ("", False)) for augmentation in shown.augmentations)
        table.add_row(_plain(model), *(Text(text, COLOURS[FINISHED] if whole else "") for text, whole in texts))
    return Group(*parts, "", table)


def _plain(text: str, style: str = "") -> Text:
    """Returns a text without rich's markup, and without characters that control a terminal."""
    return Text(printable(text), style)


def _table(*columns: str) -> Table:
    """Returns an empty table; a column whose name begins with > has numbers, which are never broken."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in columns:
        number = name.startswith(">")
        header, justify = _plain(name.removeprefix(">")), "right" if number else "left"
        table.add_column(header, justify=justify, no_wrap=number, overflow="fold")
    return table
