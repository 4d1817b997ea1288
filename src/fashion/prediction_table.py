"""The command line of tables that are made of predictions: all models and augmentations of a study, over its seeds."""

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd

from fashion.predictions import Predictions, read_groups
from fashion.tables import write_table

Groups = Iterable[tuple[str, str, list[Predictions]]]


def write_prediction_table(
    module: str,
    description: str | None,
    table: Callable[[Groups], pd.DataFrame],
    readable: Callable[[pd.DataFrame], pd.DataFrame],
) -> None:
    """Read what the command line names, and write its `table`: as CSV, and as Markdown as `readable` shows it."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    parser.add_argument("--runs", type=Path, required=True, help="the folder with all runs")
    parser.add_argument("--groups", nargs="+", required=True, help="each a folder there: model/augmentation")
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    parser.add_argument("--note", default="", help="a line under the Markdown table")
    parser.add_argument("--output", type=Path, required=True, help="the .csv file; a .md file is written beside it")
    arguments = parser.parse_args()
    frame = table(read_groups([arguments.runs / group for group in arguments.groups], arguments.seeds))
    write_table(frame, arguments.output, arguments.note, shown=readable(frame))
