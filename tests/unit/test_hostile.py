"""Names and notes that mean something to Markdown, HTML, formulas or a terminal are shown as they are, everywhere."""

import re
from collections.abc import Iterator
from copy import deepcopy
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from markdown_it import MarkdownIt

from fashion.answer.markup import inline
from fashion.figures.parts.mosaic import short
from fashion.figures.parts.sheet import without_glyph
from fashion.reference import verdicts
from fashion.reference.publish import publish
from fashion.study import outputs
from fashion.study.definition import Study, resolve
from fashion.tables.writing import escape
from helpers.checkout import CONFIG, REPORT
from helpers.everything import make_everything
from helpers.figures import svg_texts
from helpers.runs import FakeRun, make_history, predict
from helpers.training import write_dataset

# One of each kind of mark; as the names of ten classes, all differ.
WORDS = [
    "<img src=x onerror=alert(1)>",
    "a|b",
    "`code` | *em* **strong** _em_ __strong__ snake_case",
    "cost $5 and $6",
    r"$\foo$ \| \* \\ \a",
    "[link](https://elsewhere.example) ![picture](p.png)",
    "&amp; &#39; & ~~struck~~",
    "</script></style></td> <!-- comment --> ]]>",
    "靴 シャツ/カ",
    "{{ brace }} {0} %s #",
]
# Devices and notes may have lines, of which Markdown makes paragraphs and rows of tables.
LINES = "a line\n\n| another | line |\n# heading\n- item <b>bold</b> $x$"
MODELS = ["published_vgg8", "published_vgg8_recipe", "baseline_as_published", "baseline_42000"]
OURS = re.compile(r"\*\*(\d|holds|fails)")
PARSER = MarkdownIt("gfm-like", {"linkify": False, "html": True})


def shown(text: str) -> str:
    """A text as a reader sees it: spaces and ends of lines are one space."""
    return " ".join(text.split())


def hostile_study() -> Study:
    config = deepcopy(CONFIG)
    config["models"] = {name: config["models"][name] for name in (*MODELS, "vgg8")}
    for entry, word in zip(config["models"].values(), WORDS, strict=False):
        entry["title"] = word
    for entry, word in zip(config["augmentations"].values(), reversed(WORDS), strict=False):
        entry["title"] = word
    config["studies"]["hostile"] = {
        "note": " ".join(WORDS),
        "reading": "as_published",
        "seeds": [0],
        "augmentations": ["none", "both"],
        "augmentations_of": {"published_vgg8_recipe": ["light"], "baseline_42000": ["light"]},
        "models": MODELS,
        "training": {"validation": "augmented", "tested_weights": "last"},
    }
    return resolve(config, "hostile")


@pytest.fixture(scope="module")
def study() -> Study:
    return hostile_study()


@pytest.fixture(scope="module")
def results(study, dataset, tmp_path_factory) -> Path:
    """The study's runs, and every table, figure and page, each made by its stage as the rules make it."""
    results = tmp_path_factory.mktemp("results") / "hostile"
    draws = np.random.default_rng(0)
    for spec in study.specs.values():
        rows = [(label % 10, int(draws.integers(10)), 0.7) for label in range(60)]
        right = draws.random(60) < 0.8
        FakeRun(
            spec,
            results / "runs",
            right=predict(*rows),
            augmented=right,
            history=make_history([0.5, 0.4, 0.45], layers=3),
            provenance={"device": LINES},
        ).write()
    make_everything(study, results, write_dataset(results / "data.npz", dataset), WORDS)
    return results


def cells(text: str) -> Iterator[list[str]]:
    """Yields the rows of the tables in a Markdown text; a cell is what a reader sees, but for bold numbers."""
    row = None
    for token in PARSER.parse(text):
        if token.type == "tr_open":
            row = []
        elif token.type == "tr_close":
            yield row
            row = None
        elif token.type == "inline" and row is not None:
            kinds = {child.type for child in token.children}
            assert kinds <= {"text", "text_special", "strong_open", "strong_close"}, token.content
            assert "strong_open" not in kinds or OURS.search(token.content), token.content
            row.append("".join(child.content for child in token.children))


def test_each_table_has_its_columns_and_shows_names_as_they_are(study, results):
    names = {one.name for one in outputs.tables(study, REPORT)}
    assert {path.stem for path in (results / "tables").glob("*.md")} == names
    seen = set()
    for path in sorted((results / "tables").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        table, _, note = text.rstrip().rpartition("\n\n")
        first, *rows = cells(table)
        assert {len(row) for row in rows} <= {len(first)}, path
        assert len(rows) == table.count("\n") - 1, path
        seen |= {cell for row in (first, *rows) for cell in row}
        assert shown("".join(Page(PARSER.render(note)).said)) == shown(study.note)
    assert seen >= {*WORDS, shown(LINES)}
    precision = {row[3]: row[5:] for row in cells((results / "tables/per_class.md").read_text()) if row[3] in WORDS}
    of_csv = pd.read_csv(results / "tables/per_class.csv").drop_duplicates("class", keep="last").set_index("class")
    for name in WORDS:
        expected = [f"{100 * score:.1f} %" for score in of_csv.loc[name, ["precision", "recall", "f1"]]]
        assert precision[name] == expected


class Page(HTMLParser):
    """What a browser makes of a page: its elements with their attributes, and its text."""

    def __init__(self, html: str):
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.said: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def test_the_page_has_no_element_but_its_own_and_shows_names_as_they_are(study, results):
    html = (results / "report0.html").read_text(encoding="utf-8")
    page = Page(html)
    assert [attributes for tag, attributes in page.elements if tag == "script"] == [{}]
    for tag, attributes in page.elements:
        assert not any(name.startswith("on") for name in attributes), (tag, attributes)
        assert attributes.get("src", "data:").startswith("data:")
        assert attributes.get("href", "#").startswith(("#", REPORT.about["link"])), attributes
    assert len([tag for tag, _ in page.elements if tag == "img"]) == html.count('<img src="data:')
    said = shown("".join(page.said))
    for word in (*WORDS, shown(LINES)):
        assert shown(word) in said, word


def test_figures_show_names_as_they_are(study, results):
    names = {one.name for one in outputs.figures(study, REPORT)}
    assert {path.stem for path in (results / "figures").glob("*.svg")} == names
    for path in (results / "figures").glob("*.svg"):
        texts = svg_texts(path)
        assert shown(study.note) in shown(" ".join(texts)), path
    (confusion,) = (results / "figures").glob("*_confusion.svg")
    assert {f"{short(name)} {label}" for label, name in enumerate(WORDS)} <= set(svg_texts(confusion))
    titles = [title.text for title in ElementTree.parse(confusion).iter("{http://www.w3.org/2000/svg}title")]
    assert {name for name in WORDS if any(name in (title or "") for title in titles)} == set(WORDS)


def test_the_characters_that_the_font_lacks_are_named():
    assert without_glyph("Ärmel, café → ✓ Жакет") == ""
    assert without_glyph("\n".join(WORDS)) == "カシツャ靴"


def test_a_reference_and_the_answer_show_names_as_they_are(study, results, tmp_path):
    publish(study, REPORT, results, tmp_path / "published")
    text = (tmp_path / "published/README.md").read_text(encoding="utf-8")
    seen = {cell for row in cells(text) for cell in row}
    assert seen >= {WORDS[0], WORDS[1]}
    html = PARSER.render(text)
    assert not {tag for tag, _ in Page(html).elements} & {"b", "script", "s"}
    assert shown(LINES) in shown("".join(Page(html).said))
    claims = pd.read_csv(tmp_path / "published/tables/claims.csv")
    for column in ("claim", "text", "sentence"):
        claims[column] = WORDS[1]
    claims.to_csv(tmp_path / "published/tables/claims.csv", index=False)
    assert inline("`a` <img src=x onerror=alert(1)>") == "<code>a</code> &lt;img src=x onerror=alert(1)&gt;"
    for cell in (verdicts.brief, verdicts.whole):
        table = verdicts.answer(tmp_path, {"as_published": WORDS[1]}, cell)
        assert {len(row) for row in cells(table)} == {3}
        assert all(WORDS[1] in cell for row in cells(table) for cell in row[2:])


@pytest.mark.parametrize("word", [*WORDS, "_a_", "a_b", "__init__", "x<y>z", "1|2", "\\", "a\tb\x85c", "ä_ß_ _x"])
def test_escaped_text_is_shown_as_it_is(word):
    html = PARSER.render(f"before {escape(word)} after")
    page = Page(html)
    assert [tag for tag, _ in page.elements] == ["p"]
    assert "".join(page.said).strip() == f"before {shown(word)} after"
    first, row = cells(f"| {escape(word)} | b |\n|---|---|\n| {escape(word)} | 2 |")
    assert (first, row) == ([shown(word), "b"], [shown(word), "2"])
