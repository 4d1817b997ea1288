"""Links between the Markdown files of the tree lead to files and headings that exist."""

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from helpers.checkout import ROOT

PAGES = [
    *(ROOT / page for page in ("README.md", "CONTRIBUTING.md", "results/README.md", "workflow/report/networks.md")),
    *(page for folder in ("docs", "src") for page in sorted((ROOT / folder).rglob("*.md"))),
]
PARSER = MarkdownIt("gfm-like", {"linkify": False})


def targets(text: str) -> Iterator[str]:
    """Yields the target of each link and picture in a Markdown text."""
    for block in PARSER.parse(text):
        for token in block.children or []:
            target = token.attrs.get("href") or token.attrs.get("src")
            if target:
                yield str(target)


def anchors(text: str) -> set[str]:
    """Returns the anchors that GitHub gives the headings of a Markdown text."""
    blocks = PARSER.parse(text)
    seen: Counter[str] = Counter()
    found = set()
    for opening, heading in pairwise(blocks):
        if opening.type == "heading_open":
            words = "".join(token.content for token in heading.children or [])
            anchor = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
            found.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
            seen[anchor] += 1
    return found


def broken(page: Path) -> list[str]:
    """Returns the relative links of a page that lead nowhere."""
    lost = []
    for target in targets(page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = page.parent / path if path else page
        if not file.exists() or (anchor and anchor not in anchors(file.read_text(encoding="utf-8"))):
            lost.append(target)
    return lost


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# What is *here*: `code` ...\n\n## Twice\n\n## Twice\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](other.md) [b](other.md#what-is-here-code-) [c](other.md#twice-1) [d](https://example.org) ![e](none.png)\n"
        "[f](none.md) [g](other.md#none) [h](#none) `[i](code.md)` [j]\n\n# Page\n\n[k](#page)\n\n[j]: lost.md\n"
    )
    assert broken(page) == ["none.png", "none.md", "other.md#none", "#none", "lost.md"]


def test_help_has_every_target_in_a_group() -> None:
    targets = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    # Within `make test`, another make says which folder it enters.
    command = ["make", "--no-print-directory", "help"]
    helped = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert {line.split()[1] for line in helped if line.startswith("  make ")} == {*targets} - {"installed"}
    assert helped[0] == "First steps"
