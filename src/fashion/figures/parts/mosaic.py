"""Images in rows and columns, with names and captions."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from fashion.figures.parts.sheet import LINE_HEIGHT, WIDTH

SIDE = 28
WHITE = 255
GAP = 2  # pixels between images


def short(name: str) -> str:
    """Returns the part of a class's name that has room under an image."""
    return (name.split("/")[0].split() or [name])[-1]


def grid(
    images: np.ndarray, rows: Sequence[str] = (), columns: Sequence[str] = (), captions: Sequence[str] = ()
) -> Figure:
    """Returns a figure with images in rows and columns.

    Args:
        images: `[rows, columns, 28, 28] uint8`.
        rows, columns: names at the left and on top, if any.
        captions: the text under each image, row by row, if any.
    """
    width = images.shape[1] * (SIDE + GAP) - GAP
    labels = 0.1 + 0.06 * max((len(line) for row in rows for line in row.split("\n")), default=0)
    inches = (WIDTH - labels) / width  # of a pixel
    lines = max((caption.count("\n") + 1 for caption in captions), default=0)
    pitch = SIDE + GAP + round(lines * LINE_HEIGHT / inches)
    # The page shows through masked pixels: between images, and for a missing one, which is all white.
    mosaic = np.ma.masked_all((images.shape[0] * pitch - GAP, width), np.uint8)
    corners = [(row * pitch, column * (SIDE + GAP)) for row, column in np.ndindex(images.shape[:2])]
    for (top, left), image in zip(corners, images.reshape(-1, SIDE, SIDE), strict=True):
        if image.min() < WHITE:
            mosaic[top : top + SIDE, left : left + SIDE] = image
    figure = Figure(figsize=(WIDTH, inches * len(mosaic) + 3 * LINE_HEIGHT * bool(columns) + 0.1))
    axes = figure.subplots()
    axes.imshow(mosaic, vmin=0, vmax=WHITE)
    axes.set_anchor("W")  # else a layout short of height misplaces the names at the left
    axes.set_yticks([pitch * row + SIDE / 2 for row in range(len(rows))], rows)
    axes.set_xticks([(SIDE + GAP) * column + SIDE / 2 for column in range(len(columns))], columns)
    axes.tick_params(length=0, top=True, labeltop=True, labelbottom=False)
    axes.xaxis.set_label_position("top")
    axes.set_frame_on(False)
    axes.grid(visible=False)
    for (top, left), caption in zip(corners, captions, strict=bool(captions)):
        # All captions have as many lines: a single line would stand higher than the first of two.
        text = caption + "\n" * (lines - 1 - caption.count("\n"))
        axes.text(left + SIDE / 2, top + SIDE + 1, text, ha="center", va="top", size="small", in_layout=False)
    return figure
