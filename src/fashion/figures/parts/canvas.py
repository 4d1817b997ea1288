"""What diagrams of models are drawn on: a surface in inches, and the colours of the kinds of layers."""

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
# Of fills: the palette's, lightened, so that black text is legible on them on any page.
COLORS = {
    "Conv2D": "#89CAF0",
    "separable Conv2D": "#DBA1C1",
    "MaxPool2D": "#EEBC4D",
    "global average": "#F4EC7B",
    "FC": "#4DBB9D",
    "attention": "#89CAF0",
    "positions": "#DBA1C1",
    "plain": "white",
    "panel": ("black", 0.07),  # no fill: a part of the page
}


def shape_text(shape: Sequence[int]) -> str:
    """A shape in words: `(channels, height, width)` as "height × width × channels", others as they are."""
    return " × ".join(str(size) for size in (*shape[1:], shape[0])) if len(shape) == 3 else " × ".join(map(str, shape))


class Canvas:
    """A figure, and axes that fill it: the origin is at the lower left, and a unit is an inch."""

    def __init__(self, width: float, height: float):
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width, height))
        self.axes = self.figure.subplots()
        self.axes.set(xlim=(0, width), ylim=(0, height), aspect="equal")
        self.axes.set_axis_off()

    def text(
        self, x: float, y: float, text: str, ha: str = "center", va: str = "center_baseline", **looks: Any
    ) -> None:
        """Text that is aligned with (x, y) before it is rotated around it."""
        looks = {"size": "small", "rotation_mode": "anchor", "in_layout": False, **looks}
        self.axes.text(x, y, text, ha=ha, va=va, **looks)

    def box(self, x: float, y: float, width: float, height: float, kind: str, text: str = "", **looks) -> None:
        """A box around its centre (x, y), in the colour of its kind."""
        self.axes.add_patch(Rectangle((x - width / 2, y - height / 2), width, height, facecolor=COLORS[kind]))
        self.text(x, y, text, **({} if kind == "panel" else {"color": BLACK}), **looks)

    def image(self, pixels: np.ndarray, x: float, y: float, side: float) -> None:
        """Grey `pixels` `[H, W] uint8` around their centre (x, y)."""
        edges = (x - side / 2, x + side / 2, y - side / 2, y + side / 2)
        self.axes.imshow(pixels, extent=edges, vmin=0, vmax=255)

    def arrow(self, *points: tuple[float, float], **looks) -> None:
        """A line through `points`, with an arrow's head at the last."""
        # Two patches: the head of an unfilled path would be unfilled too.
        self.axes.add_patch(FancyArrowPatch(path=Path(points), arrowstyle="-", fill=False, **looks))
        self.axes.add_patch(FancyArrowPatch(path=Path(points[-2:]), arrowstyle="-|>", mutation_scale=5))

    def plus(self, x: float, y: float) -> None:
        """A sum: a plus in a circle."""
        self.axes.add_patch(Circle((x, y), PLUS, facecolor=COLORS["plain"]))
        self.text(x, y, "+", va="center", color=BLACK)

    def legend(self, y: float, kinds: Iterable[str] = (), lines: Sequence[Line2D] = ()) -> None:
        """What the colours and `lines` mean: a row around `y`, flush right."""
        handles = [Patch(facecolor=COLORS[kind], label=kind) for kind in dict.fromkeys(kinds)] + list(lines)
        looks: dict[str, Any] = {"loc": "center right", "borderaxespad": 0, "borderpad": 0, "columnspacing": 1.2}
        labels = [str(handle.get_label()) for handle in handles]
        # Not `axes.legend`, which takes the row before away.
        row = Legend(self.axes, handles, labels, bbox_to_anchor=(1, y / self.height), ncols=len(handles), **looks)
        self.axes.add_artist(row)

    def title(self, name: str, parameters: int) -> None:
        """The model's name, and at the foot the number of its parameters."""
        self.text(0, self.height - 0.1, name, ha="left", weight="bold")
        self.text(self.width, 0.1, f"Total parameters: {parameters:,}", ha="right", weight="bold")
