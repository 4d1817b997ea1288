"""Curves of training and held-out metrics over the epochs."""

from collections import defaultdict
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
# One light and one dark colour; our curves are solid, published ones dashed.
STYLES: dict[str, dict[str, Any]] = {
    "validation": {"color": "C0", "linestyle": "-"},
    "test": {"color": "C0", "linestyle": "-"},
    "train": {"color": "C3", "linestyle": "-"},
}
PUBLISHED: dict[str, Any] = {"linestyle": (0, (4, 1.5)), "linewidth": 1.1}
LABELS = {"validation": "validation", "test": "test", "train": "training"}
BEST: dict[str, Any] = {
    "linestyle": "none",
    "marker": "o",
    "markersize": 6,
    "markerfacecolor": "none",
    "clip_on": False,
}
NUMBERS = {"loss": "{:.4f}", "accuracy": "{:.2f} %"}
# A loss lies outside the panel if it exceeds both the loss of guessing and this many times the panel's lower quartile.
FENCE = 6
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


def by_model(runs: Sequence[Run]) -> dict[tuple[str, str], list[Run]]:
    """Returns the runs of each model and augmentation, ordered by name and seed."""
    seeds = defaultdict(list)
    for run in sorted(runs, key=lambda run: run.spec["seed"]):
        seeds[run.spec["model"]["name"], run.spec["augmentation"]["name"]].append(run)
    return dict(sorted(seeds.items()))


def draw(
    axes: Axes,
    seeds: Sequence[Run],
    metric: str,
    scale: float = 1,
    held_out: str = "validation",
    published: pd.DataFrame | None = None,
) -> None:
    """Draws `metric`, "loss" or "accuracy", times `scale`: a thin line for each run, a ring at its best epoch.

    Losses that would flatten the rest lie outside: see `limit_losses`. A cross on top marks where a run diverged.

    Args:
        held_out: the part drawn beside training, "validation" or "test".
        published: the published run's curves, with a history's columns; a cell is NaN where the picture hides its line.
    """
    marker = "o" if max(len(run.history) for run in seeds) <= FEW_EPOCHS else None
    number = NUMBERS[metric].format
    for run in seeds:
        ringed = f"epoch {run.best['epoch']:.0f}, with the lowest validation loss"
        for part in (held_out, "train"):
            values = scale * run.history[f"{part}_{metric}"]
            (line,) = axes.plot(run.history["epoch"], values, marker=marker, label=LABELS[part], **STYLES[part])
            last, value = run.history["epoch"].iloc[-1], values.iloc[-1]
            at_best = number(scale * run.best[f"{part}_{metric}"])
            said = f"{LABELS[part]} {metric}: {at_best} at {ringed}; {number(value)} at the last, {last:.0f}"
            describe(line, said, stop=False)
        value = scale * run.best[f"{held_out}_{metric}"]
        (ring,) = axes.plot(run.best["epoch"], value, **BEST, color=STYLES[held_out]["color"], label="best")
        describe(ring, f"{LABELS[held_out]} {metric} {number(value)} at {ringed}")
    if published is not None:
        for part in (held_out, "train"):
            if (column := f"{part}_{metric}") in published:  # no test curves were published
                label = f"{LABELS[part]}, published"
                axes.plot(published["epoch"], scale * published[column], label=label, **{**STYLES[part], **PUBLISHED})
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if metric == "loss":
        limit_losses(axes)
    for run in seeds:
        if where := run.diverged:
            (cross,) = axes.plot(where["epoch"], 1, transform=axes.get_xaxis_transform(), label="diverged", **DIVERGED)
            rate = where["learning_rate"]
            describe(cross, f"diverged: loss not finite at epoch {where['epoch']}, step {where['step']}, rate {rate:g}")


def limit_losses(axes: Axes) -> None:
    """Ends the axis below losses that would flatten the rest; a triangle at its end stands for each.

    These losses exceed both the loss of guessing and `FENCE` times the lower quartile of the panel's values, so they
    are at most three in four. The heading names the highest of them.
    """
    rings = [line for line in axes.lines if line.get_label() == "best"]
    lines = [line for line in axes.lines if line not in rings]
    drawn = np.concatenate([line.get_ydata() for line in lines])
    finite = drawn[np.isfinite(drawn)]
    if not finite.size:
        return
    fence = max(GUESSING, FENCE * np.quantile(finite, 0.25))
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


def legend(held_out: str = "validation", published: bool = False, diverged: bool = False) -> list[Line2D]:
    """Returns the legend of the marks that `draw` makes, with published and diverged runs if there are any."""
    lines = [Line2D([], [], label=LABELS[part], **STYLES[part]) for part in (held_out, "train")]
    lines.append(Line2D([], [], label="lowest validation loss", **BEST, color=STYLES[held_out]["color"]))
    lines += [Line2D([], [], label="published", color="black", **PUBLISHED)] * published
    return lines + [Line2D([], [], label="diverged", **DIVERGED)] * diverged


def counted(count: int, noun: str) -> str:
    """Returns the count with its noun: "1 seed", "2 seeds"."""
    return f"{count} {noun}" + ("s" if count != 1 else "")
