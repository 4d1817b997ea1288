"""Beyond the report: which class each model takes for which."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import confusion_matrix

from fashion.figures.parts.multiples import heading, panels
from fashion.figures.parts.sheet import draw_runs
from fashion.image import CLASSES
from fashion.records.predictions import Predictions
from fashion.records.run import read_groups
from fashion.stage import exit_on_user_error

ROW_HEIGHT = 2.25  # inches
LEAST = 0.5  # percent: what would read 0 is left blank


def confusion(seeds: list[Predictions]) -> np.ndarray:
    """Of the images of each class (a row), the share that is taken for each (a column): `[10, 10]`, percent.

    Images of all seeds count alike. The row of a class without images is 0.
    """
    labels, predicted = (np.concatenate([getattr(run, name) for run in seeds]) for name in ("labels", "predicted"))
    return 100 * confusion_matrix(labels, predicted, labels=range(len(CLASSES)), normalize="true")


def plot(groups: list[tuple[str, str, list[Predictions]]]) -> Figure:
    """A matrix for each model, as `read_groups` gives their predictions."""
    figure, grid = panels(len(groups), ROW_HEIGHT, xlabel="predicted class", ylabel="true class")
    for axes, (model, augmentation, seeds) in zip(grid, groups, strict=True):
        _draw(axes, confusion(seeds))
        axes.set_title(heading(model, augmentation, len(seeds), len(seeds[0].labels)), size="small")
    classes = range(len(CLASSES))
    grid[0].set_xticks(classes)
    grid[0].set_yticks(classes, [f"{name} {label}" for label, name in enumerate(CLASSES)])
    return figure


def _draw(axes: Axes, shares: np.ndarray) -> None:
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=100)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    for (row, column), share in np.ndenumerate(shares):
        if share >= LEAST:
            axes.text(
                column,
                row,
                f"{share:.0f}",
                ha="center",
                va="center_baseline",
                size="small",
                color="white" if share > 60 else "black",
                in_layout=False,
            )


def main() -> None:
    draw_runs(__doc__, read_groups, plot)


if __name__ == "__main__":
    exit_on_user_error(main)
