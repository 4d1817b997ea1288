"""Draws the layers of built models."""

from collections.abc import Sequence
from itertools import count
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fashion.data.dataset import load
from fashion.figures.parts.canvas import Canvas, shape_text
from fashion.figures.parts.encoder import bypass, encoder
from fashion.figures.parts.sheet import LINE_HEIGHT, WIDTH, draw, figure_parser
from fashion.image import IMAGE_SHAPE
from fashion.models.build import count_parameters
from fashion.models.diagram import Box, Bypass, Chain, Encoder, Shortcut, trace
from fashion.models.families import part
from fashion.stage import exit_on_user_error

GAP = 0.19  # inches between columns, half of it under a shortcut


def stack(chain: Chain) -> Canvas:
    """Returns layers from top to bottom; a layer without parameters hangs on the one above it."""
    hanging = sum(box.parameters == 0 for box in chain.boxes)
    gap, thick, thin, x = 0.14, 0.22, 0.17, 1.7
    canvas = Canvas(WIDTH, (gap + thick) * (len(chain.boxes) - hanging + 1) + thin * hanging + 0.5)
    canvas.legend(canvas.height - 0.1, (box.kind for box in chain.boxes))
    y = canvas.height - 0.4
    canvas.box(x, y, 1.5, thick, "plain", shape_text(IMAGE_SHAPE))
    canvas.text(0, y, "Input", ha="left")
    canvas.text(WIDTH, y, "parameters", ha="right")
    bottom, numbers = y - thick / 2, count(1)
    for box in chain.boxes:
        if box.parameters == 0:
            canvas.box(x, bottom - thin / 2, 1.1, thin, box.kind, shape_text(box.shape))
            bottom -= thin
            continue
        y = bottom - gap - thick / 2
        canvas.arrow((x, bottom), (x, y + thick / 2))
        canvas.box(x, y, 1.5, thick, box.kind, shape_text(box.shape))
        canvas.text(0, y, f"Layer {next(numbers)}", ha="left")
        canvas.text(x + 0.95, y, box.does, ha="left")
        canvas.text(WIDTH, y, f"{box.parameters:,}", ha="right")
        bottom = y - thick / 2
    return canvas


def numbered(boxes: Sequence[Box]) -> list[tuple[Box, str]]:
    """Returns layers with their numbers; a layer without parameters has the number ""."""
    numbers = count(1)
    return [(box, str(next(numbers)) if box.parameters else "") for box in boxes]


def layer_lines(layers: list[tuple[Box, str]]) -> list[str]:
    """Returns a line for each thing that layers do: their numbers, or their kind if they have none, and the thing."""
    alike: dict[tuple[str, str], list[str]] = {}
    for box, number in layers:
        if box.does:
            alike.setdefault((box.kind, box.does), []).append(number)
    lines = []
    for (kind, does), numbers in alike.items():
        names = f"{'Layers' if numbers[1:] else 'Layer'} {', '.join(numbers)}"
        lines.append(f"{names if numbers[0] else kind}: {does}")
    return lines


def shortcut_looks(shortcut: Shortcut) -> dict:
    """Returns the label and line style of a shortcut: dashed if it has parameters."""
    if shortcut.parameters:
        return {"label": f"{shortcut.does}, with its parameters", "linestyle": "--"}
    return {"label": shortcut.does, "linestyle": "-"}


def columns(chain: Chain) -> Canvas:
    """Returns layers from left to right under the arcs of their shortcuts."""
    layers = numbered(chain.boxes)
    lines = layer_lines(layers)
    width, half, y = 0.155, 0.5, 1.25 + LINE_HEIGHT * len(lines)
    bypassed = {place for one in chain.shortcuts for place in range(one.first + 1, one.last + 1)}
    gaps = [GAP / 2 if place in bypassed else GAP for place in range(len(layers))]
    first = 0.1 + width  # the right edge of the image's column
    rights = first + np.cumsum([width + gap for gap in gaps])
    canvas = Canvas(max(WIDTH, rights[-1] + 0.1), y + 1.7)
    margin = (canvas.width - rights[-1]) / 2
    rights += margin
    canvas.legend(canvas.height - 0.1, (box.kind for box in chain.boxes))
    looks = {look["label"]: look for look in map(shortcut_looks, chain.shortcuts)}
    canvas.legend(canvas.height - 0.3, lines=[Line2D([], [], color="k", **look) for look in looks.values()])
    for height, line in enumerate(reversed(lines)):
        canvas.text(0, 0.1 + LINE_HEIGHT * height, line, ha="left")

    def column(right: float, kind: str, shape: tuple[int, ...], above: str, below: str) -> None:
        x = right - width / 2
        canvas.box(x, y, width, 2 * half, kind, shape_text(shape), rotation=90)
        canvas.text(x, y + half + 0.08, above)
        canvas.text(x, y - half - 0.05, below, ha="right", rotation=90)

    column(first + margin, "plain", IMAGE_SHAPE, "layer", "parameters")
    for right, gap, (box, number) in zip(rights, gaps, layers, strict=True):
        canvas.arrow((right - width - gap, y), (right - width, y))
        column(right, box.kind, box.shape, number, f"{box.parameters:,}" if number else "")
    for shortcut in chain.shortcuts:
        start, end = rights[shortcut.first] - width - GAP / 3, rights[shortcut.last] + GAP / 3
        angles = np.linspace(0, np.pi, 50)
        xs, ys = (start + end) / 2 - (end - start) / 2 * np.cos(angles), y + np.sin(angles)
        canvas.arrow(*zip(xs, ys, strict=True), linestyle=shortcut_looks(shortcut)["linestyle"])
        if shortcut.parameters:
            canvas.text((start + end) / 2, ys.max() + 0.08, f"{shortcut.parameters:,}")
    return canvas


def drawn(diagram: Chain | Encoder | Bypass, image: np.ndarray) -> Canvas:
    """Returns a model's diagram without its title; an `Encoder`'s shows the patches of `image`."""
    match diagram:
        case Encoder():
            return encoder(diagram, image)
        case Bypass():
            return bypass(diagram)
    return columns(diagram) if diagram.shortcuts else stack(diagram)


def plot(entry: dict, image: np.ndarray) -> Figure:
    """Returns the diagram of a model.

    Args:
        entry: the model's `name`, `family` and `settings`, as in config.yaml.
        image: `[28, 28] uint8`, whose patches a ViT's diagram shows.
    """
    model, shapes = trace(entry)
    canvas = drawn(part(entry["family"], "diagram").describe(model, shapes), image)
    canvas.title(entry["name"], count_parameters(model))
    return canvas.figure


def main() -> None:
    parser = figure_parser(__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the dataset, as fashion.data.download writes it")
    arguments = parser.parse_args()
    image = load(arguments.data).train_images[0]
    draw(arguments.plan, arguments.output, lambda kind, runs, classes, entry: plot(entry, image))


if __name__ == "__main__":
    exit_on_user_error(main)
