"""Training and validation metrics over the epochs, as curves draw them."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

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


def by_model(runs: Sequence[tuple[dict, np.ndarray]]) -> dict[tuple[str, str], list[np.ndarray]]:
    """The histories of each model and augmentation, by name, ordered by seed.

    Args:
        runs: spec and history of each, as `read_run` returns them.
    """
    histories = defaultdict(list)
    for spec, history in sorted(runs, key=lambda run: run[0]["seed"]):
        histories[spec["model"]["name"], spec["augmentation"]["name"]].append(history)
    return dict(sorted(histories.items()))


def draw(
    axes: Axes,
    histories: Sequence[np.ndarray],
    metric: str,
    scale: float = 1,
    held_out: str = "validation",
    published: np.ndarray | None = None,
) -> None:
    """Draw `metric`, "loss" or "accuracy", times `scale`: a thin line for each run, a ring at its best epoch.

    Args:
        held_out: what is drawn beside training, "validation" or "test".
        published: the published run's curves, with columns as a history's; a cell is NaN where its line is hidden.
    """
    marker = "o" if max(map(len, histories)) <= FEW_EPOCHS else None
    for history in histories:
        for part in (held_out, "train"):
            values = scale * history[f"{part}_{metric}"]
            axes.plot(history["epoch"], values, marker=marker, label=LABELS[part], **STYLES[part])
        best = history[history["validation_loss"].argmin()]
        axes.plot(
            best["epoch"], scale * best[f"{held_out}_{metric}"], **BEST, color=STYLES[held_out]["color"], label="best"
        )
    if published is not None:
        for part in (held_out, "train"):
            if (column := f"{part}_{metric}") in published.dtype.names:  # no test curves were published
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
