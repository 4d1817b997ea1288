"""Diagrams of Vision Transformers: the report's Fig. 13 and 15."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.lib.stride_tricks import sliding_window_view
from torch import nn

from fashion.figures.parts.canvas import PLUS, Canvas, layer_kind, shape_text, trace, words
from fashion.figures.parts.sheet import WIDTH
from fashion.image import IMAGE_SHAPE
from fashion.models.build import count_parameters
from fashion.models.vit import ConvolutionProjection

MAX_TOKENS = 16  # of more, those in the middle are drawn: an image's borders are empty


def draw_transformer_layer(
    canvas: Canvas, left: float, right: float, y: float, layer: nn.Module
) -> tuple[float, float]:
    """Draw a layer from left to right around `y`; returns the x of its input and of its last sum."""
    norm, attention = layer.attention
    mlp_norm, mlp = layer.mlp[0], layer.mlp[1:]
    linear = [part for part in mlp if isinstance(part, nn.Linear)]
    widths = " → ".join(str(width) for width in (linear[0].in_features, *(part.out_features for part in linear)))
    others = words(nn.Sequential(*(part for part in mlp if part not in linear)))
    boxes = (
        ("plain", f"{words(norm)}\n{count_parameters(norm):,}", 0.65),
        ("attention", f"Attention\n{attention.heads} heads\n{count_parameters(attention):,}", 0.7),
        ("sum", "", 2 * PLUS),
        ("plain", f"{words(mlp_norm)}\n{count_parameters(mlp_norm):,}", 0.65),
        ("FC", f"MLP\n{widths}\n{others}\n{count_parameters(mlp):,}", 1.1),
        ("sum", "", 2 * PLUS),
    )
    gap = (right - left - sum(width for *_, width in boxes)) / (len(boxes) + 1)
    x = branch = left
    for kind, text, width in boxes:
        canvas.arrow((x, y), (x + gap, y))
        middle = x + gap + width / 2
        x += gap + width
        if kind == "sum":
            start = branch + gap / 2
            canvas.arrow((start, y), (start, y + 0.38), (middle, y + 0.38), (middle, y + PLUS))
            canvas.plus(middle, y)
            branch = x
        else:
            canvas.box(middle, y, width, 0.56, kind, text)
    canvas.arrow((x, y), (right, y))
    return left + gap / 2, x - PLUS


def tokenize(embedding: nn.Module, image: np.ndarray) -> tuple[nn.Module, np.ndarray]:
    """The layer that makes tokens, and the patches of `image` that it makes them of, `[tokens, side, side] uint8`."""
    if isinstance(embedding, ConvolutionProjection):
        projection = embedding.convolution
        side, stride, padding = projection.kernel_size[0], projection.stride[0], projection.padding[0]
    else:
        projection, side, stride, padding = embedding.linear, embedding.patch, embedding.patch, 0
    # Zeros around an image in [-1, 1] are grey.
    windows = sliding_window_view(np.pad(image, padding, constant_values=128), (side, side))
    return projection, windows[::stride, ::stride].reshape(-1, side, side)


def draw_tokens(canvas: Canvas, left: float, right: float, patches: np.ndarray) -> None:
    """Draw each of `patches` `[tokens, side, side] uint8` with the sum of its projection and its position above it."""
    tokens = len(patches)
    first = (tokens - MAX_TOKENS) // 2 + 1
    shown = range(tokens) if tokens <= MAX_TOKENS else [None, *range(first, first + MAX_TOKENS - 2), None]
    pitch = (right - left) / len(shown)
    for place, token in enumerate(shown):
        x = left + (place + 0.5) * pitch
        if token is None:
            canvas.text(x, 0.8, "...")
            canvas.text(x, 1.8, "...")
            continue
        canvas.image(patches[token], x, 0.8, min(0.8 * pitch, 0.4))
        canvas.arrow((x, 1.02), (x, 1.2))
        canvas.arrow((x, 1.44), (x, 1.8 - PLUS))
        canvas.arrow((x, 1.8 + PLUS), (x, 2.1))
        canvas.box(x - 0.13, 1.8, 0.05, 0.14, "positions")
        canvas.plus(x, 1.8)


def vit(entry: dict, image: np.ndarray) -> Figure:
    """From the patches of `image` (`[28, 28] uint8`) at the bottom to logits at the top, as in Fig. 13."""
    model, shapes = trace(entry)
    layers, head = model.layers, model.head
    projection, patches = tokenize(model.embedding, image)
    left, right = 1.1, 5.3
    canvas = Canvas(WIDTH, 4.6)
    canvas.title(entry, model)

    def describe(y: float, shape: str, parameters: str) -> None:
        canvas.text(right + 0.1, y, shape, ha="left")
        canvas.text(WIDTH, y, parameters, ha="right")

    def bar(y: float, text: str, shape: Sequence[int], module: nn.Module | None) -> None:
        canvas.box((left + right) / 2, y, right - left, 0.24, layer_kind(module) if module else "plain", text)
        describe(y, shape_text(shape), f"{count_parameters(module):,}" if module else "0")

    tokens, side, _ = patches.shape
    describe(4.5, "shape", "parameters")
    canvas.image(image, 0.4, 0.8, 0.8)
    canvas.text(0.4, 0.29, shape_text(IMAGE_SHAPE))
    canvas.arrow((0.85, 0.8), (left - 0.05, 0.8))
    describe(0.8, shape_text((tokens, side * side)), "0")
    canvas.text((left + right) / 2, 0.5, f"{tokens} patches of {side} × {side}")
    learned = isinstance(model.positions, nn.Parameter)
    canvas.text(0, 1.8, f"Positions,\n{'learned' if learned else 'fixed'}", ha="left")
    describe(1.8, shape_text(model.positions.shape), f"{model.positions.numel() if learned else 0:,}")
    canvas.text(0, 2.02, words(model.dropout), ha="left")
    draw_tokens(canvas, left, right, patches)
    bar(1.32, f"Linear projection, {words(projection)}", shapes[model.embedding], projection)
    canvas.box((left + right) / 2, 2.65, right - left, 1.1, "panel")
    canvas.text((left + right) / 2, 3.1, f"Transformer encoder: {len(layers)} × this layer")
    draw_transformer_layer(canvas, left, right, 2.45, layers[0])
    describe(2.65, shape_text(shapes[layers]), f"{count_parameters(layers):,}")
    bar(3.55, f"Mean over {tokens} tokens", shapes[layers][1:], None)
    bar(4.0, f"Linear classification head, {words(head)}", shapes[head], head)
    for bottom, top in ((3.2, 3.43), (3.67, 3.88), (4.12, 4.35)):
        canvas.arrow(((left + right) / 2, bottom), ((left + right) / 2, top))
    canvas.text((left + right) / 2, 4.45, "y")
    return canvas.figure


def depthwise(entry: dict) -> Figure:
    """The depthwise module, under the transformer layer from whose input to whose output it runs, as in Fig. 15."""
    model, shapes = trace(entry)
    layer, count = model.layers[0], len(model.layers)
    module, each = layer.depthwise, count_parameters(layer.depthwise)
    left, right, upper, branch, lower = 0.6, WIDTH - 0.6, 2.75, 2.1, 0.95
    canvas = Canvas(WIDTH, 3.6)
    canvas.title(entry, model)
    canvas.text(right, canvas.height - 0.1, f"Transformer layer 1 of {count}", ha="right")
    canvas.text(0, 0.1, f"Depthwise modules: {count} × {each:,} = {count * each:,} parameters", ha="left")
    for y in (upper, lower):
        canvas.text(left / 2, y, f"x\n{shape_text(shapes[module])}")
        canvas.text(WIDTH - left / 2, y, f"y\n{shape_text(shapes[module])}")
    start, end = draw_transformer_layer(canvas, left, right, upper, layer)
    middle, half = (start + end) / 2, 0.6
    canvas.arrow((start, upper), (start, branch), (middle - half, branch))
    canvas.arrow((middle + half, branch), (end, branch), (end, upper - PLUS))
    for near, far in ((middle - half, left), (middle + half, right)):
        canvas.axes.plot((near, far), (branch - 0.17, lower + 0.45), color="k", linestyle=":")
    canvas.box(middle, branch, 2 * half, 0.34, "panel", f"Depthwise module\n{each:,}")
    canvas.box(WIDTH / 2, lower, right - left, 0.9, "panel")
    width = 0.75
    gap = (right - left - len(module.layers) * width) / (len(module.layers) + 1)
    # What enters the first part has the shape that leaves it: neither GELU nor BatchNorm changes it.
    crossings = [shapes[module.layers[0]], *(shapes[part] for part in module.layers)]
    for position, shape in enumerate(crossings):
        x = left + position * (gap + width)
        canvas.arrow((x, lower), (x + gap, lower))
        canvas.text(x + gap / 2, lower + 0.1, shape_text(shape))
        if position < len(module.layers):
            part = module.layers[position]
            kind = "Conv2D" if isinstance(part, nn.Conv2d) else "plain"
            does = words(part).replace(" d", "\nd")  # in two lines where it is long
            canvas.box(x + gap + width / 2, lower, width, 0.5, kind, f"{does}\n{count_parameters(part):,}")
    return canvas.figure
