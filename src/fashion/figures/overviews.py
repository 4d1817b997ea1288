"""Draws the figures that compare all models of a study."""

from collections.abc import Sequence
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
from fashion.figures.parts.groups import Group, read_groups
from fashion.figures.parts.sheet import draw, figure_parser
from fashion.stage import exit_on_user_error

OF_HISTORIES = {
    "gradients": gradients.plot,
    "time_to_accuracy": time_to_accuracy.plot,
    "all_curves": all_curves.plot,
}


def plot(kind: str, groups: Sequence[Group], data: Path, tables: Path, classes: Sequence[str], **settings) -> Figure:
    """Returns the figure of a kind.

    Args:
        groups: the runs that it shows, grouped by model and augmentation.
        data: the dataset, as fashion.data.download writes it.
        tables: the folder with the study's tables.
        classes: the classes' names, in the order of the labels.
        settings: the figure's own settings; see `fashion.study.outputs`.
    """
    if kind in OF_HISTORIES:
        return OF_HISTORIES[kind](groups)
    predictions = ((model, augmentation, [run.predictions for run in seeds]) for model, augmentation, seeds in groups)
    match kind:
        case "confusion":
            return confusion.plot(list(predictions), classes)
        case "reliability":
            return reliability.plot(list(predictions))
        case "mistakes":
            return mistakes.plot(load(data).test_images, list(predictions), classes)
        case "tradeoff":
            return tradeoff.plot(shown(pd.read_csv(tables / "comparison.csv"), groups), families(groups))
        case "published_runs":
            return published_runs.plot(pd.read_csv(tables / "repeats.csv", converters={"accuracies": str}), **settings)
        case "effects":
            return effects.plot(pd.read_csv(tables / "factorial.csv"))
    raise ValueError(f"no figure of the kind {kind}")


def shown(comparison: pd.DataFrame, groups: Sequence[Group]) -> pd.DataFrame:
    """Returns the comparison's rows of these models and augmentations, with titles in place of keys."""
    keys = [seeds[0].folder.parts[-3:-1] for *_, seeds in groups]
    rows = comparison.set_index(["model", "augmentation"]).loc[keys].reset_index()
    models, augmentations, _ = zip(*groups, strict=True)
    return rows.assign(model=models, augmentation=augmentations)


def families(groups: Sequence[Group]) -> dict[str, str]:
    """Returns the family of each model."""
    return {model: seeds[0].spec["model"]["family"] for model, _, seeds in groups}


def main() -> None:
    parser = figure_parser(__doc__)
    parser.add_argument("--runs", type=Path, required=True, help="the folder with all runs")
    parser.add_argument("--data", type=Path, required=True, help="the dataset, as fashion.data.download writes it")
    parser.add_argument("--tables", type=Path, required=True, help="the folder with the study's tables")
    arguments = parser.parse_args()

    def plotted(kind: str, groups: list, classes: list[str], **settings) -> Figure:
        runs = read_groups(arguments.runs, groups)
        return plot(kind, runs, arguments.data, arguments.tables, classes, **settings)

    draw(arguments.plan, arguments.output, plotted)


if __name__ == "__main__":
    exit_on_user_error(main)
