"""Draws the figures that compare all models of a study."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from fashion.data.dataset import load
from fashion.figures import (
    all_curves,
    confusion,
    effects,
    gradients,
    mistakes,
    published_runs,
    reliability,
    time_to_accuracy,
    tradeoff,
)
from fashion.figures.parts.sheet import draw, figure_parser
from fashion.records.run import Run, groups_of, predictions_of_groups
from fashion.stage import exit_on_user_error

OF_HISTORIES = {
    "gradients": gradients.plot,
    "time_to_accuracy": time_to_accuracy.plot,
    "all_curves": all_curves.plot,
}


def plot(kind: str, groups: Sequence[list[Run]], data: Path, tables: Path, classes: Sequence[str]) -> Figure:
    """Returns the figure of a kind.

    Args:
        groups: the runs that it shows, grouped by model and augmentation.
        data: the dataset, as fashion.data.download writes it.
        tables: the folder with the study's tables.
        classes: the classes' names, in the order of the labels.
    """
    if kind in OF_HISTORIES:
        return OF_HISTORIES[kind](list(chain.from_iterable(groups)))
    match kind:
        case "confusion":
            return confusion.plot(list(predictions_of_groups(groups)), classes)
        case "reliability":
            return reliability.plot(list(predictions_of_groups(groups)))
        case "mistakes":
            return mistakes.plot(load(data).test_images, list(predictions_of_groups(groups)), classes)
        case "tradeoff":
            return tradeoff.plot(shown(pd.read_csv(tables / "comparison.csv"), groups), families(groups))
        case "published_runs":
            return published_runs.plot(pd.read_csv(tables / "repeats.csv", dtype={"accuracies": str}))
        case "effects":
            return effects.plot(pd.read_csv(tables / "factorial.csv"))
    raise ValueError(f"no figure of the kind {kind}")


def shown(comparison: pd.DataFrame, groups: Sequence[list[Run]]) -> pd.DataFrame:
    """Returns the comparison's rows of these models and augmentations."""
    keys = [runs[0].folder.parts[-3:-1] for runs in groups]
    return comparison.set_index(["model", "augmentation"]).loc[keys].reset_index()


def families(groups: Sequence[list[Run]]) -> dict[str, str]:
    """Returns the family of each model."""
    models = [runs[0].spec["model"] for runs in groups]
    return {model["name"]: model["family"] for model in models}


def main() -> None:
    parser = figure_parser(__doc__)
    parser.add_argument("--runs", type=Path, required=True, help="the folder with all runs")
    parser.add_argument("--data", type=Path, required=True, help="the dataset, as fashion.data.download writes it")
    parser.add_argument("--tables", type=Path, required=True, help="the folder with the study's tables")
    arguments = parser.parse_args()

    def plotted(kind: str, groups: list, classes: list[str]) -> Figure:
        runs = groups_of(arguments.runs, groups)
        return plot(kind, runs, arguments.data, arguments.tables, classes)

    draw(arguments.plan, arguments.output, plotted)


if __name__ == "__main__":
    exit_on_user_error(main)
