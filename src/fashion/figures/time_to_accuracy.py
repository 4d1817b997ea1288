"""How long each model trains until it is how good."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from fashion.figures.parts.groups import Group, counted
from fashion.figures.parts.names import (
    beside_usual,
    height,
    lead,
    log_scale,
    logit_scale,
    name_width,
    on_logit_scale,
    styles,
    write_names,
)
from fashion.figures.parts.sheet import WIDTH
from fashion.figures.parts.svg import describe
from fashion.records.run import accuracy_so_far
from fashion.records.timing import doubts

HEIGHT = 4.2  # inches
LABELS = 0.5  # inches of the width, for the labels of the y axis


def progress(history: pd.DataFrame) -> tuple[pd.Series, np.ndarray]:
    """Returns, for the end of each epoch, the training time so far and the test accuracy of the best epoch so far."""
    so_far = accuracy_so_far(history)
    return so_far["seconds"], on_logit_scale(so_far["accuracy"])


def plot(groups: Sequence[Group]) -> Figure:
    """Returns the best epoch's test accuracy over training time: a line for each run, models' names at the right."""
    runs = [run for *_, seeds in groups for run in seeds]
    named, usual = beside_usual([group[:2] for group in groups])
    seeds_of = dict(zip(named, (seeds for *_, seeds in groups), strict=True))
    drawn = styles({name: seeds[0].spec["model"]["family"] for name, seeds in seeds_of.items()})
    figure = Figure(figsize=(WIDTH, height(HEIGHT, len(groups))))
    names = name_width(drawn)
    axes, column = figure.subplots(1, 2, sharey=True, width_ratios=(WIDTH - names - LABELS, names))
    axes.set(xlabel="training time (s)", ylabel="test accuracy of the best validation epoch so far (%)")
    most = max(map(len, seeds_of.values()))
    lines = [f"{usual}; {counted(most, 'seed')}", *doubts(runs)]
    axes.set_title("\n".join(lines), size="small")
    logit_scale(axes, "y")
    ends = {}
    for name, seeds in seeds_of.items():
        lines = [axes.plot(*progress(run.history), **drawn[name], marker="o", markevery=[-1])[0] for run in seeds]
        for line in lines:
            seconds, accuracy = line.get_xydata()[-1]
            describe(line, f"{name}: {100 * accuracy:.2f} % within {seconds:,.0f} s")
        # The line that ends last ends nearest to the names.
        ends[name] = max(tuple(line.get_xydata()[-1]) for line in lines)
    log_scale(axes, StrMethodFormatter("{x:,g}"))
    heights = write_names(column, {name: accuracy for name, (_, accuracy) in ends.items()}, drawn)
    for name, end in ends.items():
        lead(figure, axes, end, column, heights[name])
    return figure
