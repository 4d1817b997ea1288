"""Writes the answer as tables: claims, the statements behind them, published runs repeated, and deviations."""

from pathlib import Path

import pandas as pd

from fashion.answer import claims, repeats
from fashion.answer.deviations import deviations
from fashion.answer.without import without
from fashion.data.dataset import load
from fashion.files import read_json
from fashion.records.run import Runs, finished_runs, grouped_runs
from fashion.stage import exit_on_user_error, stage_parser
from fashion.study.report import Report
from fashion.study.run_folder import ALONE
from fashion.tables.classes import classes
from fashion.tables.duplicates import duplicates
from fashion.tables.writing import write_table


def answer(
    runs: Runs, counted: pd.DataFrame, near: pd.DataFrame | None, rules: dict, differences: dict
) -> dict[str, tuple[pd.DataFrame, pd.DataFrame | None]]:
    """Returns the tables of the answer by kind, each with its version for readers; None if they get the table itself.

    Args:
        counted: the table of `fashion.tables.classes`; empty if it is not known.
        near: the table of `fashion.tables.duplicates`; None if it is not known.
        rules: the report's claims.yaml.
        differences: the report's deviations.yaml.
    """
    protocol = rules["protocols"][runs.summary["reading"]]
    judged, statements = claims.tables(rules, runs, counted)
    repeated = repeats.repeats(runs, protocol)

    def judge(others: Runs) -> dict[str, pd.DataFrame]:
        return {"claims": claims.tables(rules, others, counted)[0], "repeats": repeats.repeats(others, protocol)}

    tables = {
        "claims": (judged, claims.readable(judged)),
        "statements": (statements, claims.readable_statements(statements)),
        "repeats": (repeated, repeats.readable(repeated)),
        "deviations": (deviations(differences, protocol, runs), None),
    }
    if near is not None:
        changed = without(near, runs, {"claims": judged, "repeats": repeated}, judge)
        tables["without_duplicates"] = (changed, None)
    return tables


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--plan", type=Path, required=True, help="the study's summary and its tables, JSON")
    parser.add_argument("--runs", type=Path, required=True, help="the folder with all runs")
    parser.add_argument("--data", type=Path, required=True, help="the dataset")
    parser.add_argument("--report", type=Path, required=True, help="the report's folder")
    parser.add_argument("--output", type=Path, required=True, help="folder for the tables, .csv and .md")
    arguments = parser.parse_args()
    plan = read_json(arguments.plan)
    report = Report(arguments.report)
    runs = Runs(plan["summary"], arguments.runs, grouped_runs(finished_runs(arguments.runs.parent, ALONE)))
    data = load(arguments.data)
    kinds = {entry["kind"] for entry in plan["outputs"].values()}
    near = duplicates(data) if "without_duplicates" in kinds else None
    tables = answer(runs, classes(data), near, report.claims, report.deviations)
    for name, entry in plan["outputs"].items():
        frame, shown = tables[entry["kind"]]
        write_table(frame, arguments.output / f"{name}.csv", plan["note"], shown=shown, titles=runs.titles)


if __name__ == "__main__":
    exit_on_user_error(main)
