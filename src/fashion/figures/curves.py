"""The report's Fig. 4, 6, 10 to 12, 14, 16, 17: loss and accuracy over the epochs, a row of panels for each model."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from fashion.figures.parts.epochs import by_model, counted, draw, legend
from fashion.figures.parts.sheet import WIDTH, figure_parser, save
from fashion.records.run import Run, add_runs
from fashion.records.timing import UNKNOWN, doubts
from fashion.stage import exit_on_user_error

CURVES = "published_curves.csv"
ROW_HEIGHT = 2.2  # inches
LEGEND_HEIGHT = 0.2
TICK_CHARACTERS = 4
LINE_CHARACTERS = 110  # that surely fit under a row


class _EqualWidth(ScalarFormatter):
    """Tick labels as wide as in any other panel, so that the panels of all rows line up."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return super().__call__(x, pos).rjust(TICK_CHARACTERS, "\N{FIGURE SPACE}")


def plot(
    runs: Sequence[Run],
    reported: dict[str, dict],
    held_out: str = "validation",
) -> Figure:
    """Loss on the left, accuracy on the right, a row for each model and augmentation, a thin line for each run.

    Args:
        reported: a model's name -> the report's `seconds` and `epochs`, as far as there are any, and the published
            `run` that they are of.
        held_out: what is drawn beside training, "validation" or "test".
    """
    theirs = {model: published_curves(numbers["run"]) for model, numbers in reported.items() if "run" in numbers}
    rows = by_model(runs)
    figure = Figure(figsize=(WIDTH, ROW_HEIGHT * len(rows) + LEGEND_HEIGHT))
    parts = figure.subfigures(len(rows), squeeze=False, hspace=0.04)[:, 0]
    for part, ((model, augmentation), seeds) in zip(parts, rows.items(), strict=True):
        part.suptitle(f"{model}, augmentation: {augmentation}, {counted(len(seeds), 'seed')}")
        loss, accuracy = part.subplots(1, 2)
        draw(loss, seeds, "loss", held_out=held_out, published=theirs.get(model))
        draw(accuracy, seeds, "accuracy", scale=100, held_out=held_out, published=theirs.get(model))
        for axes in (loss, accuracy):
            axes.yaxis.set_major_formatter(_EqualWidth())
        loss.set(xlabel="epoch", ylabel="loss")
        accuracy.set(xlabel="epoch", ylabel="accuracy (%)")
        busy = [words for words in doubts(seeds) if UNKNOWN not in words]
        under = [training_time(seeds, reported.get(model, {})), *busy]
        part.supxlabel(("; " if sum(map(len, under)) <= LINE_CHARACTERS else ";\n").join(under))
    handles = legend(held_out, published=bool(theirs), diverged=any(run.diverged for run in runs))
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    return figure


def training_time(runs: Sequence[Run], reported: dict) -> str:
    """The line under a row: seconds and epochs, means over the seeds where there are several, beside the report's."""
    seconds = np.mean([run.history["seconds"].sum() for run in runs])
    epochs = np.mean([len(run.history) for run in runs])
    text = f"Total training time: {seconds:.1f} s in "
    if len(runs) == 1:
        text += counted(len(runs[0].history), "epoch")
    else:
        text += f"{epochs:.1f} epochs, mean of {len(runs)} seeds"
    theirs = [
        form.format(reported[key])
        for key, form in (("seconds", "{:.2f} s"), ("epochs", "{} epochs"))
        if key in reported
    ]
    return f"{text} (report: {', '.join(theirs)})" if theirs else text


def published_curves(run: str) -> pd.DataFrame:
    """The curves of a published run, P1 to P15, read from its picture pixel by pixel to about 0.3 % of each axis.

    Columns are a history's, a row for each epoch; a cell is NaN where another line hides its own.
    """
    curves = pd.read_csv(Path(__file__).with_name(CURVES))
    return curves[curves["run"] == run]


def main() -> None:
    parser = figure_parser(__doc__)
    add_runs(parser)
    parser.add_argument(
        "--reported",
        type=json.loads,
        default={},
        help='the report\'s numbers: {"model": {"seconds": 9.5, "epochs": 3}}',
    )
    parser.add_argument("--held-out", choices=("validation", "test"), default="validation", help="beside training")
    arguments = parser.parse_args()
    runs = [run for group in arguments.runs for run in group]
    save(plot(runs, arguments.reported, arguments.held_out), arguments.output, arguments.note)


if __name__ == "__main__":
    exit_on_user_error(main)
