"""Diagrams of layers that are all alike, over tokens."""

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from fashion.figures.parts.canvas import PLUS, Canvas, shape_text
from fashion.figures.parts.sheet import WIDTH
from fashion.image import IMAGE_SHAPE
from fashion.models.diagram import Box, Bypass, Encoder

MAX_TOKENS = 16  # of more tokens, the middle ones are drawn: an image's borders are empty
WIDTHS = {"plain": 0.65, "attention": 0.7, "FC": 1.1, "sum": 2 * PLUS}  # inches


def draw_layer(canvas: Canvas, left: float, right: float, y: float, layer: Sequence[Box]) -> tuple[float, float]:
    """Draws a layer from left to right around `y`; returns the x of its input and of its last sum."""
    gap = (right - left - sum(WIDTHS[box.kind] for box in layer)) / (len(layer) + 1)
    x = branch = left
    for box in layer:
        width = WIDTHS[box.kind]
        canvas.arrow((x, y), (x + gap, y))
        middle = x + gap + width / 2
        x += gap + width
        if box.kind == "sum":
            start = branch + gap / 2
            canvas.arrow((start, y), (start, y + 0.38), (middle, y + 0.38), (middle, y + PLUS))
            canvas.plus(middle, y)
            branch = x
        else:
            canvas.box(middle, y, width, 0.56, box.kind, f"{box.does}\n{box.parameters:,}")
    canvas.arrow((x, y), (right, y))
    return left + gap / 2, x - PLUS


def patches_of(image: np.ndarray, diagram: Encoder) -> np.ndarray:
    """Returns the patches of `image`, one for each token: `[tokens, side, side] uint8`."""
    # Zeros around an image in [-1, 1] are grey.
    padded = np.pad(image, diagram.padding, constant_values=128)
    windows = sliding_window_view(padded, (diagram.side, diagram.side))
    return windows[:: diagram.stride, :: diagram.stride].reshape(-1, diagram.side, diagram.side)


def draw_tokens(canvas: Canvas, left: float, right: float, patches: np.ndarray) -> None:
    """Draws `patches` `[tokens, side, side] uint8`, each under the sum of its projection and its position."""
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


def encoder(diagram: Encoder, image: np.ndarray) -> Canvas:
    """From the patches of `image` (`[28, 28] uint8`) at the bottom to logits at the top."""
    left, right = 1.1, 5.3
    middle = (left + right) / 2
    canvas = Canvas(WIDTH, 4.6)

    def describe(y: float, shape: Sequence[int], parameters: int) -> None:
        canvas.text(right + 0.1, y, shape_text(shape), ha="left")
        canvas.text(WIDTH, y, f"{parameters:,}", ha="right")

    def bar(y: float, box: Box) -> None:
        canvas.box(middle, y, right - left, 0.24, box.kind, box.does)
        describe(y, box.shape, box.parameters)

    patches = patches_of(image, diagram)
    tokens, side, _ = patches.shape
    canvas.text(right + 0.1, 4.5, "shape", ha="left")
    canvas.text(WIDTH, 4.5, "parameters", ha="right")
    canvas.image(image, 0.4, 0.8, 0.8)
    canvas.text(0.4, 0.29, shape_text(IMAGE_SHAPE))
    canvas.arrow((0.85, 0.8), (left - 0.05, 0.8))
    describe(0.8, (tokens, side * side), 0)
    canvas.text(middle, 0.5, f"{tokens} patches of {side} × {side}")
    canvas.text(0, 1.8, f"Positions,\n{diagram.positions.does}", ha="left")
    describe(1.8, diagram.positions.shape, diagram.positions.parameters)
    canvas.text(0, 2.02, diagram.dropout, ha="left")
    draw_tokens(canvas, left, right, patches)
    bar(1.32, diagram.projection)
    canvas.box(middle, 2.65, right - left, 1.1, "panel")
    canvas.text(middle, 3.1, diagram.layers.does)
    draw_layer(canvas, left, right, 2.45, diagram.layer)
    describe(2.65, diagram.layers.shape, diagram.layers.parameters)
    bar(3.55, diagram.pooled)
    bar(4.0, diagram.head)
    for bottom, top in ((3.2, 3.43), (3.67, 3.88), (4.12, 4.35)):
        canvas.arrow((middle, bottom), (middle, top))
    canvas.text(middle, 4.45, "y")
    return canvas


def bypass(diagram: Bypass) -> Canvas:
    """A module, under the layer from whose input to whose output it runs."""
    depth, module, each = diagram.depth, diagram.module, sum(box.parameters for box in diagram.module)
    left, right, upper, branch, lower = 0.6, WIDTH - 0.6, 2.75, 2.1, 0.95
    canvas = Canvas(WIDTH, 3.6)
    canvas.text(right, canvas.height - 0.1, f"Transformer layer 1 of {depth}", ha="right")
    canvas.text(0, 0.1, f"{diagram.name}s: {depth} × {each:,} = {depth * each:,} parameters", ha="left")
    for y in (upper, lower):
        for x, name in ((left / 2, "x"), (WIDTH - left / 2, "y")):
            canvas.text(x, y, f"{name}\n{shape_text(diagram.layer[-1].shape)}")
    start, end = draw_layer(canvas, left, right, upper, diagram.layer)
    middle, half = (start + end) / 2, 0.6
    canvas.arrow((start, upper), (start, branch), (middle - half, branch))
    canvas.arrow((middle + half, branch), (end, branch), (end, upper - PLUS))
    for near, far in ((middle - half, left), (middle + half, right)):
        canvas.axes.plot((near, far), (branch - 0.17, lower + 0.45), color="k", linestyle=":")
    canvas.box(middle, branch, 2 * half, 0.34, "panel", f"{diagram.name}\n{each:,}")
    canvas.box(WIDTH / 2, lower, right - left, 0.9, "panel")
    width = 0.75
    gap = (right - left - len(module) * width) / (len(module) + 1)
    # The first part, a GELU or BatchNorm, keeps the shape: its input has its output's.
    crossings = [module[0].shape, *(box.shape for box in module)]
    for position, shape in enumerate(crossings):
        x = left + position * (gap + width)
        canvas.arrow((x, lower), (x + gap, lower))
        canvas.text(x + gap / 2, lower + 0.1, shape_text(shape))
        if position < len(module):
            box = module[position]
            does = box.does.replace(" d", "\nd")  # long text in two lines
            canvas.box(x + gap + width / 2, lower, width, 0.5, box.kind, f"{does}\n{box.parameters:,}")
    return canvas
