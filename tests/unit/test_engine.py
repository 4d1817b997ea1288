"""The engine names nothing of the one report: its models, claims, figures, numbers and authors stand in its folder."""

import re
from pathlib import Path

import pytest

from fashion.models.families import FAMILIES
from helpers.checkout import CONFIG, CONFIGURED, REPORT, ROOT

ABOUT = REPORT.about
# Words that mean more than the entry of config.yaml: a family, what anything is measured against.
GENERIC = {*FAMILIES, "baseline"}
NUMBERS = [numbers for of_model in REPORT.reported.values() for numbers in of_model.values()]


def words(texts) -> str:
    """A regular expression for any of the texts, as words of their own."""
    return rf"(?<![\w.])({'|'.join(map(re.escape, sorted(texts, key=len, reverse=True)))})(?!\w|\.\d)"


def written() -> set[str]:
    """The reported numbers that are too particular to be others', in each form in which they are written."""
    accuracies = {
        number
        for numbers in NUMBERS
        for key, number in numbers.items()
        if key.endswith("accuracy") and 100 * number % 1
    }
    parameters = {numbers["parameters"] for numbers in NUMBERS if "parameters" in numbers}
    seconds = {numbers["seconds"] for numbers in NUMBERS if "seconds" in numbers}
    return {
        *(form.format(accuracy) for accuracy in accuracies for form in ("{:g}", "{:.4f}")),
        *(form.format(100 * accuracy) for accuracy in accuracies for form in ("{:g}", "{:.1f}", "{:.2f}")),
        *(form.format(count) for count in parameters for form in ("{}", "{:,}", "{:_}")),
        *(form.format(time) for time in seconds for form in ("{}", "{:.2f}", "{:,.2f}", "{:.0f}")),
    }


FORBIDDEN = {
    "a model": words(CONFIGURED.keys() - GENERIC),
    "a model's title": words(re.findall(r"[A-Za-z]+\d+", " ".join(entry["title"] for entry in CONFIGURED.values()))),
    "a claim": words(REPORT.claims["claims"]),
    "a deviation": words(REPORT.deviations),
    "a published run": words(numbers["run"] for numbers in NUMBERS if "run" in numbers),
    "a figure or table": r"\b(Figs?\.|Figure|Table) ?\d",
    "an author": words(name for author in ABOUT["authors"] for name in author.split()),
    "an origin": words([*ABOUT["institution"].split(", "), "Nanyang", *ABOUT["link"].split("/")[-2:], ABOUT["title"]]),
    "a number": words(written()),
}
# Colours of matplotlib's, which are named as claims are.
COLOURS = re.compile(r'"C\d"')


def texts() -> list[Path]:
    """The text files of the package."""
    files = [path for path in sorted((ROOT / "src/fashion").rglob("*")) if path.is_file() and path.suffix != ".pyc"]
    return [path for path in files if path.suffix != ".safetensors"]


def said(text: str) -> list[str]:
    """What a text says of the report."""
    text = COLOURS.sub("", text)
    return [f"{what}: {found[0]}" for what, pattern in FORBIDDEN.items() for found in re.finditer(pattern, text)]


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        ("as vgg8_dsc does", ["a model: vgg8_dsc"]),
        ("VGG8's layers", ["a model's title: VGG8"]),
        ("C15 and D1", ["a claim: C15", "a deviation: D1"]),
        ('"C1"', []),
        ("see Fig. 13", ["a figure or table: Fig. 1"]),
        ("the run P13", ["a published run: P13"]),
        ("91.8 % or 0.918 or 0.9178", ["a number: 91.8", "a number: 0.918", "a number: 0.9178"]),
        ("42,655,978 or 42655978", ["a number: 42,655,978", "a number: 42655978"]),
        ("2398.24 s", ["a number: 2398.24"]),
        ("0.91851, 191.8, 0.9, vit, a baseline of 86 %", []),
        ("by Teo, of Nanyang, Ruin9999", ["an author: Teo", "an origin: Nanyang", "an origin: Ruin9999"]),
    ],
)
def test_a_mention_is_found(text, mentions):
    assert said(text) == mentions


@pytest.mark.parametrize("path", texts(), ids=lambda path: str(path.relative_to(ROOT / "src/fashion")))
def test_the_engine_names_nothing_of_the_report(path):
    assert said(path.read_text(encoding="utf-8")) == []


def test_the_report_is_a_folder_that_the_configuration_names():
    assert (ROOT / CONFIG["report"]).samefile(REPORT.folder)
