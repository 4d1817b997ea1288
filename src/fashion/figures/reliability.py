"""Whether each model is as often right as it is confident."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fashion.figures.parts.multiples import heading, panels, sizes
from fashion.figures.parts.svg import describe
from fashion.records.confidence import BINS, reliability
from fashion.records.predictions import Predictions

ROW_HEIGHT = 2.0  # inches
CENTRES = 100 * (np.arange(BINS) + 0.5) / BINS


def plot(groups: list[tuple[str, str, list[Predictions]]]) -> Figure:
    """Returns a reliability diagram for each model; `groups` come from `predictions_of_groups`.

    A line for each seed shows the accuracy of each bin at its mean confidence. Bars show each bin's share of the
    images, and the title names the expected calibration error; both are means over the seeds.
    """
    figure, grid = panels(
        len(groups), ROW_HEIGHT, xlabel="confidence (%)", ylabel="accuracy (%)\nimages in the bin (%)"
    )
    for axes, (model, augmentation, seeds) in zip(grid, groups, strict=True):
        said = f"{sizes(len(seeds), len(seeds[0].labels))}\n{_draw(axes, seeds)}"
        axes.set_title(heading(model, augmentation, said), size="small")
    ticks = (0, 25, 50, 75, 100)
    grid[0].set(xlim=(0, 100), ylim=(0, 100), xticks=ticks, yticks=ticks)
    return figure


def _draw(axes: Axes, seeds: list[Predictions]) -> str:
    """Draws a panel, and returns its expected calibration error in words."""
    each = [reliability(predictions) for predictions in seeds]
    shares = 100 * np.mean([bins.share for bins in each], axis=0)
    bars = axes.bar(CENTRES, shares, width=0.94 * 100 / BINS, color=("black", 0.15), edgecolor="none")
    for centre, share, bar in zip(CENTRES, shares, bars, strict=True):
        describe(bar, f"confidence about {centre:.0f} %: {share:.1f} % of the images", stop=False)
    axes.axline((0, 0), slope=1, color=("black", 0.5), linestyle=":")
    for bins in each:
        held = bins.share > 0
        if not held.any():  # the layout takes a line without points for a point at the figure's corner
            continue
        points = 100 * bins.confidence[held], 100 * bins.accuracy[held]
        (line,) = axes.plot(*points, marker="o", color="C0", linestyle="-", clip_on=False)
        said = ", ".join(f"{right:.0f} % at {sure:.0f} %" for sure, right in zip(*points, strict=True))
        describe(line, f"ECE {100 * bins.ece:.1f} %; accuracy at confidence: {said}")
    ece = np.mean([bins.ece for bins in each])
    return "diverged" if np.isnan(ece) else f"ECE {100 * ece:.1f} %"
