"""Writes the answer into README.md: each claim with its verdict in every reading, from the references."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from fashion.errors import UserError
from fashion.files import write_text
from fashion.stage import exit_on_user_error, stage_parser
from fashion.study.config import load_study

BEGIN, END = "<!-- answer: written by `make answer` -->", "<!-- end of answer -->"


def answer(reference: Path, readings: Mapping[str, str]) -> str:
    """Returns the claims as a Markdown table: a row for each claim, a column for each reading's reference.

    Args:
        reference: the folder with a folder for each published study.
        readings: the readings' titles, by name, in the order of the columns.

    Raises:
        UserError: no study is published.
    """
    tables = [pd.read_csv(path, keep_default_na=False) for path in sorted(reference.glob("*/tables/claims.csv"))]
    if not tables:
        raise UserError(f"{reference} has no <study>/tables/claims.csv; make publish STUDY=<study> puts it there")
    by_reading = {table["reading"].iloc[0]: table.set_index("id") for table in tables}
    claims = next(iter(by_reading.values()))
    shown = pd.DataFrame(
        {
            "": name,
            "the report": f"{claim['claim']} ({claim['reported']})",
            **{
                reading.lower(): cell(by_reading[key].loc[name])
                if key in by_reading and name in by_reading[key].index
                else "not run yet"
                for key, reading in readings.items()
            },
        }
        for name, claim in claims.iterrows()
    )
    return shown.to_markdown(index=False, disable_numparse=True)


def cell(claim: pd.Series) -> str:
    """Returns the sentence on a claim, which begins with the verdict in bold."""
    return f"**{claim['verdict']}**{claim['sentence'].removeprefix(claim['verdict'].capitalize())}"


def insert(page: str, answer: str) -> str:
    """Returns the page with the answer between its marks; raises `UserError` if it has no marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise UserError(f"README.md has no place for the answer: put {BEGIN} and {END} where it belongs")
    return f"{before}{begin}\n{answer}\n{end}{after}"


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--page", type=Path, default=Path("README.md"), help="(default: %(default)s)")
    parser.add_argument("--reference", type=Path, default=Path("docs/reference"), help="(default: %(default)s)")
    parser.add_argument("--config", type=Path, default=Path("config.yaml"), help="(default: %(default)s)")
    arguments = parser.parse_args()
    _, report = load_study([arguments.config])
    try:
        page = arguments.page.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{arguments.page}: no page to write the answer into ({error.strerror})") from error
    write_text(arguments.page, insert(page, answer(arguments.reference, report.readings)))


if __name__ == "__main__":
    exit_on_user_error(main)
