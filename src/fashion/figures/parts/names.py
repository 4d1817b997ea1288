"""Many models in one figure: their colours and line styles, the scales of their numbers, and their names."""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
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

# A family has one colour, of Okabe and Ito's palette, in every figure of every study; other families are black.
COLORS = {"vgg": "C1", "resnet": "C0", "vit": "C4"}
FAMILIES = {"vgg": "VGG", "resnet": "ResNet", "vit": "ViT"}
LINES = ("-", (0, (4, 1.5)), "-.", ":", (0, (6, 1, 1, 1, 1, 1)))  # of models within a family
LEADER: dict[str, Any] = {"color": ("black", 0.3), "linewidth": 0.5, "zorder": -1, "shrinkB": 2, "in_layout": False}
LEAST, MOST = 0.005, 0.995  # the scale of accuracies has no place for 0 and 1
# Ticks of the scale of accuracies, the roundest first.
PERCENTAGES = sorted(range(1, 100), key=lambda percent: (percent % 10 > 0, percent % 5 > 0, percent % 2))
NEAREST = 0.1  # of an axis's length, the least distance between ticks
AROUND = 0.7  # inches of a figure's height without names: axis labels and a legend
CHARACTER = 0.063  # inches, a character's width in a name


def height(least: float, names: int) -> float:
    """Returns a figure's height in inches, enough for so many `names` in a column and at least `least`."""
    return max(least, LINE_HEIGHT * names + AROUND)


def wrap_name(name: str, width: int) -> str:
    """Returns a model's name in lines of at most `width` characters, broken at spaces and after underscores."""
    if len(name) <= width:
        return name
    end = max(name.rfind(" ", 0, width + 1), name.rfind("_", 0, width)) + 1
    return f"{name[:end].rstrip()}\n{wrap_name(name[end:], width)}" if end else name


def beside_usual(pairs: Sequence[tuple[str, str]]) -> tuple[list[str], str]:
    """Returns the names of models, each with its augmentation if that is not the usual one, and a title that says so.

    Args:
        pairs: a model and its augmentation each.
    """
    (usual, _), *others = Counter(augmentation for _, augmentation in pairs).most_common()
    names = [model if augmentation == usual else f"{model}, {augmentation}" for model, augmentation in pairs]
    return names, f"augmentation: {usual}{' unless named' * bool(others)}"


def styles(families: Mapping[str, str]) -> dict[str, dict]:
    """Returns each model's looks: its family's colour, and a line style that differs within the family.

    Args:
        families: a model's name -> its family's name.
    """
    drawn = {}
    for family in set(families.values()):
        members = [name for name, own in families.items() if own == family]
        lines = zip(members, itertools.cycle(LINES))
        drawn |= {name: {"color": COLORS.get(family, "black"), "linestyle": line} for name, line in lines}
    return drawn


def spread(wanted: np.ndarray, gap: float, low: float, high: float) -> np.ndarray:
    """Returns positions as near to `wanted` as can be, in its order, at least `gap` apart, from `low` to `high`."""
    order = np.argsort(wanted, kind="stable")
    # With the gaps taken out, the positions need only ascend: an isotonic regression has the least squares.
    gaps = gap * np.arange(len(wanted))
    placed = np.empty(len(wanted))
    placed[order] = np.clip(isotonic_regression(wanted[order] - gaps).x, low, high - gaps[-1]) + gaps
    return placed


class _AccuracyTicks(Locator):
    """As many round percentages as have room on a logit scale."""

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
    """Makes an axis of accuracies, "x" or "y", widen towards both ends: 95 % is as far from 90 % as 10 % is from 5 %.

    Pass accuracies through `on_logit_scale` before they are drawn.
    """
    axes.set(**{f"{name}scale": "logit"})
    axis = getattr(axes, f"{name}axis")
    axis.set_major_locator(_AccuracyTicks())
    axis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=""))
    axis.set_minor_locator(NullLocator())


def on_logit_scale(accuracy: ArrayLike) -> np.ndarray:
    """Returns the accuracy, clipped to `LEAST` and `MOST`: the scale has no place for 0 and 1."""
    return np.clip(np.asarray(accuracy), LEAST, MOST)


def log_scale(axes: Axes, form: Formatter) -> None:
    """Gives the x axis a logarithmic scale, with as many ticks of this form as have room; call it after drawing."""
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    within = (1,) if high / low > 200 else (1, 3) if high / low > 20 else (1, 2, 5)
    axes.xaxis.set_major_locator(LogLocator(subs=within))
    axes.xaxis.set_major_formatter(form)
    axes.xaxis.set_minor_locator(NullLocator())


def name_width(names: Mapping[str, object]) -> float:
    """Returns the width in inches of a column with these names."""
    return CHARACTER * max(map(len, names))


def write_names(axes: Axes, values: Mapping[str, float], drawn: Mapping[str, dict]) -> dict[str, float]:
    """Writes names in a column, each near its value on the y axis, which the plot beside it shares.

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
    """Draws a thin line, behind the plot, from a point of `axes` to a name in the column at its right."""
    ends: dict[str, Any] = {"coordsA": axes.transData, "coordsB": column.transAxes}
    figure.add_artist(ConnectionPatch(point, (0, height), **ends, **LEADER))
