"""The report's Fig. 3, 5, 7 (VGG), 9 (ResNet), 13 (ViT) and 15 (depthwise module): the layers of a model as built."""

import json
from itertools import count
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from torch import nn

from fashion.data.dataset import load
from fashion.figures.parts.canvas import Canvas, Shapes, layer_kind, shape_text, trace, window_words, words
from fashion.figures.parts.sheet import LINE_HEIGHT, WIDTH, figure_parser, save
from fashion.figures.parts.vit import depthwise, vit
from fashion.image import IMAGE_SHAPE
from fashion.models.build import count_parameters
from fashion.stage import exit_on_user_error

GAP = 0.19  # inches between a ResNet's columns, half of it within a block


def vgg_rows(model: nn.Module, shapes: Shapes) -> list[dict]:
    """A VGG's layers in order: each one's `kind`, output `shape`, `modules` and `parameters`."""
    rows: list[dict] = []
    dropouts: list[nn.Module] = []
    for module in (*model.features, *model.classifier):
        match module:
            case nn.Flatten():
                pass
            case nn.Dropout():  # belongs to the fully connected layer after it
                dropouts = [module]
            case nn.MaxPool2d() | nn.Sequential() | nn.Linear():
                kind, parameters = layer_kind(module), count_parameters(module)
                modules, dropouts = [*dropouts, module], []
                rows.append({"kind": kind, "shape": shapes[module], "modules": modules, "parameters": parameters})
            case _:  # an activation belongs to the fully connected layer before it
                rows[-1]["modules"].append(module)
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
        canvas.text(x + 0.95, y, words(nn.Sequential(*row["modules"])), ha="left")
        canvas.text(WIDTH, y, f"{row['parameters']:,}", ha="right")
        bottom = y - box / 2
    return canvas.figure


def resnet_columns(model: nn.Module, shapes: Shapes) -> tuple[list[dict], list[tuple[int, int, nn.Module]]]:
    """A ResNet's columns from left to right, and its shortcuts.

    Returns:
        Each column's `kind`, output `shape`, what it `does`, `parameters`, number as a `layer` if it has any, and `gap`
        to its left in inches; and of each shortcut the first and the last column that it bypasses, and its module.
    """
    columns = [{"kind": "plain", "shape": IMAGE_SHAPE, "does": "", "parameters": 0, "layer": "", "gap": 0.1}]
    shortcuts = []
    numbers = count(1)

    def add(layer: nn.Module, then: str = "", gap: float = GAP) -> None:
        *_, last = layer.modules()
        drawn = {"kind": layer_kind(layer), "shape": shapes[last], "does": words(layer) + then, "gap": gap}
        parameters = count_parameters(layer)
        columns.append({**drawn, "parameters": parameters, "layer": str(next(numbers)) if parameters else ""})

    for part in (model.stem[:3], *model.stem[3:], *model.features, *model.classifier):
        if hasattr(part, "shortcut"):
            add(part.residual[:3])
            add(part.residual[3:], then=", sum, ReLU", gap=GAP / 2)
            shortcuts.append((len(columns) - 2, len(columns) - 1, part.shortcut))
        elif not isinstance(part, nn.Flatten):
            add(part)
    return columns, shortcuts


def layer_lines(columns: list[dict]) -> list[str]:
    """What the layers of `resnet_columns` do, a line for all that do the same; poolings by their kind."""
    alike: dict[tuple[str, str], list[str]] = {}
    for drawn in columns:
        if drawn["does"]:
            alike.setdefault((drawn["kind"], drawn["does"]), []).append(drawn["layer"])
    lines = []
    for (kind, does), layers in alike.items():
        numbered = f"{'Layers' if layers[1:] else 'Layer'} {', '.join(layers)}"
        lines.append(f"{numbered if layers[0] else kind}: {does}")
    return lines


def shortcut_looks(shortcut: nn.Module) -> dict:
    """The label and the line style of a shortcut: dashed where it has parameters."""
    if count_parameters(shortcut):
        return {"label": f"{window_words(shortcut[0], 'projection')}, with its parameters", "linestyle": "--"}
    return {"label": "shortcut", "linestyle": "-"}


def resnet(entry: dict) -> Figure:
    """Layers from left to right under the arcs of their shortcuts, as in Fig. 9."""
    model, shapes = trace(entry)
    columns, shortcuts = resnet_columns(model, shapes)
    lines = layer_lines(columns)
    width, half, y = 0.155, 0.5, 1.25 + LINE_HEIGHT * len(lines)
    rights = np.cumsum([width + drawn["gap"] for drawn in columns])
    canvas = Canvas(max(WIDTH, rights[-1] + 0.1), y + 1.7)
    rights += (canvas.width - rights[-1]) / 2
    canvas.title(entry, model)
    canvas.legend(canvas.height - 0.1, (drawn["kind"] for drawn in columns[1:]))
    looks = {look["label"]: look for look in (shortcut_looks(shortcut) for *_, shortcut in shortcuts)}
    canvas.legend(canvas.height - 0.3, lines=[Line2D([], [], color="k", **look) for look in looks.values()])
    for height, line in enumerate(reversed(lines)):
        canvas.text(0, 0.1 + LINE_HEIGHT * height, line, ha="left")
    for right, drawn in zip(rights, columns, strict=True):
        above, below = drawn["layer"], f"{drawn['parameters']:,}" if drawn["layer"] else ""
        if drawn["kind"] == "plain":
            above, below = "layer", "parameters"
        else:
            canvas.arrow((right - width - drawn["gap"], y), (right - width, y))
        x = right - width / 2
        canvas.box(x, y, width, 2 * half, drawn["kind"], shape_text(drawn["shape"]), rotation=90)
        canvas.text(x, y + half + 0.08, above)
        canvas.text(x, y - half - 0.05, below, ha="right", rotation=90)
    for first, last, shortcut in shortcuts:
        start, end = rights[first] - width - GAP / 3, rights[last] + GAP / 3
        angles = np.linspace(0, np.pi, 50)
        xs, ys = (start + end) / 2 - (end - start) / 2 * np.cos(angles), y + np.sin(angles)
        canvas.arrow(*zip(xs, ys, strict=True), linestyle=shortcut_looks(shortcut)["linestyle"])
        if parameters := count_parameters(shortcut):
            canvas.text((start + end) / 2, ys.max() + 0.08, f"{parameters:,}")
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
    parser = figure_parser(__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the dataset, as fashion.data.download writes it")
    parser.add_argument(
        "--model", type=json.loads, required=True, help='{"name": ..., "family": ..., "settings": {...}}'
    )
    arguments = parser.parse_args()
    image = load(arguments.data).train_images[0]
    save(plot(arguments.model, image), arguments.output, arguments.note)


if __name__ == "__main__":
    exit_on_user_error(main)
