"""Small multiples: one panel for each model."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fashion.figures.parts.names import wrap_name
from fashion.figures.parts.sheet import WIDTH

COLUMNS = 3
NAME_CHARACTERS = 28  # in a line of a panel's title


def panels(count: int, height: float, *, xlabel: str, ylabel: str) -> tuple[Figure, list[Axes]]:
    """Returns a figure with `count` panels in rows of three, each row `height` inches high; all panels share axes."""
    rows = -(-count // COLUMNS)
    figure = Figure(figsize=(WIDTH, rows * height))
    grid = figure.subplots(rows, COLUMNS, squeeze=False, sharex=True, sharey=True).ravel()
    for axes in grid[count:]:
        axes.remove()
    for axes in grid[:count]:
        # Shared axes have tick labels only at the foot, far from the first of many rows.
        axes.tick_params(labelbottom=True)
    for axes in grid[:count][-COLUMNS:]:
        axes.set_xlabel(xlabel)
    for axes in grid[:count:COLUMNS]:
        axes.set_ylabel(ylabel)
    return figure, list(grid[:count])


def heading(model: str, augmentation: str, of: str) -> str:
    """Returns a panel's title: the model, its augmentation, and the runs or images (`of`)."""
    return f"{wrap_name(model, NAME_CHARACTERS)}\n{augmentation}, {of}"


def sizes(seeds: int, images: int) -> str:
    """Returns the number of predicted test images, times the seeds if there are several: "n = 3 × 10,000"."""
    return f"n = {f'{seeds} × ' if seeds > 1 else ''}{images:,}"
