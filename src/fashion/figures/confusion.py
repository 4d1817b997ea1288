"""Which class each model takes for which."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fashion.figures.parts.mosaic import short
from fashion.figures.parts.multiples import COLUMNS, heading, panels, sizes
from fashion.figures.parts.sheet import LINE_HEIGHT
from fashion.figures.parts.svg import BLACK, describe
from fashion.image import CLASSES
from fashion.records.predictions import Predictions

ROW_HEIGHT = 2.42  # inches, under a title of one line
NAMES_HEIGHT = 0.4  # inches, of the classes' names under the last row


def confusion(seeds: list[Predictions]) -> np.ndarray:
    """Returns the share of each class's images (a row) that is predicted as each class (a column): `[10, 10]`, percent.

    Images of all seeds are pooled. The row of a class without images is 0.
    """
    counts = np.sum([run.confusion for run in seeds], axis=0)
    return 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def plot(groups: list[tuple[str, str, list[Predictions]]], classes: Sequence[str] = CLASSES) -> Figure:
    """Returns a confusion matrix for each model; `groups` come from `predictions_of_groups`."""
    titles = [
        heading(model, augmentation, sizes(len(seeds), len(seeds[0].labels))) for model, augmentation, seeds in groups
    ]
    height = ROW_HEIGHT + LINE_HEIGHT * max(title.count("\n") for title in titles)
    figure, grid = panels(len(groups), height, xlabel="predicted class (row: true)", ylabel="")
    figure.set_layout_engine("constrained", w_pad=0.01, wspace=0)
    for axes, title, (model, _, seeds) in zip(grid, titles, groups, strict=True):
        _draw(axes, confusion(seeds), model, classes)
        axes.set_title(title, size="small")
    labels = range(len(classes))
    figure.set_figheight(figure.get_figheight() + NAMES_HEIGHT)
    grid[0].set_xticks(labels)
    names = [f"{short(name)} {label}" for label, name in enumerate(classes)]
    for axes in grid[-COLUMNS:]:
        # All panels share the labels of their own axes.
        below = axes.secondary_xaxis("bottom")
        below.set_xticks(labels, names, rotation=90, size="small")
        below.tick_params(length=0, pad=2)
        axes.tick_params(labelbottom=False)
        below.set_xlabel(axes.get_xlabel())
        axes.set_xlabel("")
    grid[0].set_yticks(labels, names)
    return figure


def _draw(axes: Axes, shares: np.ndarray, model: str, classes: Sequence[str]) -> None:
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=100)
    axes.grid(visible=False)
    axes.tick_params(length=0, pad=2)
    for (row, column), share in np.ndenumerate(shares):
        if (written := f"{share:.0f}") != "0":
            looks: dict[str, Any] = {"ha": "center", "va": "center_baseline", "size": "small", "in_layout": False}
            cell = axes.text(column, row, written, **looks, color="white" if share > 60 else BLACK)
            describe(cell, f"{model}: {share:.1f} % of {classes[row]} as {classes[column]}", stop=False)
