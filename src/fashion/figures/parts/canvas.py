"""What diagrams of models are made of: a model's shapes and words for its parts, and a drawing surface in inches.

Nothing about a model is typed in: shapes come from a forward pass on the meta device, settings from the modules.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyArrowPatch, Patch, Rectangle
from matplotlib.path import Path
from torch import nn

from fashion.image import IMAGE_SHAPE
from fashion.models.build import build, count_parameters

Shapes = dict[nn.Module, tuple[int, ...]]

PLUS = 0.07  # radius of a sum's circle

COLORS = {
    "Conv2D": ("C2", 0.7),
    "separable Conv2D": ("C5", 0.7),
    "MaxPool2D": ("C3", 0.7),
    "global average": ("C6", 0.7),
    "FC": ("C4", 0.7),
    "attention": ("C2", 0.7),
    "positions": ("C5", 0.7),
    "plain": "white",
    "panel": "0.93",
}


def trace(entry: dict) -> tuple[nn.Module, Shapes]:
    """The model that a config entry describes, on the meta device, and its modules' output shapes for an image."""
    shapes: Shapes = {}
    with torch.device("meta"):
        model = build(entry).eval()
        image = torch.empty(1, *IMAGE_SHAPE)
    for module in model.modules():
        module.register_forward_hook(lambda module, _, output: shapes.update({module: tuple(output.shape[1:])}))
    with torch.no_grad():
        model(image)
    return model, shapes


def shape_text(shape: Sequence[int]) -> str:
    """A shape in the report's words: `(channels, height, width)` as "height × width × channels", others as they are."""
    return " × ".join(str(size) for size in (*shape[1:], shape[0])) if len(shape) == 3 else " × ".join(map(str, shape))


def layer_kind(layer: nn.Module) -> str:
    """The kind of a layer, a key of `COLORS`; a convolution's norm and activation may be part of it."""
    match layer:
        case nn.MaxPool2d():
            return "MaxPool2D"
        case nn.AdaptiveAvgPool2d():
            return "global average"
        case nn.Linear():
            return "FC"
    convolutions = sum(isinstance(module, nn.Conv2d) for module in layer.modules())
    return "Conv2D" if convolutions == 1 else "separable Conv2D"


def window_words(module: nn.Conv2d | nn.MaxPool2d, name: str) -> str:
    """The size of the square that `module` slides, its `name`, and stride and dilation where they are not 1."""
    # A convolution has each of them twice, a pooling once.
    size, stride, dilation = map(np.max, (module.kernel_size, module.stride, module.dilation))
    settings = (f", {setting} {value}" for setting, value in (("stride", stride), ("dilation", dilation)) if value > 1)
    return f"{size} × {size} {name}{''.join(settings)}"


def words(module: nn.Module) -> str:
    """What `module` does, with the settings that it was built with; "" if no more than its kind says."""
    match module:
        case nn.Sequential():
            return ", ".join(filter(None, map(words, module)))
        case nn.Conv2d():
            pointwise = module.kernel_size == (1, 1)
            name = "depthwise" if module.groups > 1 else "pointwise" if pointwise else "convolution"
            return window_words(module, name)
        case nn.MaxPool2d():
            return window_words(module, "window")
        case nn.Linear():
            return f"{module.in_features} → {module.out_features}"
        case nn.AdaptiveAvgPool2d():
            return ""
        case nn.Dropout():
            return f"dropout {module.p:g}" if module.p else ""
        case nn.BatchNorm1d() | nn.BatchNorm2d():
            return "BatchNorm"
    return type(module).__name__


class Canvas:
    """A figure, and axes that fill it: the origin is at the lower left, and a unit is an inch."""

    def __init__(self, width: float, height: float):
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width, height))
        self.axes = self.figure.subplots()
        self.axes.set(xlim=(0, width), ylim=(0, height), aspect="equal")
        self.axes.set_axis_off()

    def text(self, x: float, y: float, text: str, ha: str = "center", va: str = "center_baseline", **looks) -> None:
        """Text that is aligned with (x, y) before it is rotated around it."""
        looks = {"size": "small", "rotation_mode": "anchor", "in_layout": False, **looks}
        self.axes.text(x, y, text, ha=ha, va=va, **looks)

    def box(self, x: float, y: float, width: float, height: float, kind: str, text: str = "", **looks) -> None:
        """A box around its centre (x, y), in the colour of its kind."""
        self.axes.add_patch(Rectangle((x - width / 2, y - height / 2), width, height, facecolor=COLORS[kind]))
        self.text(x, y, text, **looks)

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
        self.text(x, y, "+", va="center")

    def legend(self, y: float, kinds: Iterable[str] = (), lines: Sequence[Line2D] = ()) -> None:
        """What the colours and `lines` mean: a row around `y`, flush right."""
        handles = [Patch(facecolor=COLORS[kind], label=kind) for kind in dict.fromkeys(kinds)] + list(lines)
        looks = {"loc": "center right", "borderaxespad": 0, "borderpad": 0, "columnspacing": 1.2}
        labels = [handle.get_label() for handle in handles]
        # Not `axes.legend`, which takes the row before away.
        row = Legend(self.axes, handles, labels, bbox_to_anchor=(1, y / self.height), ncols=len(handles), **looks)
        self.axes.add_artist(row)

    def title(self, entry: dict, model: nn.Module) -> None:
        """The model's name, and at the foot its parameters."""
        self.text(0, self.height - 0.1, entry["name"], ha="left", weight="bold")
        self.text(self.width, 0.1, f"Total parameters: {count_parameters(model):,}", ha="right", weight="bold")
