"""Draws loss and accuracy over the epochs, a row of panels for each model, and the logs of single runs."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from fashion.figures import log
from fashion.figures.parts.epochs import LABELS, draw, legend
from fashion.figures.parts.groups import Group, counted, read_groups
from fashion.figures.parts.sheet import WIDTH, figure_parser
from fashion.figures.parts.sheet import draw as draw_figures
from fashion.records.run import Run
from fashion.records.timing import UNKNOWN, doubts
from fashion.stage import exit_on_user_error

ROW_HEIGHT = 2.2  # inches
LEGEND_HEIGHT = 0.2
TICK_CHARACTERS = 4
LINE_CHARACTERS = 110  # so many surely fit under a row


class _EqualWidth(ScalarFormatter):
    """Tick labels of one width, so that the panels of all rows line up."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return super().__call__(x, pos).rjust(TICK_CHARACTERS, "\N{FIGURE SPACE}")


def plot(
    groups: Sequence[Group],
    reported: dict[str, dict],
    published: pd.DataFrame,
    held_out: str = "validation",
) -> Figure:
    """Returns loss on the left, accuracy on the right: a row for each group, a line for each run.

    Args:
        reported: a model's name -> its reported `seconds` and `epochs`, if any, and the published `run` that they are
            from.
        published: the curves of published runs, with a history's columns and `run`; a cell is NaN if another line of
            the published picture hides the value.
        held_out: the part drawn beside training, "validation" or "test".
    """
    runs_of = {model: numbers["run"] for model, numbers in reported.items() if "run" in numbers}
    theirs = {model: published[published["run"] == run] for model, run in runs_of.items()}
    figure = Figure(figsize=(WIDTH, ROW_HEIGHT * len(groups) + LEGEND_HEIGHT))
    parts = figure.subfigures(len(groups), squeeze=False, hspace=0.04)[:, 0]
    for part, (title, augmentation, seeds) in zip(parts, groups, strict=True):
        model = seeds[0].spec["model"]["name"]
        beside = f": {LABELS['train']} and {LABELS[held_out]}" if held_out == "test" else ""
        part.suptitle(f"{title}, augmentation: {augmentation}, {counted(len(seeds), 'seed')}{beside}")
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
    handles = legend(
        held_out, published=bool(theirs), diverged=any(run.diverged for *_, seeds in groups for run in seeds)
    )
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    return figure


def training_time(runs: Sequence[Run], reported: dict) -> str:
    """Returns the line under a row: seconds and epochs, as means over the seeds, beside the reported ones."""
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


def main() -> None:
    parser = figure_parser(__doc__)
    parser.add_argument("--runs", type=Path, required=True, help="the folder with all runs")
    parser.add_argument("--published", type=Path, required=True, help="the published curves, .csv")
    arguments = parser.parse_args()
    published = pd.read_csv(arguments.published)

    def plotted(kind: str, groups: list, classes: list[str], **settings) -> Figure:
        shown = read_groups(arguments.runs, groups)
        # A log shows one run.
        return log.plot(shown[0][2][0].history) if kind == "log" else plot(shown, published=published, **settings)

    draw_figures(arguments.plan, arguments.output, plotted)


if __name__ == "__main__":
    exit_on_user_error(main)
