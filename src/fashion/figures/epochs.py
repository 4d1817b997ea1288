"""Training and validation metrics over the epochs, as curves draw them."""

from collections import defaultdict
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

FEW_EPOCHS = 10  # up to so many, each epoch has a marker: a single one would show no line
# Validation takes the style's first line, a solid one, since it is the noisier.
PARTS = {"validation": "validation", "train": "training"}
BEST = {"linestyle": "none", "marker": "o", "markersize": 6, "markerfacecolor": "none"}


def by_model(runs: Sequence[tuple[dict, np.ndarray]]) -> dict[tuple[str, str], list[np.ndarray]]:
    """The histories of each model and augmentation, by name, ordered by seed.

    Args:
        runs: spec and history of each, as `read_run` returns them.
    """
    histories = defaultdict(list)
    for spec, history in sorted(runs, key=lambda run: run[0]["seed"]):
        histories[spec["model"]["name"], spec["augmentation"]["name"]].append(history)
    return dict(sorted(histories.items()))


def draw(axes: Axes, histories: Sequence[np.ndarray], metric: str, scale: float = 1) -> None:
    """Draw `metric`, "loss" or "accuracy", times `scale`: a thin line for each run, a ring at its best epoch."""
    styles = _styles()
    marker = "o" if max(map(len, histories)) <= FEW_EPOCHS else None
    for history in histories:
        for part, label in PARTS.items():
            axes.plot(history["epoch"], scale * history[f"{part}_{metric}"], marker=marker, label=label, **styles[part])
        best = history[history["validation_loss"].argmin()]
        color = styles["validation"]["color"]
        axes.plot(best["epoch"], scale * best[f"validation_{metric}"], **BEST, color=color, label="best")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def legend() -> list[Line2D]:
    """What the three kinds of marks mean that `draw` makes."""
    styles = _styles()
    lines = [Line2D([], [], label=label, **styles[part]) for part, label in PARTS.items()]
    return [*lines, Line2D([], [], label="lowest validation loss", **BEST, color=styles["validation"]["color"])]


def _styles() -> dict[str, dict]:
    return dict(zip(PARTS, matplotlib.rcParams["axes.prop_cycle"], strict=False))


def counted(count: int, noun: str) -> str:
    """The count with its noun: "1 seed", "2 seeds"."""
    return f"{count} {noun}" + ("s" if count != 1 else "")
