"""Small multiples: one panel for each model."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fashion.figures.parts.sheet import WIDTH

COLUMNS = 3


def panels(count: int, height: float, *, xlabel: str, ylabel: str) -> tuple[Figure, list[Axes]]:
    """A figure with `count` panels in rows of three, each row `height` inches high, with the same axes in all."""
    rows = -(-count // COLUMNS)
    figure = Figure(figsize=(WIDTH, rows * height))
    grid = figure.subplots(rows, COLUMNS, squeeze=False, sharex=True, sharey=True).ravel()
    for axes in grid[count:]:
        axes.remove()
    for axes in grid[:count][-COLUMNS:]:
        # Also where the panel under it is missing: shared axes have labels at the foot alone.
        axes.tick_params(labelbottom=True)
        axes.set_xlabel(xlabel)
    for axes in grid[:count:COLUMNS]:
        axes.set_ylabel(ylabel)
    return figure, list(grid[:count])


def heading(model: str, augmentation: str, seeds: int, images: int) -> str:
    """A panel's title: what it shows, and of how many test images, times the seeds where there are several."""
    return f"{model}\n{augmentation}, n = {f'{seeds} × ' if seeds > 1 else ''}{images:,}"
