"""Model or training: the accuracies of two networks with two trainings, and the effect of either."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fashion.figures.parts.sheet import WIDTH
from fashion.figures.parts.svg import describe

HEIGHT = 2.6  # inches
MEASURED: dict[str, Any] = {"marker": "o", "markersize": 4, "linestyle": "-", "color": "C0", "markevery": [1]}


def plot(factorial: pd.DataFrame) -> Figure:
    """Returns a row for each accuracy and, below, for each effect of the table `factorial`."""
    of_cell = factorial["measure"] == factorial["measure"].iloc[0]
    cells, effects = factorial[of_cell], factorial[~of_cell]
    figure = Figure(figsize=(WIDTH, HEIGHT))
    accuracy, effect = figure.subplots(2, 1, height_ratios=(len(cells), len(effects)))
    _draw(accuracy, cells, list(cells["of"]), "%")
    accuracy.set_xlabel(f"test accuracy (%), n = seeds × {factorial['test_images'].max():,} test images")
    # In a file, what an effect is of can be missing.
    names = list((effects["measure"] + ", " + effects["of"].fillna("")).str.removesuffix(", "))
    _draw(effect, effects, names, "points")
    effect.axvline(0, color=("black", 0.35), linewidth=0.9, zorder=0)
    effect.set_xlabel("difference (percentage points)")
    return figure


def _draw(axes: Axes, rows: pd.DataFrame, names: list[str], unit: str) -> None:
    for y, (name, (_, row)) in enumerate(zip(names, rows.iterrows(), strict=True)):
        low, value, high = 100 * row[["low", "value", "high"]].astype(float)
        (line,) = axes.plot([low, value, high], [y] * 3, **MEASURED)
        describe(line, f"{name}: {value:.2f} {unit}, 95 % interval {low:.2f} to {high:.2f}")
    axes.set_yticks(
        range(len(rows)), [f"{name}, n = {seeds}" for name, seeds in zip(names, rows["seeds"], strict=True)]
    )
    axes.set_ylim(len(rows) - 0.5, -0.5)
