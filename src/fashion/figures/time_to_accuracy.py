"""How long each model trains until it is how good."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from fashion.figures.parts.groups import Group, counted
from fashion.figures.parts.names import (
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
    drawn = styles({model: seeds[0].spec["model"]["family"] for model, _, seeds in groups})
    figure = Figure(figsize=(WIDTH, height(HEIGHT, len(groups))))
    names = name_width(drawn)
    axes, column = figure.subplots(1, 2, sharey=True, width_ratios=(WIDTH - names - LABELS, names))
    axes.set(xlabel="training time (s)", ylabel="test accuracy of the best validation epoch so far (%)")
    augmentations = dict.fromkeys(augmentation for _, augmentation, _ in groups)
    most = max(len(seeds) for *_, seeds in groups)
    lines = [f"augmentation: {', '.join(augmentations)}, {counted(most, 'seed')}", *doubts(runs)]
    axes.set_title("\n".join(lines), size="small")
    logit_scale(axes, "y")
    ends = {}
    for model, _, of_model in groups:
        lines = [axes.plot(*progress(run.history), **drawn[model], marker="o", markevery=[-1])[0] for run in of_model]
        for line in lines:
            seconds, accuracy = line.get_xydata()[-1]
            describe(line, f"{model}: {100 * accuracy:.2f} % within {seconds:,.0f} s")
        # The line that ends last ends nearest to the names.
        ends[model] = max(tuple(line.get_xydata()[-1]) for line in lines)
    log_scale(axes, StrMethodFormatter("{x:,g}"))
    heights = write_names(column, {model: accuracy for model, (_, accuracy) in ends.items()}, drawn)
    for model, end in ends.items():
        lead(figure, axes, end, column, heights[model])
    return figure
