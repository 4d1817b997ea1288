"""A run's log, epoch by epoch."""

from collections.abc import Iterable
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from fashion.figures.parts.sheet import LINE_HEIGHT, WIDTH

MARGIN = 0.1  # inches
COLUMNS = {
    f"{part} {metric}": f"{part_name}_{metric_name}"
    for part, part_name in (("Train", "train"), ("Val", "validation"), ("Test", "test"))
    for metric, metric_name in (("Loss", "loss"), ("Acc", "accuracy"))
}


def lines(history: pd.DataFrame) -> list[str]:
    """Returns a line for each epoch of a run's history, numbers in columns."""
    named = [
        [f"{words}: {number}" for number in _aligned(map(_number, history[column]))]
        for words, column in COLUMNS.items()
    ]
    epochs = [f"Epoch {epoch} - " for epoch in _aligned(f"{epoch:.0f}" for epoch in history["epoch"])]
    return [f"{epoch}{', '.join(metrics)}" for epoch, *metrics in zip(epochs, *named, strict=True)]


def _number(value: float) -> str:
    return f"{value:.3e}" if abs(value) >= 1e5 else f"{value:.4f}"  # before a run diverges, a loss may have 38 digits


def _aligned(numbers: Iterable[str]) -> list[str]:
    numbers = list(numbers)
    return [number.rjust(max(map(len, numbers)), "\N{FIGURE SPACE}") for number in numbers]


def plot(history: pd.DataFrame) -> Figure:
    """Returns the log as light text on dark, as high as its lines need."""
    text = lines(history)
    height = LINE_HEIGHT * (len(text) + 1)
    figure = Figure(figsize=(WIDTH, height))
    axes = figure.subplots()
    axes.set(xlim=(0, WIDTH), ylim=(height, 0), xticks=[], yticks=[], facecolor="0.1")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)  # on a dark page they would be a white frame
    for row, line in enumerate(text, start=1):
        # An SVG's reader joins ordinary spaces.
        spaced = line.replace(" ", "\N{NO-BREAK SPACE}")
        place: dict[str, Any] = {"x": MARGIN, "y": LINE_HEIGHT * row, "va": "center", "in_layout": False}
        axes.text(s=spaced, size="small", color="0.95", **place)
    return figure
