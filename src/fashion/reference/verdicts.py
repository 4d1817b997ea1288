"""Writes the answer into README.md, a line a claim, and into docs/answer.md, in sentences: from the references."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from fashion.answer.claims import IN_PART
from fashion.answer.evidence import FAILS, HOLDS, OPEN
from fashion.errors import UserError
from fashion.files import write_text
from fashion.stage import exit_on_user_error, stage_parser
from fashion.study.config import load_study
from fashion.tables.writing import escape

BEGIN, END = "<!-- answer: written by `make answer` -->", "<!-- end of answer -->"
SYMBOLS = {HOLDS: "✓", IN_PART: "◐", FAILS: "✗", OPEN: "○"}


def answer(reference: Path, readings: Mapping[str, str], cell: Callable[[pd.Series], str]) -> str:
    """Returns the claims as a Markdown table: a row for each claim, a column for each reading's reference.

    Args:
        reference: the folder with a folder for each published study.
        readings: the readings' titles, by name, in the order of the columns.
        cell: what is said of a claim in a reading, from its row of claims.csv.

    Raises:
        UserError: no study is published.
    """
    tables = [pd.read_csv(path, keep_default_na=False) for path in sorted(reference.glob("[!.]*/tables/claims.csv"))]
    if not tables:
        raise UserError(f"{reference} has no <study>/tables/claims.csv; make publish STUDY=<study> puts it there")
    by_reading = {table["reading"].iloc[0]: table.set_index("id") for table in tables}
    shown = pd.DataFrame(
        {
            "": name,
            "The report": escape(claim["claim"]),
            **{
                escape(title): cell(by_reading[key].loc[name])
                if key in by_reading and name in by_reading[key].index
                else "not run yet"
                for key, title in readings.items()
            },
        }
        for name, claim in next(iter(by_reading.values())).iterrows()
    )
    # Cells as wide as their words: a padded table could not be read as text.
    rows = [list(shown), [":--"] * len(shown.columns), *shown.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def brief(claim: pd.Series) -> str:
    """Returns the verdict on a claim in a few words, with its number."""
    if claim["verdict"] == OPEN:
        number = f": so far {escape(claim['text'])}" * bool(claim["text"])
        return f"{SYMBOLS[OPEN]} open, {claim['decided']} of {claim['parts']} parts decided{number}"
    provisional = " (provisional)" * bool(claim["provisional"])
    return f"{SYMBOLS[claim['verdict']]} **{claim['verdict']}**{provisional}: {escape(claim['text'])}"


def whole(claim: pd.Series) -> str:
    """Returns the verdict on a claim in sentences."""
    return f"{SYMBOLS[claim['verdict']]} {escape(claim['sentence'])}"


def insert(path: Path, answer: str) -> None:
    """Writes the answer between its marks in a page; raises `UserError` if it is missing or has no marks."""
    try:
        page = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: no page to write the answer into ({error.strerror})") from error
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise UserError(f"{path} has no place for the answer: put {BEGIN} and {END} where it belongs")
    write_text(path, f"{before}{begin}\n{answer}\n{end}{after}")


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--page", type=Path, default=Path("README.md"), help="a line a claim (default: %(default)s)")
    parser.add_argument("--whole", type=Path, default=Path("docs/answer.md"), help="sentences (default: %(default)s)")
    parser.add_argument("--reference", type=Path, default=Path("docs/reference"), help="(default: %(default)s)")
    parser.add_argument("--config", type=Path, default=Path("config.yaml"), help="(default: %(default)s)")
    arguments = parser.parse_args()
    _, report = load_study([arguments.config])
    for path, cell in ((arguments.page, brief), (arguments.whole, whole)):
        insert(path, answer(arguments.reference, report.readings, cell))


if __name__ == "__main__":
    exit_on_user_error(main)
