"""Beyond the report: whether each model is as often right as it is confident."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fashion.figures.parts.multiples import heading, panels
from fashion.figures.parts.sheet import draw_runs
from fashion.records.confidence import BINS, reliability
from fashion.records.predictions import Predictions
from fashion.records.run import read_groups
from fashion.stage import exit_on_user_error

ROW_HEIGHT = 2.0  # inches
CENTRES = 100 * (np.arange(BINS) + 0.5) / BINS


def plot(groups: list[tuple[str, str, list[Predictions]]]) -> Figure:
    """A reliability diagram for each model, as `read_groups` gives their predictions.

    A line for each seed has the accuracy of each bin at its mean confidence; bars have the images' share of each bin
    and the panel the expected calibration error, means over the seeds.
    """
    figure, grid = panels(
        len(groups), ROW_HEIGHT, xlabel="confidence (%)", ylabel="accuracy (%)\nimages in the bin (%)"
    )
    for axes, (model, augmentation, seeds) in zip(grid, groups, strict=True):
        _draw(axes, seeds)
        axes.set_title(heading(model, augmentation, len(seeds), len(seeds[0].labels)), size="small")
    ticks = (0, 25, 50, 75, 100)
    grid[0].set(xlim=(0, 100), ylim=(0, 100), xticks=ticks, yticks=ticks)
    return figure


def _draw(axes: Axes, seeds: list[Predictions]) -> None:
    each = [reliability(predictions) for predictions in seeds]
    shares = 100 * np.mean([bins.share for bins in each], axis=0)
    axes.bar(CENTRES, shares, width=100 / BINS, color="0.85", edgecolor="white")
    axes.axline((0, 0), slope=1, color="0.5", linestyle=":")
    for bins in each:
        held = bins.share > 0
        points = 100 * bins.confidence[held], 100 * bins.accuracy[held]
        axes.plot(*points, marker="o", color="C0", linestyle="-", clip_on=False)
    ece = np.mean([bins.ece for bins in each])
    axes.text(0.04, 0.95, f"ECE {ece:.1%}", transform=axes.transAxes, va="top", size="small", weight="bold")


def main() -> None:
    draw_runs(__doc__, read_groups, plot)


if __name__ == "__main__":
    exit_on_user_error(main)
