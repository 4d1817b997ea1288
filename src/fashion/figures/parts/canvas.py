"""A canvas in inches for diagrams of models, and a colour for each kind of layer."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyArrowPatch, Patch, Rectangle
from matplotlib.path import Path

from fashion.figures.parts.svg import BLACK

PLUS = 0.07  # radius of a sum's circle
# Fills: the palette's colours, lightened, so that black text on them is legible on any page.
COLORS = {
    "Conv2D": "#89CAF0",
    "separable Conv2D": "#DBA1C1",
    "MaxPool2D": "#EEBC4D",
    "global average": "#F4EC7B",
    "FC": "#4DBB9D",
    "attention": "#89CAF0",
    "positions": "#DBA1C1",
    "plain": "white",
    "panel": ("black", 0.07),  # a tint of the page, whose text has the page's colour
}


def shape_text(shape: Sequence[int]) -> str:
    """A shape in words: `(channels, height, width)` as "height × width × channels", others as they are."""
    return " × ".join(str(size) for size in (*shape[1:], shape[0])) if len(shape) == 3 else " × ".join(map(str, shape))


class Canvas:
    """A figure with axes that fill it: the origin is at the lower left, and the unit is an inch."""

    def __init__(self, width: float, height: float):
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width, height))
        self.axes = self.figure.subplots()
        self.axes.set(xlim=(0, width), ylim=(0, height), aspect="equal")
        self.axes.set_axis_off()

    def text(
        self, x: float, y: float, text: str, ha: str = "center", va: str = "center_baseline", **looks: Any
    ) -> None:
        """Writes text, aligned with (x, y) and then rotated around that point."""
        looks = {"size": "small", "rotation_mode": "anchor", "in_layout": False, **looks}
        self.axes.text(x, y, text, ha=ha, va=va, **looks)

    def box(self, x: float, y: float, width: float, height: float, kind: str, text: str = "", **looks) -> None:
        """Draws a box with its centre at (x, y), in the colour of its kind."""
        self.axes.add_patch(Rectangle((x - width / 2, y - height / 2), width, height, facecolor=COLORS[kind]))
        self.text(x, y, text, **({} if kind == "panel" else {"color": BLACK}), **looks)

    def image(self, pixels: np.ndarray, x: float, y: float, side: float) -> None:
        """Draws grey `pixels` `[H, W] uint8` with their centre at (x, y)."""
        edges = (x - side / 2, x + side / 2, y - side / 2, y + side / 2)
        self.axes.imshow(pixels, extent=edges, vmin=0, vmax=255)

    def arrow(self, *points: tuple[float, float], **looks) -> None:
        """Draws a line through `points`, with an arrowhead at the last."""
        # Two patches, because the head of an unfilled path is unfilled too.
        self.axes.add_patch(FancyArrowPatch(path=Path(points), arrowstyle="-", fill=False, **looks))
        self.axes.add_patch(FancyArrowPatch(path=Path(points[-2:]), arrowstyle="-|>", mutation_scale=5))

    def plus(self, x: float, y: float) -> None:
        """Draws a sum: a plus in a circle."""
        self.axes.add_patch(Circle((x, y), PLUS, facecolor=COLORS["plain"]))
        self.text(x, y, "+", va="center", color=BLACK)

    def legend(self, y: float, kinds: Iterable[str] = (), lines: Sequence[Line2D] = ()) -> None:
        """Draws a legend of colours and `lines` in a row around `y`, flush right."""
        handles = [Patch(facecolor=COLORS[kind], label=kind) for kind in dict.fromkeys(kinds)] + list(lines)
        looks: dict[str, Any] = {"loc": "center right", "borderaxespad": 0, "borderpad": 0, "columnspacing": 1.2}
        labels = [str(handle.get_label()) for handle in handles]
        # `axes.legend` would replace the row before.
        row = Legend(self.axes, handles, labels, bbox_to_anchor=(1, y / self.height), ncols=len(handles), **looks)
        self.axes.add_artist(row)

    def title(self, name: str, parameters: int) -> None:
        """Writes the model's name on top and its number of parameters at the foot."""
        self.text(0, self.height - 0.1, name, ha="left", weight="bold")
        self.text(self.width, 0.1, f"Total parameters: {parameters:,}", ha="right", weight="bold")
