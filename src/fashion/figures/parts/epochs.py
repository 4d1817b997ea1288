"""Training and validation metrics over the epochs, as curves draw them."""

from collections import defaultdict
from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from fashion.records.run import Run

FEW_EPOCHS = 10  # up to so many, each epoch has a marker: a single one would show no line
# A colour for each part, one light and one dark; ours are solid, published ones dashed.
STYLES = {
    "validation": {"color": "C0", "linestyle": "-"},
    "test": {"color": "C0", "linestyle": "-"},
    "train": {"color": "C3", "linestyle": "-"},
}
PUBLISHED = {"linestyle": (0, (4, 1.5)), "linewidth": 1.1}
LABELS = {"validation": "validation", "test": "test", "train": "training"}
BEST = {"linestyle": "none", "marker": "o", "markersize": 6, "markerfacecolor": "none"}


def by_model(runs: Sequence[Run]) -> dict[tuple[str, str], list[Run]]:
    """The runs of each model and augmentation, by name, ordered by seed."""
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
    """Draw `metric`, "loss" or "accuracy", times `scale`: a thin line for each run, a ring at its best epoch.

    Args:
        held_out: what is drawn beside training, "validation" or "test".
        published: the published run's curves, with columns as a history's; a cell is NaN where its line is hidden.
    """
    marker = "o" if max(len(run.history) for run in seeds) <= FEW_EPOCHS else None
    for run in seeds:
        for part in (held_out, "train"):
            values = scale * run.history[f"{part}_{metric}"]
            axes.plot(run.history["epoch"], values, marker=marker, label=LABELS[part], **STYLES[part])
        best = run.best["epoch"], scale * run.best[f"{held_out}_{metric}"]
        axes.plot(*best, **BEST, color=STYLES[held_out]["color"], label="best")
    if published is not None:
        for part in (held_out, "train"):
            if (column := f"{part}_{metric}") in published:  # no test curves were published
                label = f"{LABELS[part]}, published"
                axes.plot(published["epoch"], scale * published[column], label=label, **{**STYLES[part], **PUBLISHED})
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def legend(held_out: str = "validation", published: bool = False) -> list[Line2D]:
    """What the kinds of marks mean that `draw` makes."""
    lines = [Line2D([], [], label=LABELS[part], **STYLES[part]) for part in (held_out, "train")]
    lines.append(Line2D([], [], label="lowest validation loss", **BEST, color=STYLES[held_out]["color"]))
    return lines + [Line2D([], [], label="published", color="0.3", **PUBLISHED)] * published


def counted(count: int, noun: str) -> str:
    """The count with its noun: "1 seed", "2 seeds"."""
    return f"{count} {noun}" + ("s" if count != 1 else "")
