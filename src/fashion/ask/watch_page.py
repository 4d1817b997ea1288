"""A running study as a page that reloads itself: curves of running trainings, and the states of all runs."""

from pathlib import Path

import jinja2
import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from fashion.ask.follow import SECONDS
from fashion.ask.overview import Overview
from fashion.errors import UserError
from fashion.files import write_text

# The page looks like the page with the answer.
TEMPLATE, LOOK = Path(__file__).with_name("watch.html"), Path(__file__).parents[1] / "answer/page.css"
# A panel's size and its margins for the axes' numbers (left, right, above, below), in CSS pixels.
WIDTH, HEIGHT = 320, 170
MARGINS = (52, 12, 20, 24)


def write_page(shown: Overview, path: Path) -> None:
    """Writes the page of an overview, which needs no other file and no script; raises a `UserError` if it cannot."""
    parts = {file.name: file.read_text(encoding="utf-8") for file in (TEMPLATE, LOOK)}
    environment = jinja2.Environment(
        loader=jinja2.DictLoader(parts),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    values = {"shown": shown, "seconds": SECONDS, "panels": panels, "size": (WIDTH, HEIGHT), "margins": MARGINS}
    try:
        write_text(path, environment.get_template(TEMPLATE.name).render(values))
    except OSError as error:
        raise UserError(f"{path}: the page cannot be written: {error.strerror}") from error


def panels(history: pd.DataFrame) -> list[dict]:
    """Returns a panel for the loss and one for the accuracy over a history's epochs, in SVG coordinates.

    Each has its `metric`; `lines`, the points (x, y) of training and validation; and the ticks `across`, (x, text), and
    `up`, (y, text).
    """
    return [_panel(history, metric) for metric in ("loss", "accuracy")]


def _panel(history: pd.DataFrame, metric: str) -> dict:
    scale = 100 if metric == "accuracy" else 1
    values = {part: scale * history[f"{part}_{metric}"].to_numpy() for part in ("train", "validation")}
    finite = np.concatenate([line[np.isfinite(line)] for line in values.values()])
    low, high = (finite.min(), finite.max()) if len(finite) else (0.0, 1.0)
    epochs = history["epoch"].to_numpy()
    up = MaxNLocator(4).tick_values(low, high)
    across = MaxNLocator(5, integer=True).tick_values(epochs[0], epochs[-1])
    left, right, above, below = MARGINS

    def x(epoch: float) -> float:
        return round(left + (epoch - epochs[0]) / max(1, epochs[-1] - epochs[0]) * (WIDTH - left - right), 1)

    def y(value: float) -> float:
        return round(HEIGHT - below - (value - up[0]) / (up[-1] - up[0]) * (HEIGHT - above - below), 1)

    return {
        "metric": metric,
        "lines": {
            part: [(x(epoch), y(value)) for epoch, value in zip(epochs, line, strict=True) if np.isfinite(value)]
            for part, line in values.items()
        },
        "across": [(x(tick), f"{tick:.0f}") for tick in across if epochs[0] <= tick <= epochs[-1]],
        "up": [(y(tick), f"{tick:g} %" if metric == "accuracy" else f"{tick:g}") for tick in up],
    }
