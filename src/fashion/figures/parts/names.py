"""Many models in one panel: how they are told apart, the scale of their accuracy, and where their names stand."""

import itertools
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter
from scipy.optimize import isotonic_regression

from fashion.figures.parts.sheet import LINE_HEIGHT

COLORS = ("C0", "C1", "C4", "C5", "C3", "C7")  # of families
LINES = ("-", (0, (4, 1.5)), "-.", ":", (0, (6, 1, 1, 1, 1, 1)))  # of models within a family
LEADER = {"color": "0.7", "linewidth": 0.5, "zorder": -1, "in_layout": False}
# Ticks of an accuracy's axis; it shows none beyond the first and the last.
ACCURACIES = (0.005, 0.01, 0.02, 0.05, *np.arange(1, 9) / 10, 0.85, 0.9, 0.92, 0.94, 0.96, 0.98, 0.99, 0.995)
AROUND = 0.7  # inches of a figure's height that its axes, their labels and a legend leave to no name


def height(least: float, names: int) -> float:
    """The height in inches of a figure in which so many names stand in a column, `least` or more."""
    return max(least, LINE_HEIGHT * names + AROUND)


def styles(families: Mapping[str, str]) -> dict[str, dict]:
    """Colour and line style of each model: a colour for each family, in it a line style for each model.

    Args:
        families: a model's name -> its family's.
    """
    drawn = {}
    for color, family in zip(itertools.cycle(COLORS), sorted(set(families.values()))):
        members = sorted(name for name, own in families.items() if own == family)
        lines = zip(members, itertools.cycle(LINES))
        drawn |= {name: {"color": color, "linestyle": line} for name, line in lines}
    return drawn


def spread(wanted: np.ndarray, gap: float, low: float, high: float) -> np.ndarray:
    """Positions at least `gap` apart between `low` and `high`, in the order of `wanted`, as near to it as can be."""
    order = np.argsort(wanted, kind="stable")
    # Without the gaps the positions need only ascend: the least squares of such are an isotonic regression.
    gaps = gap * np.arange(len(wanted))
    placed = np.empty(len(wanted))
    placed[order] = np.clip(isotonic_regression(wanted[order] - gaps).x, low, high - gaps[-1]) + gaps
    return placed


def logit_scale(axes: Axes) -> None:
    """Have the y axis, an accuracy of 0 to 1, widen towards both ends: 95 % is as far from 90 % as 10 % is from 5 %."""
    axes.set_yscale("logit")
    axes.yaxis.set_major_locator(FixedLocator(ACCURACIES))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=""))
    axes.yaxis.set_minor_locator(NullLocator())


def on_logit_scale(accuracy: np.ndarray) -> np.ndarray:
    """The accuracy, but for 0 and 1, which the scale has no place for."""
    return np.clip(accuracy, ACCURACIES[0], ACCURACIES[-1])


def write_names(axes: Axes, values: Mapping[str, float], drawn: Mapping[str, dict]) -> dict[str, float]:
    """Write names in a column, near their values on the y axis, which other axes share.

    Args:
        drawn: the models' `styles`.

    Returns:
        Each name's height in the column, 0 to 1.
    """
    axes.set_axis_off()
    low, high, *wanted = axes.yaxis.get_transform().transform(np.array([*axes.get_ylim(), *values.values()]))
    wanted = (np.array(wanted) - low) / (high - low)
    gap = LINE_HEIGHT / (axes.figure.get_figheight() - AROUND)
    heights = dict(zip(values, spread(wanted, gap, 0, 1), strict=True))
    for name, y in heights.items():
        looks = {"ha": "center", "va": "center", "size": "small", "color": drawn[name]["color"]}
        axes.text(0.5, y, name, transform=axes.transAxes, **looks)
    return heights


def lead(figure: Figure, axes: Axes, point: tuple[float, float], column: Axes, end: tuple[float, float]) -> None:
    """A thin line from a point of `axes` to `end` in a column of names, behind what the axes show."""
    axes.set_facecolor("none")
    figure.add_artist(ConnectionPatch(point, end, coordsA=axes.transData, coordsB=column.transAxes, **LEADER))
