"""The report's Fig. 8: a run's log, epoch by epoch."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from fashion.figures.parts.sheet import LINE_HEIGHT, WIDTH, figure_parser, save
from fashion.records.run import Run
from fashion.stage import exit_on_user_error

METRICS = {
    f"{part} {metric}": f"{part_name}_{metric_name}"
    for part, part_name in (("Train", "train"), ("Val", "validation"), ("Test", "test"))
    for metric, metric_name in (("Loss", "loss"), ("Acc", "accuracy"))
}


def lines(history: pd.DataFrame) -> list[str]:
    """A line for each epoch of a run's history, in the report's words."""
    return [
        f"Epoch {row['epoch']:.0f} - " + ", ".join(f"{words}: {row[column]:.4f}" for words, column in METRICS.items())
        for row in history.to_dict("records")
    ]


def plot(history: pd.DataFrame) -> Figure:
    """The log as light text on dark, as high as its lines need."""
    text = lines(history)
    height = LINE_HEIGHT * (len(text) + 1)
    figure = Figure(figsize=(WIDTH, height))
    axes = figure.subplots()
    axes.set(xlim=(0, WIDTH), ylim=(height, 0), xticks=[], yticks=[], facecolor="0.1")
    axes.grid(visible=False)
    # Lines differ in length by the digits of the epoch alone: flush right, the numbers stand in columns.
    for row, line in enumerate(text, start=1):
        axes.text(
            WIDTH - 0.2, LINE_HEIGHT * row, line, ha="right", va="center", color="0.95", size="small", in_layout=False
        )
    return figure


def main() -> None:
    parser = figure_parser(__doc__)
    parser.add_argument("--run", type=Path, required=True, help="the run's folder, with spec.json and history.csv")
    arguments = parser.parse_args()
    save(plot(Run(arguments.run).history), arguments.output, arguments.note)


if __name__ == "__main__":
    exit_on_user_error(main)
