"""Curves of training and held-out metrics over the epochs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from fashion.figures.parts.svg import describe
from fashion.image import CLASSES
from fashion.records.run import Run

FEW_EPOCHS = 10  # up to so many, each epoch has a marker: a single epoch has no line
# Light and dark colours; a figure has training and one of the others.
STYLES: dict[str, dict[str, Any]] = {
    "validation": {"color": "C0", "linestyle": "-"},
    "test": {"color": "C1", "linestyle": "-"},
    "train": {"color": "C3", "linestyle": "-"},
}
PALE: dict[str, Any] = {"alpha": 0.55, "linewidth": 0.7}  # several seeds, or those beside a published run
# A published run is black, and over ours.
PUBLISHED: dict[str, dict[str, Any]] = {
    "train": {"color": "black", "linestyle": (0, (4, 1.5)), "linewidth": 1.0, "zorder": 2.5},
    "validation": {"color": "black", "linestyle": "-", "linewidth": 1.0, "zorder": 2.5},
}
LABELS = {"validation": "validation", "test": "test", "train": "training"}
BEST: dict[str, Any] = {
    "linestyle": "none",
    "marker": "o",
    "markersize": 5,
    "markerfacecolor": "none",
    "clip_on": False,
}
NUMBERS = {"loss": "{:.4f}", "accuracy": "{:.2f} %"}
# A loss lies outside the panel if it exceeds every loss of a first epoch and LEAP times the panel's upper quartile, or
# the loss of guessing and FENCE times the lower quartile.
LEAP, FENCE = 1.5, 6
GUESSING = np.log(len(CLASSES))
# Marks where a run diverged, at the panel's upper edge.
DIVERGED: dict[str, Any] = {
    "linestyle": "none",
    "marker": "x",
    "markersize": 6,
    "markeredgewidth": 1.5,
    "color": "black",
    "clip_on": False,
    "zorder": 3,
}
OUTSIDE: dict[str, Any] = {"linestyle": "none", "marker": "^", "markersize": 4, "clip_on": False, "zorder": 3}


class EpochTicks(MaxNLocator):
    """Ticks at 1, 10, 20, ...: there is no epoch 0."""

    def __init__(self) -> None:
        super().__init__(nbins=8, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10])

    def __call__(self) -> list[float]:
        ticks = np.asarray(super().__call__())
        # In steps of 2, a tick at 2 would stand too near to the one at 1.
        return np.unique(np.maximum(ticks[(ticks != 2) | (np.diff(ticks[:2]).max(initial=0) < 2)], 1)).tolist()


def draw(
    axes: Axes,
    seeds: Sequence[Run],
    metric: str,
    scale: float = 1,
    held_out: str = "validation",
    published: pd.DataFrame | None = None,
) -> None:
    """Draws `metric`, "loss" or "accuracy", times `scale`: a line for each run, a ring at its best epoch.

    Losses that would flatten the rest lie outside: see `limit_losses`. A cross on top marks where a run diverged.

    Args:
        held_out: the part drawn beside training, "validation" or "test".
        published: the published run's curves, with a history's columns; a cell is NaN where the picture hides its line.
    """
    marker = "o" if max(len(run.history) for run in seeds) <= FEW_EPOCHS else None
    number = NUMBERS[metric].format
    pale = PALE if len(seeds) > 1 or published is not None else {}
    for run in seeds:
        ringed = f"epoch {run.best['epoch']:.0f}, with the lowest validation loss"
        for part in ("train", held_out):
            values = scale * run.history[f"{part}_{metric}"]
            (line,) = axes.plot(run.history["epoch"], values, marker=marker, label=LABELS[part], **STYLES[part], **pale)
            last, value = run.history["epoch"].iloc[-1], values.iloc[-1]
            at_best = number(scale * run.best[f"{part}_{metric}"])
            said = f"{LABELS[part]} {metric}: {at_best} at {ringed}; {number(value)} at the last, {last:.0f}"
            describe(line, said, stop=False)
        value = scale * run.best[f"{held_out}_{metric}"]
        (ring,) = axes.plot(run.best["epoch"], value, **BEST, color=STYLES[held_out]["color"], label="best")
        describe(ring, f"{LABELS[held_out]} {metric} {number(value)} at {ringed}")
    if published is not None:
        for part in published_parts(held_out):
            values = scale * published[f"{part}_{metric}"]
            axes.plot(published["epoch"], values, label=f"published {LABELS[part]}", **PUBLISHED[part])
    axes.xaxis.set_major_locator(EpochTicks())
    if metric == "loss":
        limit_losses(axes)
    for run in seeds:
        if where := run.diverged:
            (cross,) = axes.plot(where["epoch"], 1, transform=axes.get_xaxis_transform(), label="diverged", **DIVERGED)
            rate = where["learning_rate"]
            describe(cross, f"diverged: loss not finite at epoch {where['epoch']}, step {where['step']}, rate {rate:g}")


def limit_losses(axes: Axes) -> None:
    """Ends the axis below losses that would flatten the rest; a triangle at its end stands for each.

    See `LEAP` and `FENCE`. The heading names the highest of these losses.
    """
    rings = [line for line in axes.lines if line.get_label() == "best"]
    lines = [line for line in axes.lines if line not in rings]
    drawn = np.concatenate([line.get_ydata() for line in lines])
    finite = drawn[np.isfinite(drawn)]
    if not finite.size:
        return
    lower, upper = np.quantile(finite, (0.25, 0.75))
    firsts = np.array([np.asarray(line.get_ydata())[0] for line in lines])
    fence = min(max(GUESSING, FENCE * lower), max(LEAP * upper, *firsts[np.isfinite(firsts)]))
    if not (drawn > fence).any():
        return
    inside = finite[finite <= fence]
    low, high = inside.min(), inside.max()
    margin = 0.05 * (high - low) or 0.05 * fence
    axes.set_ylim(low - margin, top := high + 2 * margin)
    highest: dict[str, float] = {}
    for line in lines:
        points = np.asarray(line.get_xydata())
        points = points[points[:, 1] > fence]
        if len(points):
            label = str(line.get_label())
            highest[label] = max(highest.get(label, 0), points[:, 1].max())
            (marks,) = axes.plot(points[:, 0], [top] * len(points), **OUTSIDE, color=line.get_color(), label="outside")
            losses = (f"{_short(loss)} at epoch {epoch:.0f}" for epoch, loss in points)
            describe(marks, f"{label} loss: {', '.join(losses)}")
    for ring in rings:
        ring.set_ydata(np.minimum(ring.get_ydata(), top))
    heading = "\n".join(f"▲ {label} up to {_short(loss)}" for label, loss in highest.items())
    axes.set_title(heading, loc="right", size="small")


def _short(loss: float) -> str:
    return f"{loss:,.1f}" if loss < 1e6 else f"{loss:.1e}"  # before a run diverges, a loss may have 38 digits


def published_parts(held_out: str) -> list[str]:
    """Returns the parts of a figure that published curves have; none has the test set."""
    return [part for part in ("train", held_out) if part in PUBLISHED]


def legend(held_out: str = "validation", published: bool = False, diverged: bool = False) -> list[Line2D]:
    """Returns the legend of the marks that `draw` makes, with published and diverged runs if there are any."""
    lines = [Line2D([], [], label=LABELS[part], **STYLES[part]) for part in ("train", held_out)]
    lines.append(Line2D([], [], label="lowest validation loss", **BEST, color=STYLES[held_out]["color"]))
    for part in published_parts(held_out) if published else []:
        lines.append(Line2D([], [], label=f"published {LABELS[part]}", **PUBLISHED[part]))
    return lines + [Line2D([], [], label="diverged", **DIVERGED)] * diverged
