"""Many models in one figure: how they are told apart, the scales of their numbers, and where their names stand."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch
from matplotlib.ticker import Formatter, Locator, LogLocator, NullLocator, PercentFormatter
from numpy.typing import ArrayLike
from scipy.optimize import isotonic_regression
from scipy.special import logit

from fashion.figures.parts.sheet import LINE_HEIGHT

# A family has its colour in every figure of every study, of Okabe and Ito's palette; one that is not here is black.
COLORS = {"vgg": "C1", "resnet": "C0", "vit": "C4"}
LINES = ("-", (0, (4, 1.5)), "-.", ":", (0, (6, 1, 1, 1, 1, 1)))  # of models within a family
LEADER: dict[str, Any] = {"color": ("black", 0.3), "linewidth": 0.5, "zorder": -1, "shrinkB": 2, "in_layout": False}
LEAST, MOST = 0.005, 0.995  # the scale of accuracies has no place for 0 and 1
# Ticks of that scale, the roundest first.
PERCENTAGES = sorted(range(1, 100), key=lambda percent: (percent % 10 > 0, percent % 5 > 0, percent % 2))
NEAREST = 0.1  # of an axis, between its ticks
AROUND = 0.7  # inches of a figure's height that its axes, their labels and a legend leave to no name
CHARACTER = 0.063  # inches, the width of one in a name


def height(least: float, names: int) -> float:
    """The height in inches of a figure in which so many names stand in a column, `least` or more."""
    return max(least, LINE_HEIGHT * names + AROUND)


def wrap_name(name: str, width: int) -> str:
    """A model's name in lines of at most `width` characters that end after an underscore, where it has any there."""
    end = name.rfind("_", 0, width) + 1
    return f"{name[:end]}\n{wrap_name(name[end:], width)}" if end and len(name) > width else name


def styles(families: Mapping[str, str]) -> dict[str, dict]:
    """Colour and line style of each model: its family's colour, in the family a line style for each model.

    Args:
        families: a model's name -> its family's.
    """
    drawn = {}
    for family in set(families.values()):
        members = sorted(name for name, own in families.items() if own == family)
        lines = zip(members, itertools.cycle(LINES))
        drawn |= {name: {"color": COLORS.get(family, "black"), "linestyle": line} for name, line in lines}
    return drawn


def spread(wanted: np.ndarray, gap: float, low: float, high: float) -> np.ndarray:
    """Positions at least `gap` apart between `low` and `high`, in the order of `wanted`, as near to it as can be."""
    order = np.argsort(wanted, kind="stable")
    # Without the gaps the positions need only ascend: the least squares of such are an isotonic regression.
    gaps = gap * np.arange(len(wanted))
    placed = np.empty(len(wanted))
    placed[order] = np.clip(isotonic_regression(wanted[order] - gaps).x, low, high - gaps[-1]) + gaps
    return placed


class _AccuracyTicks(Locator):
    """As many round percentages as find room on a logit scale."""

    def __call__(self) -> list[float]:
        return self.tick_values(*self.axis.get_view_interval())  # ty: ignore[missing-union-attribute]

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        gap = NEAREST * (logit(vmax) - logit(vmin))
        ticks: list[float] = []
        for tick in (percent / 100 for percent in PERCENTAGES):
            if vmin <= tick <= vmax and all(abs(logit(tick) - logit(other)) >= gap for other in ticks):
                ticks.append(tick)
        return ticks


def logit_scale(axes: Axes, name: str) -> None:
    """Have an axis of accuracies, "x" or "y", widen towards both ends: 95 % is as far from 90 % as 10 % is from 5 %.

    Accuracies go through `on_logit_scale` first.
    """
    axes.set(**{f"{name}scale": "logit"})
    axis = getattr(axes, f"{name}axis")
    axis.set_major_locator(_AccuracyTicks())
    axis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=""))
    axis.set_minor_locator(NullLocator())


def on_logit_scale(accuracy: ArrayLike) -> np.ndarray:
    """The accuracy, but for 0 and 1, which the scale has no place for."""
    return np.clip(np.asarray(accuracy), LEAST, MOST)


def log_scale(axes: Axes, form: Formatter) -> None:
    """Give the x axis of what is drawn a logarithmic scale, with ticks of this form that find room."""
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    within = (1,) if high / low > 200 else (1, 3) if high / low > 20 else (1, 2, 5)
    axes.xaxis.set_major_locator(LogLocator(subs=within))
    axes.xaxis.set_major_formatter(form)
    axes.xaxis.set_minor_locator(NullLocator())


def name_width(names: Mapping[str, object]) -> float:
    """The width in inches of a column with these names."""
    return CHARACTER * max(map(len, names))


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
    gap = LINE_HEIGHT / (axes.figure.get_figheight() - AROUND)  # ty: ignore[missing-union-attribute]
    heights = dict(zip(values, spread(wanted, gap, 0, 1), strict=True))
    for name, y in heights.items():
        axes.text(0, y, name, transform=axes.transAxes, va="center", size="small", color=drawn[name]["color"])
    return heights


def lead(figure: Figure, axes: Axes, point: tuple[float, float], column: Axes, height: float) -> None:
    """A thin line from a point of `axes` to a name in the column at its right, behind what the axes show."""
    ends: dict[str, Any] = {"coordsA": axes.transData, "coordsB": column.transAxes}
    figure.add_artist(ConnectionPatch(point, (0, height), **ends, **LEADER))
