"""Writes the tables that a study's plan lists, each as CSV and Markdown."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from fashion.data.dataset import load
from fashion.files import read_json
from fashion.records.run import Runs
from fashion.stage import exit_on_user_error, stage_parser
from fashion.tables import ablation, calibration, comparison, compute, duplicates, factorial, per_class
from fashion.tables.classes import classes
from fashion.tables.hyperparameters import hyperparameters
from fashion.tables.operations import operations
from fashion.tables.writing import write_table


def make(
    kind: str, runs: Runs, data: Path, names: Sequence[str], settings: dict
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Returns the table of a kind, and its version for readers; None if they get the table itself.

    Args:
        data: the dataset, as fashion.data.download writes it.
        names: the classes' names, in the order of the labels.
        settings: the table's own settings; see `fashion.study.outputs`.
    """
    match kind:
        case "classes":
            return classes(load(data), names), None
        case "duplicates":
            frame = duplicates.duplicates(load(data), names)
            return frame, duplicates.readable(frame)
        case "operations":
            return operations(**settings), None
        case "hyperparameters":
            return hyperparameters(**settings), None
        case "comparison":
            frame = comparison.compare(runs)
            return frame, comparison.readable(frame)
        case "compute":
            frame = compute.compute(runs)
            return frame, compute.readable(frame)
        case "per_class":
            frame = per_class.per_class(runs.predictions(), names)
            return frame, per_class.readable(frame)
        case "calibration":
            frame = calibration.calibration(runs.predictions())
            return frame, calibration.readable(frame)
        case "ablation":
            frame = ablation.ablation(runs.predictions())
            return frame, ablation.readable(frame, runs.titles["augmentation"])
        case "factorial":
            frame = factorial.factorial(runs, **settings)
            return frame, factorial.readable(frame)
    raise ValueError(f"no table of the kind {kind}")


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--plan", type=Path, required=True, help="the study's summary and its tables, JSON")
    parser.add_argument("--runs", type=Path, required=True, help="the folder with all runs")
    parser.add_argument("--data", type=Path, required=True, help="the dataset")
    parser.add_argument("--output", type=Path, required=True, help="folder for the tables, .csv and .md")
    arguments = parser.parse_args()
    plan = read_json(arguments.plan)
    runs = Runs(plan["summary"], arguments.runs)
    for name, settings in plan["outputs"].items():
        frame, shown = make(settings.pop("kind"), runs, arguments.data, plan["classes"], settings)
        write_table(frame, arguments.output / f"{name}.csv", plan["note"], shown=shown, titles=runs.titles)


if __name__ == "__main__":
    exit_on_user_error(main)
