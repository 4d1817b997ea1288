"""Small multiples: one panel for each model."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fashion.figures.parts.names import wrap_name
from fashion.figures.parts.sheet import WIDTH

COLUMNS = 3
NAME_CHARACTERS = 28  # in a line of a panel's title


def panels(count: int, height: float, *, xlabel: str, ylabel: str) -> tuple[Figure, list[Axes]]:
    """A figure with `count` panels in rows of three, each row `height` inches high, with the same axes in all."""
    rows = -(-count // COLUMNS)
    figure = Figure(figsize=(WIDTH, rows * height))
    grid = figure.subplots(rows, COLUMNS, squeeze=False, sharex=True, sharey=True).ravel()
    for axes in grid[count:]:
        axes.remove()
    for axes in grid[:count]:
        # In each row: shared axes have labels at the foot alone, far from the first of many rows.
        axes.tick_params(labelbottom=True)
    for axes in grid[:count][-COLUMNS:]:
        axes.set_xlabel(xlabel)
    for axes in grid[:count:COLUMNS]:
        axes.set_ylabel(ylabel)
    return figure, list(grid[:count])


def heading(model: str, augmentation: str, of: str) -> str:
    """A panel's title: what it shows, and of which runs or images."""
    return f"{wrap_name(model, NAME_CHARACTERS)}\n{augmentation}, {of}"


def sizes(seeds: int, images: int) -> str:
    """Of how many test images predictions are, times the seeds where there are several: "n = 3 × 10,000"."""
    return f"n = {f'{seeds} × ' if seeds > 1 else ''}{images:,}"
