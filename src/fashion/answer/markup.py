"""Markdown as HTML for a page: prose, and tables that scroll by themselves, with numbers on the right."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

# Tags in a text are shown, since a page is open to no script but its own.
PARSER = MarkdownIt("commonmark", {"html": False}).enable("table")
# A cell that starts with a number and has no word but a unit: "89.46 % (85.00 %)", "+1.61 points", "30.1 % to 47.0 %".
NUMBER = re.compile(r"[+-]?\d(?:[^a-zA-Z]|\b(?:to|points?|times|s)\b)*")
TABLE = """<div class="scroll" role="region" tabindex="0" aria-label="{}">
<table class="data">
<thead>{}</thead>
<tbody>
{}
</tbody>
</table>
</div>
"""


def prose(path: Path, level: int) -> Markup:
    """Returns a Markdown file as HTML, with its title as a heading of `level`.

    It drops links to other files, because the page is one file that may lie anywhere.
    """
    tokens: list[Token] = []
    table: list[Token] = []
    for token in PARSER.parse(path.read_text(encoding="utf-8")):
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{int(token.tag[1]) + level - 1}"
        if token.type == "inline":
            token.children = list(_without_links(token.children or []))
        if table or token.type == "table_open":
            table.append(token)
        else:
            tokens.append(token)
        if token.type == "table_close":
            tokens.append(Token("html_block", "", 0, content=_table(table, "Table")))
            table = []
    return Markup(_render(tokens))


def inline(text: str) -> Markup:
    """Returns a Markdown sentence as HTML."""
    return Markup(PARSER.renderInline(text))


def table(path: Path, title: str) -> Markup:
    """Returns the table of a Markdown file as HTML, without the note under it."""
    return _table(PARSER.parse(path.read_text(encoding="utf-8")), title)


def _render(tokens: Sequence[Token]) -> str:
    return PARSER.renderer.render(tokens, PARSER.options, {})


def _without_links(tokens: Sequence[Token]) -> Iterator[Token]:
    """Yields inline tokens, without links other than those within the page or to the web."""
    left_out = False
    for token in tokens:
        if token.type == "link_open":
            left_out = not str(token.attrs["href"]).startswith(("#", "https://"))
        if not left_out or token.type not in ("link_open", "link_close"):
            yield token


def _table(tokens: Sequence[Token], title: str) -> Markup:
    """Returns the table among `tokens` as HTML."""
    rows: list[list[Token]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        if token.type == "inline" and token.level > 2:  # a paragraph's has less
            rows[-1].append(token)
    headings, *rows = rows
    numbers = [_are_numbers([cell.content.strip("*") for cell in cells]) for cells in zip(*rows, strict=True)]
    body = Markup("\n").join(_row(row, "row", numbers) for row in rows)
    return Markup(TABLE).format(title, _row(headings, "col", numbers), body)


def _are_numbers(texts: Sequence[str]) -> bool:
    return any(texts) and all(NUMBER.fullmatch(text) for text in texts if text)


def _row(cells: Sequence[Token], scope: str, numbers: Sequence[bool]) -> Markup:
    """Returns a table's row: headings of columns, or cells after the row's heading."""
    html = Markup()
    for place, (cell, number) in enumerate(zip(cells, numbers, strict=True)):
        heading = scope == "col" or place == 0
        tag = Markup("th" if heading else "td")
        marks = Markup(f' scope="{scope}"' if heading else "") + Markup(' class="number"' if number else "")
        # A model's long name may break at an underscore.
        text = Markup(_render([cell])).replace("_", Markup("_<wbr>")) if heading else Markup(_render([cell]))
        html += Markup("<{0}{1}>{2}</{0}>").format(tag, marks, text)
    return Markup("<tr>{}</tr>").format(html)
