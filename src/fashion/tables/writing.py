"""How tables are written, and the command lines that many of them share."""

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd

from fashion.files import atomic, read_json, write_text
from fashion.records.predictions import Predictions
from fashion.records.run import Runs, add_runs, read_groups
from fashion.stage import add_classes, stage_parser

Groups = Iterable[tuple[str, str, list[Predictions]]]


def write_table(frame: pd.DataFrame, path: Path, note: str = "", shown: pd.DataFrame | None = None) -> None:
    """Write `frame` to `path`, a .csv file, and beside it as Markdown, there with `note` under it.

    Args:
        shown: what the Markdown file has instead of `frame`.
    """
    with atomic(path) as temporary:
        frame.to_csv(temporary, index=False, lineterminator="\n")
    text = (frame if shown is None else shown).to_markdown(index=False, disable_numparse=True)
    write_text(path.with_suffix(".md"), f"{text}\n" + (f"\n*{note}*\n" if note else ""))


def table_parser(description: str | None) -> argparse.ArgumentParser:
    """The command line of a table's stage, with what those of the dataset and the configuration take."""
    parser = stage_parser(description)
    parser.add_argument("--output", type=Path, required=True, help="the .csv file; a .md file is written beside it")
    parser.add_argument("--note", default="", help="a line under the Markdown table")
    add_classes(parser)
    return parser


def write_study_table(
    description: str | None,
    table: Callable[[Runs], pd.DataFrame],
    readable: Callable[[pd.DataFrame], pd.DataFrame],
) -> None:
    """Read the study that the command line names, and write its `table`, as Markdown the way `readable` has it."""
    parser = stage_parser(description)
    parser.add_argument("--summary", type=Path, required=True, help="the study's summary, JSON")
    parser.add_argument("--runs", type=Path, required=True, help="the folder with all runs")
    parser.add_argument("--output", type=Path, required=True, help="the .csv file; a .md file is written beside it")
    arguments = parser.parse_args()
    summary = read_json(arguments.summary)
    frame = table(Runs(summary, arguments.runs))
    write_table(frame, arguments.output, summary["note"], shown=readable(frame))


def write_prediction_table(
    description: str | None,
    table: Callable[[Groups], pd.DataFrame],
    readable: Callable[[pd.DataFrame], pd.DataFrame],
) -> None:
    """Read what the command line names, and write its `table`: as CSV, and as Markdown as `readable` shows it."""
    parser = table_parser(description)
    add_runs(parser)
    arguments = parser.parse_args()
    frame = table(read_groups(arguments.runs))
    write_table(frame, arguments.output, arguments.note, shown=readable(frame))
