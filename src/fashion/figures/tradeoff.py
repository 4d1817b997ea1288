"""Beyond the report: the test accuracy of every model against its size and its cost."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fashion.figures.parts.names import height, lead, logit_scale, on_logit_scale, styles, write_names
from fashion.figures.parts.sheet import WIDTH, figure_parser, save
from fashion.records.run import add_runs
from fashion.stage import exit_on_user_error

HEIGHT = 4.0  # inches
COSTS = {"parameters": "parameters", "flops_per_image": "FLOPs per image"}
MEASURED = {"marker": "o", "markersize": 4, "linestyle": "-"}
REPORTED = {**MEASURED, "markersize": 6, "markerfacecolor": "none", "linestyle": "none"}


def plot(comparison: pd.DataFrame, families: dict[str, str]) -> Figure:
    """Test accuracy with its interval against parameters and FLOPs, a point for each row, named between the panels.

    Args:
        comparison: rows of the table of that name, one for each model.
        families: a model's name -> its family's.
    """
    figure = Figure(figsize=(WIDTH, height(HEIGHT, len(comparison))))
    left, column, right = figure.subplots(1, 3, sharey=True, width_ratios=(1, 0.42, 1))
    drawn = styles(families)
    logit_scale(left)
    columns = ["test_accuracy_low", "test_accuracy", "test_accuracy_high", "reported_test_accuracy"]
    accuracies = on_logit_scale(comparison.set_index("model")[columns].astype(float))
    for axes, (cost, label) in zip((left, right), COSTS.items(), strict=True):
        axes.set(xscale="log", xlabel=label, xmargin=0.08)
        for x, (model, (low, middle, high, reported)) in zip(comparison[cost], accuracies.iterrows(), strict=True):
            color = drawn[model]["color"]
            axes.plot([x] * 3, [low, middle, high], color=color, **MEASURED, markevery=[1])
            axes.plot(x, reported, color=color, **REPORTED)
    left.set_ylabel("test accuracy (%)")
    right.yaxis.tick_right()
    right.tick_params(labelright=True)
    right.spines.left.set_visible(False)
    right.spines.right.set_visible(True)
    heights = write_names(column, accuracies["test_accuracy"].to_dict(), drawn)
    for _, row in comparison.iterrows():
        name = row["model"]
        for axes, cost, end in ((left, "parameters", 0.0), (right, "flops_per_image", 1.0)):
            lead(figure, axes, (row[cost], accuracies.loc[name, "test_accuracy"]), column, (end, heights[name]))
    augmentations = ", ".join(sorted(set(comparison["augmentation"])))
    measured = f"measured with 95 % interval, augmentation: {augmentations}, {_sizes(comparison)}"
    handles = [
        Line2D([], [], color="0.3", **MEASURED, label=measured),
        Line2D([], [], color="0.3", **REPORTED, label="report"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    return figure


def _sizes(comparison: pd.DataFrame) -> str:
    """Of how many seeds and test images the measured accuracies are, "n = 3 × 10,000"."""
    texts = [
        f"{values.min():,}" + (f" to {values.max():,}" if values.min() < values.max() else "")
        for values in (comparison["seeds"], comparison["test_images"])
    ]
    return "n = " + " × ".join(texts[texts[0] == "1" :])


def main() -> None:
    parser = figure_parser(__doc__)
    parser.add_argument("--comparison", type=Path, required=True, help="the table of that name, .csv")
    add_runs(parser)
    parser.add_argument("--families", nargs="+", required=True, help="those of the models, in the same order")
    arguments = parser.parse_args()
    keys = [runs[0].folder.parts[-3:-1] for runs in arguments.runs]
    models = [model for model, _ in keys]
    table = pd.read_csv(arguments.comparison).set_index(["model", "augmentation"])
    shown = table.loc[keys].reset_index()
    figure = plot(shown, dict(zip(models, arguments.families, strict=True)))
    save(figure, arguments.output, arguments.note)


if __name__ == "__main__":
    exit_on_user_error(main)
