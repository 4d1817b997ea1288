"""The test accuracy of every model beside its size and its cost, the most accurate on top."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter

from fashion.figures.parts.names import COLORS, FAMILIES, beside_usual, log_scale, logit_scale, on_logit_scale, styles
from fashion.figures.parts.sheet import WIDTH
from fashion.figures.parts.svg import describe

ROW_HEIGHT, AROUND = 0.17, 1.0  # inches
COSTS = {"parameters": "parameters", "flops_per_image": "FLOPs per image"}
MEASURED: dict[str, Any] = {"marker": "o", "markersize": 4, "linestyle": "-"}
REPORTED: dict[str, Any] = {"marker": "o", "markersize": 6.5, "linestyle": "none", "markerfacecolor": "none"}
LEAST: dict[str, Any] = {"color": ("black", 0.35), "linewidth": 0.9}


def plot(comparison: pd.DataFrame, families: dict[str, str]) -> Figure:
    """Returns a row for each model: test accuracy with its interval, reported test accuracy, parameters, and FLOPs.

    Args:
        comparison: rows of the table `comparison`, one for each model.
        families: a model's name -> its family's name.
    """
    table = comparison.sort_values("test_accuracy", ascending=False, kind="stable")
    figure = Figure(figsize=(WIDTH, ROW_HEIGHT * len(table) + AROUND))
    accuracy, *costs = figure.subplots(1, 3, sharey=True, width_ratios=(2, 1, 1))
    colors = {model: looks["color"] for model, looks in styles(families).items()}
    for y, (_, row) in enumerate(table.iterrows()):
        _draw_row(accuracy, costs, y, row, colors[row["model"]])
    logit_scale(accuracy, "x")
    accuracy.set_xlabel("test accuracy (%)")
    for axes, (cost, label) in zip(costs, COSTS.items(), strict=True):
        edges = np.arange(len(table) + 1) - 0.5
        axes.stairs(np.minimum.accumulate(table[cost]), edges, orientation="horizontal", baseline=None, **LEAST)
        axes.set(xlabel=label, xmargin=0.1)
        log_scale(axes, EngFormatter(sep=""))
    names, usual = beside_usual(list(zip(table["model"], table["augmentation"], strict=True)))
    accuracy.set_yticks(np.arange(len(table)), names)
    accuracy.set_ylim(len(table) - 0.5, -0.5)
    shown = [family for family in COLORS if family in families.values()]
    handles = [
        Line2D([], [], marker="o", markersize=4, linestyle="none", color=COLORS[family], label=FAMILIES[family])
        for family in shown
    ]
    handles += [
        Line2D([], [], color="black", **MEASURED, label="measured, 95 % interval"),
        Line2D([], [], color="black", **REPORTED, label="report"),
        Line2D([], [], **LEAST, label="least so far, from the top"),
    ]
    title = f"{usual}; {_sizes(table)} test images"
    figure.legend(
        handles=handles,
        loc="outside upper center",
        ncols=len(handles),
        title=title,
        columnspacing=1.2,
        title_fontsize="small",
    )
    return figure


def _draw_row(accuracy: Axes, costs: list[Axes], y: int, row: pd.Series, color: str) -> None:
    measured = row[["test_accuracy_low", "test_accuracy", "test_accuracy_high"]].astype(float)
    low, middle, high = 100 * measured
    (line,) = accuracy.plot(on_logit_scale(measured), [y] * 3, color=color, **MEASURED, markevery=[1])
    describe(line, f"{row['model']}: {middle:.2f} %, 95 % interval {low:.2f} to {high:.2f} %")
    reported = float(row["reported_test_accuracy"])
    if not np.isnan(reported):
        (ring,) = accuracy.plot(on_logit_scale(reported), y, color=color, **REPORTED)
        describe(ring, f"{row['model']}: {100 * reported:.2f} % in the report")
    for axes, (cost, label) in zip(costs, COSTS.items(), strict=True):
        (dot,) = axes.plot(row[cost], y, color=color, **MEASURED)
        describe(dot, f"{row['model']}: {row[cost]:,.0f} {label}")


def _sizes(comparison: pd.DataFrame) -> str:
    """Returns the numbers of seeds and test images behind the accuracies: "n = 3 × 10,000"."""
    texts = [
        f"{values.min():,}" + (f" to {values.max():,}" if values.min() < values.max() else "")
        for values in (comparison["seeds"], comparison["test_images"])
    ]
    return "n = " + " × ".join(texts[texts[0] == "1" :])
