"""Each published accuracy against those of our seeds, measured on test images of the same kind."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fashion.figures.parts.sheet import WIDTH
from fashion.figures.parts.svg import describe

ROW_HEIGHT = 0.26  # inches
AROUND = 0.8
SEED: dict[str, Any] = {"marker": "o", "markersize": 4, "linestyle": "none", "color": "C0", "markerfacecolor": "none"}
PREDICTED: dict[str, Any] = {"color": "C0", "linestyle": "-", "linewidth": 4, "alpha": 0.25, "solid_capstyle": "butt"}
PUBLISHED: dict[str, Any] = {"marker": "D", "markersize": 4.5, "linestyle": "none", "color": "C1"}
CLEAN: dict[str, Any] = {"marker": "|", "markersize": 8, "linestyle": "none", "color": ("black", 0.6)}


def short(models: pd.Series) -> pd.Series:
    """The models' names without a first word, as in published_vgg, that all of several have in common."""
    words = models.str.split("_").str[0].unique()
    return models.str.removeprefix(f"{words[0]}_") if len(words) == 1 and models.nunique() > 1 else models


def plot(repeats: pd.DataFrame) -> Figure:
    """Returns a line for each published run, in the order of the table `repeats`."""
    figure = Figure(figsize=(WIDTH, ROW_HEIGHT * len(repeats) + AROUND))
    axes = figure.subplots()
    for y, (_, row) in enumerate(repeats.iterrows()):
        seeds = [100 * float(accuracy) for accuracy in row["accuracies"].split()]
        low, high, published, clean = 100 * row[["low", "high", "reported_accuracy", "clean_accuracy"]].astype(float)
        drawn = [
            ([published], PUBLISHED, f"published: {published:.2f} %"),
            # The rings are drawn over the diamond: a ring does not hide it.
            (seeds, SEED, f"our seeds: {', '.join(f'{seed:.2f} %' for seed in seeds)}"),
        ]
        if not np.isnan(low):
            drawn.insert(0, ([low, high], PREDICTED, f"one more seed, 95 %: {low:.2f} to {high:.2f} %"))
        if row["tested_on"] != "clean":
            drawn.append(([clean], CLEAN, f"our mean on clean images: {clean:.2f} %"))
        for accuracies, looks, text in drawn:
            (marks,) = axes.plot(accuracies, [y] * len(accuracies), **looks)
            describe(marks, f"{row['run']}, {text}")
    names = repeats["run"] + "  " + short(repeats["model"]) + ", " + repeats["augmentation"]
    axes.set_yticks(np.arange(len(repeats)), names + ", n = " + repeats["seeds"].astype(str))
    axes.set_ylim(len(repeats) - 0.5, -0.5)
    axes.set_xlabel(f"accuracy (%) on {repeats['test_images'].max():,} test images, as the published code tests")
    handles = [
        Line2D([], [], **PUBLISHED, label="published"),
        Line2D([], [], **SEED, label="our seeds"),
        Line2D([], [], **PREDICTED, label="one more seed (95 %)"),
        Line2D([], [], **CLEAN, label="our mean, clean images"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    return figure
