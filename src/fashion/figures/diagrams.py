"""The report's Fig. 3, 5, 7 (VGG), 9 (ResNet), 13 (ViT) and 15 (depthwise module): the layers of a model as built."""

import json
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from torch import nn

from fashion.dataset import load
from fashion.errors import exit_on_user_error
from fashion.figures import WIDTH, figure_parser, save
from fashion.figures.canvas import Canvas, Shapes, shape_text, trace, words
from fashion.figures.vit_diagrams import depthwise, vit
from fashion.models import IMAGE_SHAPE, count_parameters

PROJECTION = "1 × 1 projection with its parameters"
GAP = 0.19  # inches between a ResNet's columns, half of it within a block


def vgg_rows(model: nn.Module, shapes: Shapes) -> list[dict]:
    """A VGG's layers in order: each one's `kind`, output `shape`, what it `does`, and `parameters`."""
    rows: list[dict] = []
    for module in (*model.features, *model.classifier):
        match module:
            case nn.MaxPool2d():
                kind, does = "MaxPool2D", []
            case nn.Sequential():
                convolutions = [part for part in module if isinstance(part, nn.Conv2d)]
                kind = "Conv2D" if len(convolutions) == 1 else "separable Conv2D"
                does = [words(part) for part in module]
            case nn.Linear():
                kind, does = "FC", [words(module)]
            case nn.Flatten():
                continue
            case _:  # an activation or dropout belongs to the fully connected layer before it
                rows[-1]["does"].append(words(module))
                continue
        rows.append({"kind": kind, "shape": shapes[module], "does": does, "parameters": count_parameters(module)})
    return rows


def vgg(entry: dict) -> Figure:
    """A stack of layers from top to bottom, as in Fig. 3, 5 and 7; a pooling hangs on the layer above it."""
    model, shapes = trace(entry)
    rows = vgg_rows(model, shapes)
    pools = sum(row["kind"] == "MaxPool2D" for row in rows)
    gap, box, pool, x = 0.14, 0.22, 0.17, 1.7
    canvas = Canvas(WIDTH, (gap + box) * (len(rows) - pools + 1) + pool * pools + 0.5)
    canvas.title(entry, model)
    canvas.legend(canvas.height - 0.1, (row["kind"] for row in rows))
    y = canvas.height - 0.4
    canvas.box(x, y, 1.5, box, "plain", shape_text(IMAGE_SHAPE))
    canvas.text(0, y, "Input", ha="left")
    canvas.text(WIDTH, y, "parameters", ha="right")
    bottom, layer = y - box / 2, 0
    for row in rows:
        if row["kind"] == "MaxPool2D":
            canvas.box(x, bottom - pool / 2, 1.1, pool, row["kind"], shape_text(row["shape"]))
            bottom -= pool
            continue
        layer += 1
        y = bottom - gap - box / 2
        canvas.arrow((x, bottom), (x, y + box / 2))
        canvas.box(x, y, 1.5, box, row["kind"], shape_text(row["shape"]))
        canvas.text(0, y, f"Layer {layer}", ha="left")
        canvas.text(x + 0.95, y, ", ".join(row["does"]), ha="left")
        canvas.text(WIDTH, y, f"{row['parameters']:,}", ha="right")
        bottom = y - box / 2
    return canvas.figure


def resnet_columns(model: nn.Module, shapes: Shapes) -> tuple[list[dict], list[tuple[int, int, nn.Module]]]:
    """A ResNet's columns from left to right, and its shortcuts.

    Returns:
        Each column's `kind`, output `shape`, `parameters` and `gap` to its left in inches; and of each shortcut the
        first and the last column that it bypasses, and its module.
    """
    columns = [{"kind": "plain", "shape": IMAGE_SHAPE, "parameters": 0, "gap": 0.1}]
    shortcuts = []

    def add(kind: str, *modules: nn.Module, gap: float = GAP) -> None:
        parameters = sum(map(count_parameters, modules))
        columns.append({"kind": kind, "shape": shapes[modules[-1]], "parameters": parameters, "gap": gap})

    add("Conv2D", model.stem)
    for part in model.features:
        if isinstance(part, nn.MaxPool2d):
            add("MaxPool2D", part)
            continue
        first, first_norm, _, second, second_norm = part.residual
        add("Conv2D", first, first_norm)
        add("Conv2D", second, second_norm, gap=GAP / 2)
        shortcuts.append((len(columns) - 2, len(columns) - 1, part.shortcut))
    add("FC", model.classifier[-1])
    return columns, shortcuts


def resnet(entry: dict) -> Figure:
    """Layers from left to right under the arcs of their shortcuts, as in Fig. 9."""
    model, shapes = trace(entry)
    columns, shortcuts = resnet_columns(model, shapes)
    width, half, y = 0.155, 0.5, 1.6
    rights = np.cumsum([width + drawn["gap"] for drawn in columns])
    canvas = Canvas(max(WIDTH, rights[-1] + 0.1), 3.2)
    rights += (canvas.width - rights[-1]) / 2
    canvas.title(entry, model)
    lines = [Line2D([], [], color="k", label="shortcut"), Line2D([], [], color="k", linestyle="--", label=PROJECTION)]
    canvas.legend(canvas.height - 0.1, (drawn["kind"] for drawn in columns[1:]), lines)
    layer = 0
    for right, drawn in zip(rights, columns, strict=True):
        above = below = ""
        if drawn["kind"] == "plain":
            above, below = "layer", "parameters"
        else:
            canvas.arrow((right - width - drawn["gap"], y), (right - width, y))
        if drawn["kind"] in ("Conv2D", "FC"):
            layer += 1
            above, below = f"{layer}", f"{drawn['parameters']:,}"
        x = right - width / 2
        canvas.box(x, y, width, 2 * half, drawn["kind"], shape_text(drawn["shape"]), rotation=90)
        canvas.text(x, y + half + 0.08, above)
        canvas.text(x, y - half - 0.05, below, ha="right", rotation=90)
    for first, last, shortcut in shortcuts:
        start, end = rights[first] - width - GAP / 3, rights[last] + GAP / 3
        angles = np.linspace(0, np.pi, 50)
        xs, ys = (start + end) / 2 - (end - start) / 2 * np.cos(angles), y + np.sin(angles)
        parameters = count_parameters(shortcut)
        canvas.arrow(*zip(xs, ys, strict=True), linestyle="--" if parameters else "-")
        if parameters:
            canvas.text((start + end) / 2, ys.max() + 0.08, f"{parameters:,}")
    block = next(part for part in model.features if not isinstance(part, nn.MaxPool2d))
    stem, residual = (", ".join(map(words, parts)) for parts in (model.stem, block.residual[:3]))
    canvas.text(0, 0.3, f"Layer 1: {stem}. In blocks: {residual}.", ha="left")
    return canvas.figure


def plot(entry: dict, image: np.ndarray) -> Figure:
    """The diagram of a model.

    Args:
        entry: its `name`, `family` and `settings`, as in config.yaml.
        image: `[28, 28] uint8`, to show a ViT's patches on.
    """
    match entry["family"]:
        case "vgg":
            return vgg(entry)
        case "resnet":
            return resnet(entry)
    return depthwise(entry) if entry["settings"].get("depthwise") else vit(entry, image)


def main() -> None:
    parser = figure_parser("fashion.figures.diagrams", __doc__)
    parser.add_argument("--data", type=Path, required=True, help="the dataset, as fashion.download writes it")
    parser.add_argument(
        "--model", type=json.loads, required=True, help='{"name": ..., "family": ..., "settings": {...}}'
    )
    arguments = parser.parse_args()
    image = load(arguments.data).train_images[0]
    save(plot(arguments.model, image), arguments.output, arguments.note)


if __name__ == "__main__":
    exit_on_user_error(main)
