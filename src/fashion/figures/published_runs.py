"""Each published accuracy against those of our seeds, measured on test images of the same kind."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fashion.figures.parts.groups import counted
from fashion.figures.parts.sheet import WIDTH
from fashion.figures.parts.svg import describe

ROW_HEIGHT = 0.32  # inches
AROUND = 0.8
SEED: dict[str, Any] = {"marker": "o", "markersize": 4, "linestyle": "none", "color": "C0", "markerfacecolor": "none"}
PREDICTED: dict[str, Any] = {"color": "C0", "linestyle": "-", "linewidth": 4, "alpha": 0.25, "solid_capstyle": "butt"}
PUBLISHED: dict[str, Any] = {"marker": "D", "markersize": 4.5, "linestyle": "none", "color": "C1"}
CLEAN: dict[str, Any] = {"marker": "|", "markersize": 8, "linestyle": "none", "color": ("black", 0.6)}


def plot(repeats: pd.DataFrame, planned: Sequence[tuple[str, str, str, float]]) -> Figure:
    """Returns a line for each published run, with the difference of our mean at the right.

    Args:
        repeats: the table `repeats`.
        planned: name, model, augmentation and accuracy of each published run; those not in `repeats` are not run yet.
    """
    figure = Figure(figsize=(WIDTH, ROW_HEIGHT * len(planned) + AROUND))
    axes = figure.subplots()
    rows = {row["run"]: row for row in repeats.to_dict("records")}
    names = []
    for y, (run, model, augmentation, accuracy) in enumerate(planned):
        row = rows.get(run)
        names.append(f"{run}  {model}\n{augmentation}, {counted(row['seeds'], 'seed') if row else 'not run'}")
        drawn = [([100 * accuracy], PUBLISHED, f"published: {100 * accuracy:.2f} %")]
        if row and np.isnan(row["accuracy"]):
            names[-1] += ", on clean images only"
        elif row:
            difference = f"{100 * (row['accuracy'] - accuracy):+.2f}".replace("-", "\N{MINUS SIGN}")
            axes.text(1.02, y, difference, transform=axes.get_yaxis_transform(), va="center", size="small")
            seeds = [100 * float(own) for own in row["accuracies"].split()]
            low, high = (100 * row[key] for key in ("low", "high"))
            # The rings are drawn over the diamond: a ring does not hide it.
            drawn.append((seeds, SEED, f"our seeds: {', '.join(f'{seed:.2f} %' for seed in seeds)}"))
            if not np.isnan(low):
                drawn.insert(0, ([low, high], PREDICTED, f"one more seed, 95 %: {low:.2f} to {high:.2f} %"))
        if row and row["tested_on"] != "clean":
            clean = 100 * row["clean_accuracy"]
            drawn.append(([clean], CLEAN, f"our mean on clean images: {clean:.2f} %"))
        for accuracies, looks, text in drawn:
            (marks,) = axes.plot(accuracies, [y] * len(accuracies), **looks)
            describe(marks, f"{run}, {text}")
    axes.set_yticks(range(len(planned)), names)
    axes.set_ylim(len(planned) - 0.5, -0.5)
    axes.set_title("ours − published\n(points)", loc="right", size="small", weight="normal")
    axes.set_xlabel(f"accuracy (%), as the published code tests, n = {repeats['test_images'].max():,} images")
    handles = [
        Line2D([], [], **PUBLISHED, label="published"),
        Line2D([], [], **SEED, label="our seeds"),
        Line2D([], [], **PREDICTED, label="one more seed (95 %)"),
        Line2D([], [], **CLEAN, label="our mean, clean images"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    return figure
